# SPDX-License-Identifier: LGPL-3.0-or-later
"""osteofield itself, through the door that every case goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from osteofield.parallel import world
from osteofield.simulation import Frame, MeshData, Simulation

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


class _Recorder:
    """Keeps the fields in memory."""

    def __init__(self, clock: Clock, names: tuple[tuple[str, ...], tuple[str, ...]]):
        self._clock, self._names = clock, names
        self.marrow: list[np.ndarray] = []
        self.surface: list[np.ndarray] = []
        self.cpu = 0.0

    def begin(self, mesh: MeshData | None, units: Mapping[str, str], record: Mapping[str, Any]) -> None:
        pass

    def frame(self, frame: Frame) -> None:
        self.cpu = self._clock()
        if frame.time > 0:
            for values, names, kept in (
                (frame.marrow, self._names[0], self.marrow),
                (frame.surface, self._names[1], self.surface),
            ):
                kept.append(np.array([values[n] for n in names]).T)

    def checkpoint(self, time: float, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        pass

    def end(self, record: Mapping[str, Any]) -> None:
        pass


def run(workload: Workload, start: Start, settings: Settings, sizes: np.ndarray) -> Run:
    """Run the case; `start` and `sizes` are not needed, the simulation finds its own.

    Raises:
        Failed: The run did not reach its end.
    """
    case, network = workload.case, workload.network
    changed = {k: settings[k] for k in ("tolerance", "linear_tolerance") if k in settings}
    case = replace(case, time=replace(case.time, **changed))
    names = tuple(p.name for p in network.marrow), tuple(p.name for p in network.surface)
    clock = Clock()
    simulation = _Timed(case, network, network.in_health(), workload.sample, world())
    setup = clock()
    recorder = _Recorder(clock, names)
    outcome = simulation.run(recorder)
    if outcome.status != "done":
        raise Failed(outcome.reason)
    s = outcome.steps
    facts = {
        "steps": s["accepted"],
        "rejected": s["rejected"],
        "iterations per solve": round(s["iterations"] / max(s["solves"], 1), 2),
    }
    solution = Solution(np.array(recorder.marrow), np.array(recorder.surface))
    return Run(solution, recorder.cpu - simulation.start_cpu, setup, facts)


METHOD = Method(
    "ours",
    "osteofield",
    run,
    {"linear_tolerance": (3e-4, 3e-3, 3e-2, 1e-1)},
    tolerance=1e-3,
)
