# SPDX-License-Identifier: LGPL-3.0-or-later
"""One line of a verification: a target, what was found, and whether that is near enough."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .digits import Digits
from .targets import Target


@dataclass(frozen=True)
class Mark:
    """Where a target belongs in a figure: at a time (day), with a value in internal units."""

    name: str
    time: float
    value: float


@dataclass(frozen=True)
class Line:
    """A target and what became of it.

    Attributes:
        target: The one in the file.
        what: For people.
        wanted, got: As text.
        error, allowed: Relative; absolute where the target is zero.
        mark: For the figure, or None.
    """

    target: Target
    what: str
    wanted: str
    got: str
    error: float
    allowed: float
    mark: Mark | None = None

    @property
    def holds(self) -> bool:
        return self.error <= self.allowed

    @property
    def share(self) -> float:
        """The error as a share of what is allowed."""
        return self.error / self.allowed if self.allowed else math.inf * self.error if self.error else 0.0

    @property
    def verdict(self) -> str:
        return "ok" if self.holds else "FAILS"


def shown(error: float) -> str:
    """An error as text."""
    if error == 0:
        return "0"
    return f"{error:.1e}" if math.isfinite(error) else "-"


def compare(
    target: Target, what: str, wanted: Digits, got: complex, unit: str = "", mark: Mark | None = None
) -> Line:
    """Hold a result against a number of the file, both in the same unit."""
    text = wanted.text if wanted.unit is not None or not unit else f"{wanted.text} {unit}"
    return Line(target, what, text, wanted.like(got), wanted.error(got), wanted.allowed(target.share), mark)


def failed(target: Target, what: str, wanted: str, why: str) -> Line:
    """A target of which nothing can be said, and why."""
    return Line(target, what, wanted, why, math.inf, 0.0)
