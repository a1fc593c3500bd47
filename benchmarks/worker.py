# SPDX-License-Identifier: LGPL-3.0-or-later
"""One run in a process of its own: ``python -m benchmarks.worker REQUEST`` prints one line of JSON.

``--serve REQUEST`` does what all runs of a workload share and then serves the runs of a search.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import reference
from .error import relative_errors
from .method import Failed
from .registry import METHODS, warm_up, workload_of
from .workload import measures


@dataclass(frozen=True)
class Report:
    """What a worker says of a run.

    Attributes:
        failed: Why there are no numbers, or None.
        error: Largest relative error over populations and output times; None without a reference.
        cpu, setup: See `benchmarks.method.Run`.
        facts: Steps, iterations and the like.
        memory: Largest resident memory, bytes.
    """

    failed: str | None = None
    error: float | None = None
    cpu: float = 0.0
    setup: float = 0.0
    facts: dict[str, Any] | None = None
    memory: int = 0


def work(request: dict[str, Any]) -> Report:
    """Serve a request.

    It names the ``workload``, the ``method``, its ``settings``, and perhaps the ``path`` of the reference
    and a ``limit`` of processor seconds; or the ``workload`` and ``reference`` to compute that, with
    ``doubt`` also how far it is from one of a looser tolerance.
    Everything that is compiled or imported is so before the clock starts, in a small run of the same kind.
    """
    if not request.get("reference"):
        return _Trials(request).run(request)
    workload = workload_of(request["workload"])
    tissue = workload.tissue()
    start = workload.start(tissue)
    path = reference.make(workload, tissue, start, lambda line: print(line, file=sys.stderr, flush=True))
    error = reference.doubt(workload, tissue, start) if request.get("doubt") else None
    return Report(error=error, facts={"path": str(path)})


class _Trials:
    """What all runs of a workload share.

    Args:
        request: As for `work`; its ``workload`` and ``path`` count.
    """

    def __init__(self, request: dict[str, Any]):
        self._asked = request["workload"]
        self._workload = workload_of(self._asked)
        tissue = self._workload.tissue()
        self._start = self._workload.start(tissue)
        self._measures = measures(tissue)
        self._exact, self._sizes = None, reference.scales(self._workload)
        if "path" in request:
            self._exact = reference.load(Path(request["path"]))
            self._sizes = reference.magnitudes(self._workload, self._exact, *self._measures)

    def run(self, request: dict[str, Any]) -> Report:
        """One run, as `work` describes it."""
        workload, start = self._workload, self._start
        method = METHODS[request["method"]]
        settings = {**method.first, **request["settings"]}
        warm_up(self._asked, method, settings)
        if "limit" in request:
            end = math.ceil(time.process_time() + request["limit"])
            resource.setrlimit(resource.RLIMIT_CPU, (end, end + 2))
        try:
            run = method.run(workload, start, settings, self._sizes)
        except Failed as e:
            return Report(failed=str(e))
        error = None
        if self._exact is not None and len(run.solution.marrow):
            errors = relative_errors(run.solution, self._exact, *self._measures, workload.floor)
            error = float(errors.max())
        about = {"nodes": len(self._measures[0]), "unknowns": start.marrow.size + start.surface.size}
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return Report(None, error, run.cpu, run.setup, {**about, **run.facts}, memory)


def serve(first: str) -> None:
    """Serve requests of one workload, a line each, every one in a child: what they share is made once.

    Answers ``{"status": N}`` where a child ended without a report, N being minus the signal that ended it.
    """
    trials = _Trials(json.loads(first))
    for line in sys.stdin:
        sys.stdout.flush()
        child = os.fork()
        if not child:
            status = 1
            try:
                print(json.dumps(vars(trials.run(json.loads(line)))), flush=True)
                status = 0
            except Exception:
                traceback.print_exc()
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            print(json.dumps({"status": status}), flush=True)


def main() -> None:
    """Entry point of the process: one request as an argument, or many on standard input."""
    if sys.argv[1] == "--serve":
        serve(sys.argv[2])
    else:
        print(json.dumps(vars(work(json.loads(sys.argv[1])))))


if __name__ == "__main__":
    main()
