# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a run tells while it goes on, and when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..units import per_thickness


@dataclass(frozen=True)
class Progress:
    """Where a run is: for a live line on the screen.

    Attributes:
        day, end: Simulated time and its goal.
        steps, rejected: Time steps.
        step: Last step, day.
        iterations: Krylov iterations per solve so far.
        row: The last output row (rank 0), if any.
    """

    day: float
    end: float
    steps: int
    rejected: int
    step: float
    iterations: float
    row: Mapping[str, float] | None


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        status: ``done``, ``stopped`` (the computation could not go on), ``interrupted``, or
            ``requeue`` (a scheduler announced its time limit; a checkpoint is left to go on from).
        reason: One sentence.
        time: Last time reached, day.
        steps: Accepted and rejected steps, iterations, solves.
        timings: Wall seconds by phase.
        row: The last row of the history (rank 0).
    """

    status: str
    reason: str
    time: float
    steps: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    row: Mapping[str, float] | None = None

    @property
    def exit_status(self) -> int:
        """0 done, 85 to be queued again, 3 stopped or interrupted (a checkpoint is left)."""
        return {"done": 0, "requeue": 85}.get(self.status, 3)

    def numbers(self, dimension: int = 3) -> list[tuple[str, str]]:
        """What a user wants to know first, as far as the model has it: label and value with unit.

        Args:
            dimension: Of the sample; in a section volumes and amounts are per millimetre of thickness.
        """
        row = self.row or {}

        def unit(column: str) -> str:
            text = column.rpartition("[")[2].rstrip("]")
            return per_thickness(text) if dimension == 2 else text

        found = []
        for label, columns in _NUMBERS.items():
            texts = [
                f"{0.0 if abs(value) < _ROUNDING else value:.3g} {unit(column)}"
                for name in columns
                for column, value in row.items()
                if column.startswith(name) and value == value
            ]
            if texts:
                found.append((label, ", ".join(texts)))
        return found


_ROUNDING = 1e-12  # of mm^3, %, um and CFU: what is left of healthy bone by rounding
_NUMBERS = {
    "bone lost": ("bone_loss [",),
    "deepest erosion": ("depth.max [",),
    "bacteria": ("bacteria_total [",),
}
