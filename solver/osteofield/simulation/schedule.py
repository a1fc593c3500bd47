# SPDX-License-Identifier: LGPL-3.0-or-later
"""When drug levels change: the instants that time steps must hit exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..case.types import Case, TherapySpec
from ..kinetics import Network


@dataclass(frozen=True)
class Schedule:
    """Levels of every input over time, constant between events.

    Attributes:
        defaults: Input name to its level without therapy.
        factors: Input name to the size of its unit, for levels written as plain numbers.
        therapies: What is given from when until when; overlapping courses of one drug add up.
        end: Last time of the run, day.
        instants: Times at which formulas of the model jump.
    """

    defaults: dict[str, float]
    factors: dict[str, float]
    therapies: Sequence[TherapySpec]
    end: float
    instants: Sequence[float] = ()

    @classmethod
    def of(cls, case: Case, network: Network) -> Schedule:
        """What a case gives, and when formulas of its model jump."""
        defaults = {i.name: i.default for i in network.inputs}
        factors = {i.name: i.factor for i in network.inputs}
        return cls(defaults, factors, case.therapies, case.time.end, network.instants)

    @cached_property
    def events(self) -> list[float]:
        """Times in (0, end) at which a level changes or a formula jumps, ascending."""
        times = {t for x in self.therapies for t in (x.start, x.stop)} | set(self.instants)
        return sorted(t for t in times if 0.0 < t < self.end)

    def next_event(self, t: float) -> float:
        """First event after `t`, or the end."""
        return min((e for e in self.events if e > t), default=self.end)

    def levels(self, t: float, changed: Mapping[str, float] | None = None) -> dict[str, float]:
        """Levels from `t` on, until the next event; `changed` replaces defaults."""
        out = {**self.defaults, **(changed or {})}
        for x in self.therapies:
            if x.start <= t < x.stop:
                out[x.drug] += x.level * (self.factors[x.drug] if _plain(x) else 1.0)
        return out


def _plain(therapy: TherapySpec) -> bool:
    """Whether the level was written without a unit, so that it counts in the input's own."""
    try:
        float(therapy.level_text or "0")
    except ValueError:
        return False
    return True
