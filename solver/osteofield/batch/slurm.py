# SPDX-License-Identifier: LGPL-3.0-or-later
"""Slurm's own commands, as far as osteofield calls them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ..errors import InputError, Problem


def check_sbatch() -> None:
    """See that jobs can be sent from here.

    Raises:
        InputError: There is no sbatch.
    """
    if shutil.which("sbatch") is None:
        message = (
            "there is no 'sbatch' on this machine, so nothing can be sent from here; without --now the "
            "script is only written."
        )
        raise InputError(Problem(message, "--now"))


def send(script: Path) -> str:
    """Hand a script to sbatch.

    Returns:
        The number of the job.

    Raises:
        InputError: Slurm does not take it; the message is Slurm's.
    """
    check_sbatch()
    done = subprocess.run(
        ["sbatch", "--parsable", str(script)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.split()).removeprefix("sbatch: error: ") or "no reason was given"
        raise InputError(Problem(f"Slurm does not take this job: {said}", script))
    return done.stdout.strip().partition(";")[0]
