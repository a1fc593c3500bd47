# SPDX-License-Identifier: LGPL-3.0-or-later
"""osteofield itself, through the door that every case goes through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from osteofield.parallel import world
from osteofield.simulation import MemoryWriter, Simulation

from .error import Solution
from .method import Clock, Failed, Method, Run, Settings
from .workload import Start, Workload


class _Timed(Simulation):
    """A simulation that notes what the state at day 0 cost: no side of a comparison pays for it."""

    start_cpu = 0.0

    def start_state(self) -> np.ndarray:
        clock = Clock()
        y = super().start_state()
        self.start_cpu = clock()
        return y


class _Recorder(MemoryWriter):
    """Keeps the fields in memory, and notes what the run had cost up to the last of them."""

    def __init__(self, clock: Clock):
        super().__init__()
        self._clock, self.cpu = clock, 0.0

    def frame(self, time: float, *args: Any) -> Any:
        self.cpu = self._clock()
        return super().frame(time, *args)


def run(workload: Workload, start: Start, settings: Settings, sizes: np.ndarray) -> Run:
    """Run the case; `start` and `sizes` are not needed, the simulation finds its own.

    Raises:
        Failed: The run did not reach its end.
    """
    case, network = workload.case, workload.network
    changed = {k: settings[k] for k in ("tolerance", "linear_tolerance", "method") if k in settings}
    case = replace(case, time=replace(case.time, **changed))
    names = tuple(p.name for p in network.marrow), tuple(p.name for p in network.surface)
    clock = Clock()
    simulation = _Timed(case, network, network.in_health(), workload.sample, world())
    setup = clock()
    recorder = _Recorder(clock)
    outcome = simulation.run(recorder)
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
    return Run(solution, recorder.cpu - simulation.start_cpu, setup, facts)


METHOD = Method(
    "ours",
    "osteofield",
    run,
    {"linear_tolerance": (1e-2, 3e-3)},
    tolerance=1e-3,
    work="cycles",
)
