# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs on a number of ranks, through any launcher."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.process import ROOT, THREADS


def launch(
    request: dict[str, Any],
    ranks: int,
    launcher: str | None = None,
    module: str = "benchmarks.scaling.worker",
) -> dict[str, Any]:
    """Run one worker on `ranks` ranks and take its report.

    Args:
        request: What the ``work`` of that module takes.
        ranks: How many.
        launcher: Command that starts them, ``{ranks}`` standing for their number; by default the
            ``mpiexec`` of this environment.
        module: What every rank runs.

    Raises:
        RuntimeError: The run broke.
    """
    start = shlex.split((launcher or default_launcher()).format(ranks=ranks))
    done = subprocess.run(
        [*start, sys.executable, "-m", module, json.dumps(request)],
        cwd=ROOT,
        env={**os.environ, **dict.fromkeys(THREADS, "1")},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise RuntimeError(f"the run on {ranks} ranks broke with status {done.returncode}: {said[-1]}")
    return json.loads(lines[-1])


def default_launcher() -> str:
    """The launcher that belongs to this environment's MPI."""
    found = Path(sys.executable).with_name("mpiexec")
    return f"{shlex.quote(str(found)) if found.exists() else 'mpiexec'} -n {{ranks}}"
