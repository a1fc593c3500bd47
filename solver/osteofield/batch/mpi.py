# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which MPI this environment has, told by its own mpiexec: that decides how ranks are started."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Family = Literal["MPICH", "Open MPI", "unknown"]


@dataclass(frozen=True)
class Launcher:
    """The mpiexec that belongs to this Python environment.

    Attributes:
        path: Absolute path.
        family: Whose it is; Intel MPI and Cray's launchers speak MPICH's protocol.
        version: First line of what it says about itself.
    """

    path: Path
    family: Family
    version: str

    @property
    def srun(self) -> str:
        """How Slurm starts ranks of this MPI.

        ``--wait``: where one rank has died, Slurm ends the others a minute later instead of
        letting them wait for it until the job's time is over.
        """
        plugin = "pmix" if self.family == "Open MPI" else "pmi2"
        return f"srun --mpi={plugin} --wait=60"


def find_launcher() -> Launcher | None:
    """The launcher beside this Python, or else the first on the PATH; None if there is none."""
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        return None
    try:
        done = subprocess.run(
            [found, "--version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=30,
            check=False,
        )
        said = done.stdout + done.stderr
    except (OSError, subprocess.TimeoutExpired):
        said = ""
    family: Family = "unknown"
    if "HYDRA" in said or "MPICH" in said or "Intel(R) MPI" in said:
        family = "MPICH"
    elif "OpenRTE" in said or "Open MPI" in said or "prte" in said.lower():
        family = "Open MPI"
    return Launcher(Path(found), family, _version(said))


def _version(said: str) -> str:
    for line in said.splitlines():
        if "version" in line.lower() or "Open MPI" in line:
            return " ".join(line.split())
    return ""
