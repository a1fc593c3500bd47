# SPDX-License-Identifier: LGPL-3.0-or-later
"""osteofield on one rank and on several in alternating runs: wall clock of the whole run.

``mpiexec -n 2 python -m benchmarks.ranks REQUEST`` is one run; its report is the last line on the screen.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import Any

from osteofield.geometry.piece import deal
from osteofield.parallel import world
from osteofield.team import Team

from . import ours, reference
from .error import LIMIT, relative_errors
from .registry import METHODS, warm_up, workload_of
from .scaling.launch import launch
from .tuning import Log, Meshes, ensure_reference, tuned
from .workload import measures

COUNTED = (
    "Wall clock from the mesh in the memory of rank 0 to the last output there, with dealing it out and all "
    "set-up; starting of processes, imports, compiling and the state at day 0 are not counted."
)


def compare(meshes: Meshes, ranks: int, pairs: int, log: Log = print) -> int:
    """Run the pairs and print the gain, the median over them, on the last line.

    Args:
        meshes: The workload, and where our settings are searched.
        ranks: How many ranks are compared with one.
        pairs: How many pairs.
        log: Receives the lines.

    Returns:
        Exit status: 0; 2 CVODE, which makes the reference, is not installed; 3 an error is too large.
    """
    lacking = METHODS["cvode"].missing()
    if lacking:
        log(lacking)
        return 2
    kept = ensure_reference(meshes.request)
    settings = tuned(ours.METHOD, meshes, log)
    request = {"workload": meshes.request, "path": kept, "settings": settings}
    log(COUNTED)
    wall: dict[int, list[float]] = {1: [], ranks: []}
    for k in range(pairs):
        for count in (1, ranks) if k % 2 == 0 else (ranks, 1):
            found = launch(request, count, module="benchmarks.ranks")
            wall[count].append(found["wall"])
            log(f"pair {k + 1}: {count} rank{'s' if count > 1 else ''}: {_describe(found)}")
            if found["error"] > LIMIT:
                log(f"There is no gain: an error of {found['error']:.2e} exceeds {LIMIT:g}.")
                return 3
        log(f"pair {k + 1}: 1 rank / {ranks} ranks = {wall[1][-1] / wall[ranks][-1]:.2f}")
    log(f"least of 1 rank / least of {ranks} ranks = {min(wall[1]) / min(wall[ranks]):.2f}")
    log(f"{statistics.median(a / b for a, b in zip(wall[1], wall[ranks], strict=True)):.2f}x")
    return 0


def _describe(run: dict[str, Any]) -> str:
    cpu = " and ".join(f"{c:.2f}" for c in run["cpu"])
    return (
        f"{run['wall']:.2f} s (set-up {run['setup']:.2f} s), processor {cpu} s, error {run['error']:.2e}; "
        f"{run['steps']} steps, {run['solves']} solves, {run['cycles']} cycles"
    )


def work(workload: dict[str, Any], path: str, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Collective: one run.

    Args:
        workload: Request that describes it.
        path: Of its reference.
        settings: Ours.

    Returns:
        On rank 0 seconds of the ``wall`` and of its ``setup``, processor seconds of every rank, the error
        and counts.
    """
    comm = world()
    warm_up(workload, ours.METHOD, settings)
    asked = workload_of(workload)
    whole = asked.sample if comm.rank == 0 else None
    _ = whole and whole.hash  # known before the clock starts, as for one worker
    comm.barrier()
    begun, cpu = time.perf_counter(), time.process_time()
    run = ours.integrate(
        asked, settings, lambda: time.perf_counter() - begun, comm, lambda: deal(whole, Team(comm))
    )
    spent = comm.gather(time.process_time() - cpu, 0)
    if spent is None:
        return None
    volumes, areas = measures(asked.tissue())
    errors = relative_errors(run.solution, reference.load(path), volumes, areas, asked.floor)
    return {"wall": run.cpu, "setup": run.setup, "cpu": spent, "error": float(errors.max()), **run.facts}


def main() -> None:
    """Entry point of the ranks."""
    report = work(**json.loads(sys.argv[1]))
    if report is not None:
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
