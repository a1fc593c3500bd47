# SPDX-License-Identifier: LGPL-3.0-or-later
"""When a step counts: its error, and whether populations stay above zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ComputationStopped
from .states import Extent
from .system import System

UNDERSHOOTS = 30  # rejections for that reason, with steps below a tenth of the first, after which a run ends
# Of a population below zero, over its peak: no shorter step would mend it where it diffuses, and beyond it a
# local one may run away by itself.
UNDERSHOOT = 1e-3


@dataclass
class Statistics:
    """What a run cost."""

    accepted: int = 0
    rejected_error: int = 0
    rejected_negative: int = 0
    rejected_solve: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return self.rejected_error + self.rejected_negative + self.rejected_solve


class Acceptance:
    """Judges steps by the same rules whatever the method.

    Attributes:
        size: Scale of every population that errors are measured against (largest mean so far).
        statistics: Counts of steps.
    """

    def __init__(self, system: System, y: np.ndarray, tolerance: float):
        self.system, self.tolerance = system, tolerance
        self.statistics = Statistics()
        scale = system.problem.scale
        self.size = np.maximum(system.norms(y), 0.01 * scale)
        self._peak = np.maximum(scale, system.largest(y))
        # a sharp front undershoots in proportion to its height, however short the step: that is the mesh's
        # doing where a population diffuses
        self._share = np.full(system.populations, min(tolerance, UNDERSHOOT))
        self._share[: system.problem.diffusing] = max(tolerance, UNDERSHOOT)
        self._undershoots, self._undershoot_step = 0, 0.0

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint; JSON."""
        s = self.system
        return {
            "magnitudes": self.size.tolist(),
            "peak": self._peak.tolist(),
            "undershoots": [self._undershoots, self._undershoot_step],
            "blocks": [s.reuse.made, s.reuse.renewed],
            "statistics": {**vars(self.statistics), "reasons": dict(self.statistics.reasons)}
            | {"solves": s.solves, "iterations": s.iterations, "rescued": s.rescued},
        }

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self.size, self._peak = np.array(values["magnitudes"]), np.array(values["peak"])
        self._undershoots, self._undershoot_step = values["undershoots"]
        self.system.reuse.made, self.system.reuse.renewed = values.get("blocks", (0, 0))
        counts = dict(values["statistics"])
        for name in ("solves", "iterations", "rescued"):
            setattr(self.system, name, counts.pop(name))
        self.statistics = Statistics(**counts)

    def grow(self, y: np.ndarray) -> None:
        """Collective: take note of a state that was changed from outside."""
        self.size = np.maximum(self.size, self.system.norms(y))
        self._peak = np.maximum(self._peak, self.system.largest(y))

    def relative(self, norms: np.ndarray, extent: Extent) -> np.ndarray:
        """Error norms of all populations in units of the tolerance, beside a state of that extent."""
        return norms / (self.tolerance * np.maximum(self.size, extent.norms))

    def objection(self, scaled: np.ndarray, extent: Extent) -> str | None:
        """Why a step may not be accepted, or None.

        Args:
            scaled: Error of every population in units of what is allowed.
            extent: Of the new state.
        """
        if not (np.isfinite(scaled).all() and np.isfinite(extent.norms).all()):
            return "solve: the result is not finite"
        if scaled.max() > 1.0:
            return f"error: population {int(scaled.argmax())}"
        below = (extent.lowest < -self._share * self._peak) & ~self.system.problem.signed
        if below.any():
            return f"negative: population {int(below.argmax())}"
        return None

    def accept(self, h: float, extent: Extent) -> None:
        """Note an accepted step of length `h`."""
        self.statistics.accepted += 1
        if h >= 0.1 * self._undershoot_step:
            self._undershoots = 0
        self.size = np.maximum(self.size, extent.norms)
        self._peak = np.maximum(self._peak, extent.largest)

    def reject(self, failure: str, t: float, h: float) -> None:
        """Count a rejected step; stop where shorter ones do not bring a diffusing population back above zero.

        Raises:
            ComputationStopped: It happened many times in a row.
        """
        s = self.statistics
        kind, _, population = failure.partition(": population ")
        name = failure.split(":")[0]
        s.reasons[failure] = s.reasons.get(failure, 0) + 1
        setattr(s, f"rejected_{name}", getattr(s, f"rejected_{name}") + 1)
        if kind != "negative" or int(population) >= self.system.problem.diffusing:
            self._undershoots = 0
            return
        if not self._undershoots:
            self._undershoot_step = h
        self._undershoots += 1
        if self._undershoots > UNDERSHOOTS:
            raise _sharp(t, population)

    def too_short(self, t: float, shortest: float, failure: str) -> ComputationStopped:
        """The end of a run whose steps have become too short."""
        if self._undershoots > UNDERSHOOTS // 4:
            return _sharp(t, failure.partition(": population ")[2])
        below = failure.startswith("negative")
        remedy = " A smaller time.tolerance may keep it above zero." if below else ""
        return ComputationStopped(
            f"at day {t:.6g} the time step fell below {shortest:g} day (last reason: {failure}).{remedy}"
        )


def _sharp(t: float, population: str) -> ComputationStopped:
    return ComputationStopped(
        f"at day {t:.6g} population {population} stays below zero beside a sharp front, however "
        "short the step: the mesh is too coarse for it. Use smaller cells, or a larger focus."
    )
