# SPDX-License-Identifier: LGPL-3.0-or-later
"""When an infection counts as cleared, and when a run may end early."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..case.types import Case
from ..tissue import Tissue, WellMixed
from .ledger import Ledger

if TYPE_CHECKING:
    from ..integrator import Integrator

STEADY = 1e-6  # per day: largest rate of a population over its scale


class Stops:
    """The clearing rule and the stop conditions of a case, looked at after every step.

    Attributes:
        cleared_at: Day on which less than the model's limit of bacteria was left, or None.
        held: Populations that have no set point and do not count when a state is called steady.
    """

    def __init__(self, case: Case, tissue: Tissue, log: Callable[[str], None]):
        self._conditions, self._tissue, self._log = case.stop, tissue, log
        network, names = tissue.network, tissue.names
        roles, steady = network.roles, network.model.steady
        # without a set point of their own: homeostasis leaves them where they start
        fixed = steady.fixed if steady else {}
        self.held = np.array([n == roles.depth or n in fixed for n in names], bool)
        self._bacteria = [k for k, n in enumerate(names) if n in (roles.bacteria or ())]
        self._clearing = not isinstance(tissue.sample, WellMixed) and bool(self._bacteria)
        self._limit = roles.cleared_below or 0.0
        self.cleared_at: float | None = None

    def clear(self, integrator: Integrator, ledger: Ledger) -> None:
        """Collective: take away the bacteria that are left where they are too few."""
        if not self._clearing or self.cleared_at is not None:
            return
        s, t, y = integrator.system, integrator.t, integrator.y
        amounts = s.reduce(s.totals(y))
        total = float(amounts[self._bacteria].sum())
        thickness = 1000.0 if self._tissue.sample.dimension == 2 else 1.0
        if not 0.0 < total * thickness < self._limit:
            return
        self.cleared_at = t
        change = np.zeros(s.populations)
        change[self._bacteria] = -amounts[self._bacteria]
        s.marrow(y)[:, self._bacteria] = 0.0
        ledger.jump(change)
        integrator.restart(y, integrator.control.step)
        self._log(f"day {t:.4g}: the infection is cleared (less than {self._limit * 1e-9:g} CFU left)")

    def reason(self, integrator: Integrator) -> str | None:
        """Collective: why the run may end now, or None."""
        s, t = integrator.system, integrator.t
        if "cleared" in self._conditions and self.cleared_at is not None:
            return f"the infection was cleared on day {self.cleared_at:.4g}"
        if "steady" in self._conditions and t >= 1.0:
            rate = integrator.scratch
            s.rate(t, integrator.y, rate)
            relative = s.largest(rate) / s.problem.scale
            if float(relative[~self.held].max(initial=0.0)) < STEADY:
                return f"a steady state was reached on day {t:.4g}"
        return None

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"cleared_at": self.cleared_at}

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self.cleared_at = values["cleared_at"]
