# SPDX-License-Identifier: LGPL-3.0-or-later
"""How long the next step is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass
class StepControl:
    """Elementary step-size control on a ladder of step sizes.

    Steps are rounded down to powers of 2^(1/8), so that runs whose error estimates differ only by
    round-off (another number of ranks) take exactly the same steps.

    Attributes:
        step: The step to try next, day.
        shortest, longest: Bounds, day.
        order: Order of the error estimate plus one.
    """

    step: float
    shortest: float
    longest: float = math.inf
    order: int = 4
    safety: float = 0.9
    largest_growth: float = 3.0
    largest_cut: float = 0.2

    RUNGS = 8

    def __post_init__(self) -> None:
        self.step = self.rung(min(self.step, self.longest))
        self._after_rejection = False

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint: what the next step depends on; JSON."""
        return {"step": self.step, "after_rejection": self._after_rejection}

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self.step, self._after_rejection = values["step"], values["after_rejection"]

    def rung(self, h: float) -> float:
        """Largest ladder step not above `h`."""
        return 2.0 ** (math.floor(self.RUNGS * math.log2(h) + 1e-6) / self.RUNGS)

    def fit(self, t: float, stop: float) -> float:
        """The step to take at `t` so that `stop` is hit exactly and not approached by a sliver."""
        left = stop - t
        if left <= self.step * (1.0 + 1e-9):
            return left
        return left / 2 if left < 2 * self.step else self.step

    def factor(self, error: float, order: int) -> float:
        """What a step may be multiplied by whose scaled error is of that order plus one."""
        return self.safety * float(max(error, 1e-10)) ** (-1.0 / order)

    def accept(self, taken: float, error: float) -> None:
        """Note an accepted step of length `taken` with scaled error <= 1."""
        factor = self.factor(error, self.order)
        grow = 1.0 if self._after_rejection else self.largest_growth
        wanted = taken * min(grow, max(self.largest_cut, factor))
        # a step cut short by an event says nothing against the longer one planned
        if taken < self.step and error <= 1.0:
            wanted = max(wanted, min(self.step, taken * max(factor, 1.0)))
        self.step = self.rung(min(wanted, self.longest))
        self._after_rejection = False

    def reject(self, tried: float, error: float) -> bool:
        """Note a rejected step; False if no shorter one is allowed.

        Args:
            tried: Length of the step.
            error: Scaled error > 1, or infinity when there is none (a failed solve).
        """
        factor = self.factor(error, self.order) if math.isfinite(error) else 0.25
        self.step = self.rung(tried * min(0.8, max(self.largest_cut, factor)))
        self._after_rejection = True
        return self.step >= self.shortest
