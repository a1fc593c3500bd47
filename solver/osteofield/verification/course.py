# SPDX-License-Identifier: LGPL-3.0-or-later
"""A finished run as courses over time: populations as they were written, quantities computed from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ..api import case_network, run_case
from ..case import Case
from ..errors import ComputationStopped
from ..kinetics import Network
from ..kinetics.evaluation import Evaluation
from ..parallel import world
from ..results import Result, open_results
from ..simulation.schedule import Schedule


class Course:
    """A finished run.

    Attributes:
        case: As it ran.
        network: Its model, bound to a well-mixed sample.
        result: The results folder.
        times: ``(n,)`` output times, day.
        breaks: Times at which a course may have a kink.
    """

    def __init__(self, case: Case, result: Result):
        self.case, self.result = case, result
        self.network = bound_network(case)
        self.times = result.times
        self._schedule = Schedule.of(case, self.network)
        self.breaks = tuple(self._schedule.events)

    @cached_property
    def populations(self) -> dict[str, np.ndarray]:
        """Mean over the sample of every population, internal units."""
        columns = {header.partition(" [")[0]: values for header, values in self.result.history.items()}
        depth = self.network.roles.depth  # has a column of its own, in um
        return {
            p.name: columns["depth.mean"] if p.name == depth else columns[f"{p.name}.mean"] * p.factor
            for p in self.network.populations
        }

    @cached_property
    def _values(self) -> list[tuple[slice, Evaluation]]:
        """Evaluations between the instants at which inputs change."""
        edges = [0, *(int(np.searchsorted(self.times, b)) for b in self.breaks), len(self.times)]
        out = []
        for first, end in zip(edges, edges[1:], strict=False):
            if first == end:
                continue
            rows = slice(first, end)
            known = {
                **self.network.uniform(self._schedule.levels(float(self.times[first]))),
                **{f.name: f.initial for f in self.network.fields},
                **{n: v[rows] for n, v in self.populations.items()},
                "t": self.times[rows], "x": 0.0, "y": 0.0, "z": 0.0,
            }  # fmt: skip
            out.append((rows, Evaluation(self.network.definitions, known)))
        return out

    def __getitem__(self, name: str) -> np.ndarray:
        """``(n,)`` values of a population or quantity, internal units."""
        if name in self.populations:
            return self.populations[name]
        out = np.empty(len(self.times))
        with np.errstate(all="ignore"):
            for rows, values in self._values:
                out[rows] = values(name)
        return out

    def at(self, name: str, time: float) -> float:
        """Value at an output time."""
        i = int(np.abs(self.times - time).argmin())
        if abs(self.times[i] - time) > 1e-9 * max(time, 1e-6):
            raise ComputationStopped(f"the run has no output at {time:g} day (last: {self.times[-1]:g} day).")
        return float(self[name][i])


def run_course(case: Case, times: Sequence[float], folder: Path, fields: Sequence[str] = ()) -> Course:
    """Collective: run a case to its end.

    Args:
        case: What to run; its own output times and stops do not count.
        times: Output times, day, ascending.
        folder: For the results; earlier results of this case in it are replaced.
        fields: What is also written point by point.

    Raises:
        ComputationStopped: It did not reach its end.
        KeyboardInterrupt: Somebody asked it to end.
    """
    output = dataclasses.replace(case.output, times=tuple(times), fields=tuple(fields))
    case = dataclasses.replace(case, output=output, stop=())
    outcome = run_case(case, folder, overwrite=True, screen=False)
    if outcome.status == "interrupted":
        raise KeyboardInterrupt
    if outcome.status != "done":
        raise ComputationStopped(outcome.reason)
    world().barrier()  # rank 0 has written what all read now
    return Course(case, open_results(folder))


def bound_network(case: Case) -> Network:
    """The model of a case with the bone of a well-mixed sample.

    Raises:
        InputError: Names or numbers of the case do not fit the model.
    """
    sample = case.sample
    return case_network(case).bind(sigma0=sample.bone_surface_density, d0=sample.bone_thickness)


def changes(case: Case, network: Network) -> list[float]:
    """Times (day) at which a therapy begins or ends or a formula jumps."""
    return Schedule.of(case, network).events


def output_times(end: float, count: int, exactly: Sequence[float]) -> list[float]:
    """About `count` times from 0 to the end, and some that must be among them; day, ascending."""
    wanted = sorted({0.0, end, *(t for t in exactly if 0.0 < t < end)})
    regular = np.linspace(0.0, end, count)
    near = np.searchsorted(wanted, regular)
    out = list(wanted)
    for t, k in zip(regular, near, strict=True):
        gap = min(abs(t - wanted[j]) for j in (max(k - 1, 0), min(k, len(wanted) - 1)))
        if gap > 0.1 * end / count:
            out.append(float(t))
    return sorted(out)
