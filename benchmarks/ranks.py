# SPDX-License-Identifier: LGPL-3.0-or-later
"""osteofield on one rank and on several in alternating runs: wall clock of the whole run.

``mpiexec -n 2 python -m benchmarks.ranks REQUEST`` is one run; its report is the last line on the screen.

What a machine allows is measured in the same pairs: runs that have nothing to do with each other, as many as
ranks and each on its share of the nodes, side by side and one alone. What they slow each other by no way of
sharing out the work can win back.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from osteofield.geometry.piece import deal
from osteofield.parallel import world
from osteofield.team import Team

from . import ours, reference
from .error import LIMIT, relative_errors
from .registry import METHODS, warm_up, workload_of
from .scaling.launch import launch
from .search import text
from .tuning import Log, Meshes, ensure_reference, tuned
from .workload import Workload, measures

if TYPE_CHECKING:
    from mpi4py import MPI

COUNTED = (
    "Wall clock from the mesh in the memory of rank 0 to the last output there, with dealing it out and all "
    "set-up; starting of processes, imports, compiling and the state at day 0 are not counted."
)


def compare(meshes: Meshes, ranks: int, pairs: int, log: Log = print) -> int:
    """Run the pairs and print the gain, the median over them, on the last line, and what there was to gain.

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
    less = _share(meshes.request, ranks)
    share = {"workload": less, "path": None, "settings": settings}
    wall: dict[int, list[float]] = {1: [], ranks: []}
    allowed: list[float] = []
    for k in range(pairs):
        for count in (1, ranks) if k % 2 == 0 else (ranks, 1):
            found = launch(request, count, module="benchmarks.ranks")
            wall[count].append(found["wall"])
            log(f"pair {k + 1}: {count} rank{'s' if count > 1 else ''}: {_describe(found)}")
            if found["error"] > LIMIT:
                log(f"There is no gain: an error of {found['error']:.2e} exceeds {LIMIT:g}.")
                return 3
        log(f"pair {k + 1}: 1 rank / {ranks} ranks = {wall[1][-1] / wall[ranks][-1]:.2f}")
        alone, beside = (launch(share, n, module="benchmarks.ranks")["wall"] for n in (1, ranks))
        allowed.append(ranks * alone / beside)
        log(
            f"pair {k + 1}: {ranks} unrelated runs, {text(less)}: {beside:.2f} s side by side, "
            f"{alone:.2f} s alone: the machine allows {allowed[-1]:.2f}"
        )
    log(f"the machine allows {statistics.median(allowed):.2f} (median)")
    log(f"least of 1 rank / least of {ranks} ranks = {min(wall[1]) / min(wall[ranks]):.2f}")
    log(f"{statistics.median(a / b for a, b in zip(wall[1], wall[ranks], strict=True)):.2f}x")
    return 0


def _share(request: dict[str, Any], ranks: int) -> dict[str, Any]:
    """The workload on so many times fewer nodes, but for the smallest meshes on which it can be solved."""
    return {**request, "n": max(12, round((request["n"] + 1) / ranks ** (1 / 3)) - 1)}


def _describe(run: dict[str, Any]) -> str:
    cpu = " and ".join(f"{c:.2f}" for c in run["cpu"])
    return (
        f"{run['wall']:.2f} s (set-up {run['setup']:.2f} s), processor {cpu} s, error {run['error']:.2e}; "
        f"{run['steps']} steps, {run['solves']} solves, {run['cycles']} cycles"
    )


def work(workload: dict[str, Any], path: str | None, settings: dict[str, Any]) -> dict[str, Any] | None:
    """Collective: one run.

    Args:
        workload: Request that describes it.
        path: Of its reference; None: every rank runs all of it by itself.
        settings: Ours.

    Returns:
        On rank 0 seconds of the ``wall``; where there is a reference, also of the ``setup``, processor
        seconds of every rank, the error and counts.
    """
    comm = world()
    warm_up(workload, ours.METHOD, settings)
    asked = workload_of(workload)
    if path is None:
        return _apart(asked, settings, comm)
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


def _apart(asked: Workload, settings: dict[str, Any], comm: MPI.Comm) -> dict[str, Any] | None:
    from mpi4py import MPI

    _ = asked.sample.hash
    comm.barrier()
    begun = time.perf_counter()
    alone = MPI.COMM_SELF
    run = ours.integrate(
        asked, settings, lambda: time.perf_counter() - begun, alone, lambda: deal(asked.sample, Team(alone))
    )
    walls = comm.gather(run.cpu, 0)
    return walls and {"wall": max(walls)}


def main() -> None:
    """Entry point of the ranks."""
    report = work(**json.loads(sys.argv[1]))
    if report is not None:
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
