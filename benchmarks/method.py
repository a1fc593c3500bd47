# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every integrator of the comparison offers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .error import Solution
from .workload import Start, Workload

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One integration.

    Attributes:
        solution: At the output times.
        cpu: Processor seconds from the mesh in memory to the last output.
        setup: Those of them before the first step.
        facts: Steps, iterations and the like.
    """

    solution: Solution
    cpu: float
    setup: float
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Method:
    """An integrator and the settings among which it is tuned.

    Attributes:
        name: On the command line.
        title: For people.
        run: ``run(workload, start, settings, sizes)``; `sizes` is the magnitude of every population,
            marrow then surface, for tolerances.
        space: Values of every setting besides the tolerance, the first being where the search starts.
        tolerance: Where the search for the tolerance starts.
        scaling: Settings whose best value depends on the size of the mesh.
        work: Fact of a run that tells which of two took less work where their times are too near.
        missing: A sentence how to install what it needs, or None.
    """

    name: str
    title: str
    run: Callable[[Workload, Start, Settings, np.ndarray], Run]
    space: Mapping[str, tuple[Any, ...]]
    tolerance: float
    scaling: tuple[str, ...] = ()
    work: str = ""
    missing: Callable[[], str | None] = lambda: None

    @property
    def first(self) -> dict[str, Any]:
        """Settings at which the search starts."""
        return {"tolerance": self.tolerance, **{k: v[0] for k, v in self.space.items()}}


class Failed(Exception):
    """The integrator gave up."""


class Clock:
    """Processor seconds since it was made, children not included."""

    def __init__(self) -> None:
        self._begun = time.process_time()

    def __call__(self) -> float:
        return time.process_time() - self._begun
