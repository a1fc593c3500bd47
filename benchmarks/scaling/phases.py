# SPDX-License-Identifier: LGPL-3.0-or-later
"""Time of the phases of a run on one rank, what it spends on other ranks kept apart."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

PHASES = (  # label, module, attribute; what is called within another one counts for itself alone
    ("image, distance", "osteofield.geometry.build", "level_set"),
    ("cut", "osteofield.geometry.build", "cut_over"),
    ("half thickness", "osteofield.geometry.build", "half_thickness_over"),
    ("measures, numbers", "osteofield.geometry.build", "measure"),
    ("measures, numbers", "osteofield.geometry.build", "piece_of"),
    ("rows, stiffness", "osteofield.tissue.tissue", "lay_out"),
    ("multigrid", "osteofield.integrator.system", "Hierarchy"),
    ("foci", "osteofield.simulation", "check_foci"),
    ("foci", "osteofield.simulation.simulation", "place_foci"),
    ("homeostasis", "osteofield.simulation.simulation", "homeostasis"),
    ("time steps", "osteofield.simulation.simulation", "Simulation._step"),
    ("results", "osteofield.simulation.outputs", "Outputs._write"),
    ("results", "osteofield.simulation.simulation", "Simulation._checkpoint"),
)
EXCHANGES = (  # what waits for other ranks
    ("halo", "osteofield.integrator.halo", "Halo.begin"),
    ("halo", "osteofield.integrator.halo", "Halo.begin_add"),
    ("wait", "osteofield.integrator.halo", "Transfer.end"),
    ("reduction", "osteofield.integrator.halo", "Replica.add"),
    ("reduction", "osteofield.integrator.states", "reduced"),
    ("reduction", "osteofield.integrator.states", "reduced_both"),
    ("reduction", "osteofield.integrator.krylov", "reduced"),
    ("reduction", "osteofield.integrator.hierarchy", "reduced"),
    ("reduction", "osteofield.integrator.hierarchy", "reduced_both"),
    *(
        ("set-up", "osteofield.team", f"Team.{name}")
        for name in ("_reduce", "before", "everyone", "together", "on_root", "from_root", "exchange")
    ),
)
REST = "the rest"


@dataclass
class Spent:
    """Seconds in a phase: wall clock, and of that with other ranks; processor; calls."""

    wall: float = 0.0
    waiting: float = 0.0
    cpu: float = 0.0
    cpu_waiting: float = 0.0


@dataclass
class Phases:
    """A stopwatch that follows the calls.

    Attributes:
        spent: Phase to time, in the order of their first call.
        calls: Exchange and phase to number of calls and bytes sent.
    """

    spent: dict[str, Spent] = field(default_factory=dict)
    calls: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def start(self) -> None:
        """Begin to watch: from now on everything belongs to a phase."""
        self._stack, self._depth = [REST], 0
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        for label, module, name in PHASES:
            _replace(module, name, partial(self._in_phase, label))
        for label, module, name in EXCHANGES:
            _replace(module, name, partial(self._exchange, label))

    def stop(self) -> None:
        """End of the last phase."""
        self._book()

    def _book(self) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        entry = self.spent.setdefault(self._stack[-1], Spent())
        entry.wall += wall - self._wall
        entry.cpu += cpu - self._cpu
        if self._depth:
            entry.waiting += wall - self._wall
            entry.cpu_waiting += cpu - self._cpu
        self._wall, self._cpu = wall, cpu

    def _in_phase(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self._book()
            self._stack.append(label)
            try:
                return function(*arguments, **named)
            finally:
                self._book()
                self._stack.pop()

        return watched

    def _exchange(self, label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            self._book()
            self._depth += 1
            try:
                return function(*arguments, **named)
            finally:
                self._book()
                self._depth -= 1
                count = self.calls.setdefault((label, self._stack[-1]), [0, 0.0])
                count[0] += 1
                count[1] += _bytes(label, arguments)

        return watched


def _bytes(label: str, arguments: tuple[Any, ...]) -> float:
    """What a call sent."""
    if label == "halo":
        halo, x = arguments[:2]
        return float(len(halo.sent) * x.shape[1] * x.itemsize)
    if label == "reduction":
        return float(arguments[1].nbytes)
    return 0.0


def _replace(module: str, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    owner: Any = importlib.import_module(module)
    *outer, name = name.split(".")
    for part in outer:
        owner = getattr(owner, part)
    setattr(owner, name, wrap(getattr(owner, name)))
