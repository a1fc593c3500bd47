# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug levels over time, and the instants that time steps must hit exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..case.types import Case, TherapySpec
from ..kinetics import Network
from ..kinetics import instants as instants_of
from .pharmacokinetics import jumps, serum


@dataclass(frozen=True)
class Schedule:
    """Levels of every input over time, smooth between events.

    Attributes:
        defaults: Input name to its level without therapy.
        factors: Input name to the size of its unit, for levels written as plain numbers.
        therapies: What is given from when until when; courses that overlap add up.
        end: Last time of the run, day.
        instants: Times at which formulas of the model, or fluxes through a face, jump.
    """

    defaults: dict[str, float]
    factors: dict[str, float]
    therapies: Sequence[TherapySpec]
    end: float
    instants: Sequence[float] = ()

    @classmethod
    def of(cls, case: Case, network: Network, instants: Sequence[float] = ()) -> Schedule:
        """What a case gives, and when formulas of its model jump; `instants` come on top."""
        defaults = {i.name: i.default for i in network.inputs}
        factors = {i.name: i.factor for i in network.inputs}
        return cls(defaults, factors, case.therapies, case.time.end, (*instants_of(network), *instants))

    @cached_property
    def varies(self) -> bool:
        """Whether a level changes between events."""
        return any(x.doses for x in self.therapies)

    @cached_property
    def events(self) -> list[float]:
        """Times in (0, end) at which a level or its slope jumps, or a formula does; ascending."""
        times = {t for x in self.therapies for t in _jumps(x)} | set(self.instants)
        return sorted(t for t in times if 0.0 < t < self.end)

    def next_event(self, t: float) -> float:
        """First event after `t`, or the end."""
        return min((e for e in self.events if e > t), default=self.end)

    def levels(self, t: float, changed: Mapping[str, float] | None = None) -> dict[str, float]:
        """Levels at `t`, from the right at an event; `changed` replaces defaults."""
        return self.course(t, changed)[0]

    def course(
        self, t: float, changed: Mapping[str, float] | None = None
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Levels and their derivatives by time (only those that are not 0), from the right."""
        out = {**self.defaults, **(changed or {})}
        slopes: dict[str, float] = {}
        for x in self.therapies:
            if x.doses is not None:
                level, slope = serum(x.doses, x.elimination, t)
                name, share = self._drives(x)
                out[name] += share * level
                slopes[name] = slopes.get(name, 0.0) + share * slope
            elif x.start <= t < x.stop:
                name, share = self._drives(x)
                out[name] += x.level * share
        return out, {n: v for n, v in slopes.items() if v}

    def _drives(self, x: TherapySpec) -> tuple[str, float]:
        """The input that a therapy drives, and by how much per level."""
        if x.agent and x.arrives == "by diffusion":
            return f"{x.agent.name}_supply", x.share * x.agent["half_effect"]
        share = x.share if x.agent else self.factors.get(x.drug, 1.0) if _plain(x) else 1.0
        return x.target, share


def _jumps(therapy: TherapySpec) -> tuple[float, ...]:
    return jumps(therapy.doses) if therapy.doses else (therapy.start, therapy.stop)


def _plain(therapy: TherapySpec) -> bool:
    """Whether the level was written without a unit, so that it counts in the input's own."""
    try:
        float(therapy.level_text or "0")
    except ValueError:
        return False
    return True
