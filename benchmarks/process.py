# SPDX-License-Identifier: LGPL-3.0-or-later
"""Workers as processes of their own, one thread each, as long as they may take."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
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


class Server:
    """A worker that serves many runs of one workload: a search needs no pairs, and saves what runs share.

    Args:
        request: With ``workload`` and ``path``.
    """

    def __init__(self, request: dict[str, Any]):
        environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", "--serve", json.dumps(request)],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            text=True,
        )  # fmt: skip

    def start(self, request: dict[str, Any], limit: float = math.inf) -> Report:
        """One run, as the function `start` does it."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        if math.isfinite(limit):
            request = {**request, "limit": limit}
        with suppress(BrokenPipeError):
            print(json.dumps(request), file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline() or '{"status": 1}')
        if "status" not in answer:
            return Report(**answer)
        if math.isfinite(limit) and answer["status"] in (-signal.SIGXCPU, -signal.SIGKILL):
            return Report(failed=f"given up after {limit:.0f} CPU s")
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines() or ["no message"]
        raise RuntimeError(f"a run of a search broke with exit status {answer['status']}: {said[-1]}")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def one_thread(module: str, argv: list[str] | None = None) -> None:
    """Start a module anew with one thread, unless this process has one already."""
    if os.environ.get(THREADS[0]) != "1":
        os.environ.update(dict.fromkeys(THREADS, "1"))
        os.execv(sys.executable, [sys.executable, "-m", module, *(sys.argv[1:] if argv is None else argv)])
