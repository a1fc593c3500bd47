# SPDX-License-Identifier: LGPL-3.0-or-later
"""Workers as processes of their own, one thread each, as long as they may take."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from .worker import Report

ROOT = Path(__file__).resolve().parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def start(request: dict[str, Any], limit: float = math.inf) -> Report:
    """Run a worker to its end.

    Args:
        request: What `benchmarks.worker.work` takes.
        limit: Processor seconds after which the run is given up.

    Raises:
        RuntimeError: It broke.
    """

    if math.isfinite(limit):
        request = {**request, "limit": limit}
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", json.dumps(request)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=None if request.get("reference") else subprocess.PIPE,
        text=True,
        check=False,
    )
    if math.isfinite(limit) and done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Report(failed=f"given up after {limit:.0f} CPU s")
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        said = (done.stderr or "").strip().splitlines() or ["no message"]
        raise RuntimeError(f"a worker broke with exit status {done.returncode}: {said[-1]}")
    return Report(**json.loads(lines[-1]))
