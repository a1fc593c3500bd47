# SPDX-License-Identifier: LGPL-3.0-or-later
"""One run in a process of its own: ``python -m benchmarks.worker REQUEST`` prints one line of JSON."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
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
    workload = workload_of(request["workload"])
    tissue = workload.tissue()
    start = workload.start(tissue)
    if request.get("reference"):
        path = reference.make(workload, tissue, start, lambda line: print(line, file=sys.stderr, flush=True))
        error = reference.doubt(workload, tissue, start) if request.get("doubt") else None
        return Report(error=error, facts={"path": str(path)})
    volumes, areas = measures(tissue)
    exact, sizes = None, reference.scales(workload)
    if "path" in request:
        exact = reference.load(Path(request["path"]))
        sizes = reference.magnitudes(workload, exact, volumes, areas)
    about = {"nodes": len(volumes), "unknowns": start.marrow.size + start.surface.size}
    del tissue
    method = METHODS[request["method"]]
    settings = {**method.first, **request["settings"]}
    warm_up(request["workload"], method, settings)
    if "limit" in request:
        end = math.ceil(time.process_time() + request["limit"])
        resource.setrlimit(resource.RLIMIT_CPU, (end, end + 2))
    try:
        run = method.run(workload, start, settings, sizes)
    except Failed as e:
        return Report(failed=str(e))
    error = None
    if exact is not None and len(run.solution.marrow):
        error = float(relative_errors(run.solution, exact, volumes, areas, workload.floor).max())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Report(None, error, run.cpu, run.setup, {**about, **run.facts}, memory)


def main() -> None:
    """Entry point of the process."""
    print(json.dumps(vars(work(json.loads(sys.argv[1])))))


if __name__ == "__main__":
    main()
