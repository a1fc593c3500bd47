# SPDX-License-Identifier: LGPL-3.0-or-later
"""osteofield itself, through the door that every case goes through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from osteofield.geometry import Piece, Sample
from osteofield.parallel import world
from osteofield.simulation import MemoryWriter, Simulation

from .error import Solution
from .method import Clock, Failed, Method, Run, Settings
from .workload import Start, Workload

if TYPE_CHECKING:
    from mpi4py import MPI


class _Timed(Simulation):
    """A simulation that notes what the state at day 0 cost: no side of a comparison pays for it."""

    clock: Callable[[], float]
    start_cost = 0.0

    def start_state(self) -> np.ndarray:
        begun = self.clock()
        y = super().start_state()
        self.start_cost = self.clock() - begun
        return y


class _Recorder(MemoryWriter):
    """Keeps the fields in memory, and notes what the run had cost up to the last of them."""

    def __init__(self, clock: Callable[[], float]):
        super().__init__()
        self._clock, self.cost = clock, 0.0

    def frame(self, time: float, *args: Any) -> Any:
        self.cost = self._clock()
        return super().frame(time, *args)


def run(workload: Workload, start: Start, settings: Settings, sizes: np.ndarray) -> Run:
    """Run the case; `start` and `sizes` are not needed, the simulation finds its own.

    Raises:
        Failed: The run did not reach its end.
    """
    return integrate(workload, settings, Clock(), world(), lambda: workload.sample)


def integrate(
    workload: Workload,
    settings: Settings,
    clock: Callable[[], float],
    comm: MPI.Comm,
    sample: Callable[[], Sample | Piece],
) -> Run:
    """Collective: run the case on some ranks, by any clock; the solution is whole on rank 0 alone.

    Args:
        workload: What.
        settings: Tolerances and the like.
        clock: Seconds, of the processor or of the wall, since the run began.
        comm: The ranks.
        sample: Gives this rank its part of the mesh, or all of it; that is a part of the run.

    Raises:
        Failed: The run did not reach its end.
    """
    case, network = workload.case, workload.network
    changed = {k: settings[k] for k in ("tolerance", "linear_tolerance", "method") if k in settings}
    case = replace(case, time=replace(case.time, **changed))
    names = tuple(p.name for p in network.marrow), tuple(p.name for p in network.surface)
    simulation = _Timed(case, network, network.in_health(), sample(), comm)
    simulation.clock = clock
    setup = clock()
    recorder = _Recorder(clock)
    outcome = simulation.run(recorder if comm.rank == 0 else None)  # else each would get its share only
    if outcome.status != "done":
        raise Failed(outcome.reason)
    s = outcome.steps
    facts = {
        "steps": s["accepted"],
        "rejected": s["rejected"],
        "solves": s["solves"],
        "cycles": s["iterations"],
        "rescued": s["rescued"],
        "iterations per solve": round(s["iterations"] / max(s["solves"], 1), 2),
    }
    later = [f for f in recorder.frames if f.time > 0]
    fields = [
        np.array([np.array([getattr(f, domain)[n] for n in own]).T for f in later])
        for domain, own in zip(("marrow", "surface"), names, strict=True)
    ]
    solution = Solution(*fields)
    return Run(solution, recorder.cost - simulation.start_cost, setup, facts)


METHOD = Method(
    "ours",
    "osteofield",
    run,
    {"linear_tolerance": (1e-2, 3e-3)},
    tolerance=1e-3,
    work="cycles",
)
