# SPDX-License-Identifier: LGPL-3.0-or-later
"""Numerical differentiation formulas of order 1 to 5 on steps of any length, one linear solve per step.

The polynomial through the new state and the k newest ones has the slope f at the new time (Gear 1971;
Brayton, Gustavson and Hachtel 1972, Proc IEEE 60:98; Hairer, Norsett and Wanner 1993, III.5). The equation
is linearised about the polynomial P through the k + 1 newest states, whose own slope at the new time is that
of the formula when the new state is P(t), so that with c = sum_j 1 / (t - t_j) over k states

    (c I - J(t, P)) d = f(t, P) - P'(t) ,   y = P(t) + d .

With c + 1 / (t - t_{k+1}) for c this would be the formula of order k + 1, more accurate and less stable.
A share theta of that term (`FORWARD`) keeps the order k and leaves 1 - theta of its error (the numerical
differentiation formulas of Shampine and Reichelt 1997, SIAM J Sci Comput 18:1, on steps of any length).

One Newton iteration with the exact Jacobian leaves an error of order d^2, far below that of the step,
(1 - theta) (t - t_1) / (t - t_{k+1}) d. The same with the polynomial of another order tells what that
order would have made of the step, and the order that promises the longest next step is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .acceptance import Acceptance, Statistics
from .control import StepControl
from .history import History
from .rodas import GENTLY, Rodas
from .settle import settle
from .system import Correction, System

HIGHEST = 5  # order; the formulas of order 7 and more are unstable, that of order 6 nearly so
# share of the next higher order, by order: stable for angles of 90, 90, 82, 67 and 47 degrees, where none
# gives 90, 90, 86, 73 and 52
FORWARD = (0.0, 0.37, 0.5, 0.5, 0.4, 0.2)
# error allowed in one step over `tolerance`: steps are three times as many as those of RODAS4, and what is
# wrong with cells stays wrong, while solutes are replaced within hours
LOCAL, DIFFUSING = 0.05, 0.2
NOISE = 0.25  # of that error which linear solves may make up at most; what is local they solve exactly
CORRECTION = 0.5  # of a correction that may be left out, however small it is: extrapolation alone is unstable
PATIENCE = 4  # rejections of one step before the past is forgotten
GROWTH = 1.5  # of a step over the last one
FIRST_ORDER = 3  # after the first step, whose interpolant is of that order
INHERITED = 2  # order with which states that came from another mesh go on
SETTLED = 0.25  # of the last step: the first one then


class Bdf:
    """Adaptive integration of a `System` with variable order and error control per population.

    The first step is one of RODAS4, whose interpolant gives the states to go on from. The error of a step
    is held below a twentieth of `tolerance` (a fifth where a population diffuses), so that what has
    accumulated at the end of a run compares with RODAS4 at the same tolerance.

    Attributes:
        control: Step lengths.
        order: Of the next step.
    """

    def __init__(
        self,
        system: System,
        t: float,
        y: np.ndarray,
        control: StepControl,
        tolerance: float,
        linear_tolerance: float = 1e-2,
    ):
        self.system, self.control = system, control
        self.tolerance, self.linear_tolerance = tolerance, linear_tolerance
        self._acceptance = Acceptance(system, y, tolerance)
        self._past = History(system, HIGHEST + 2)  # one more than a step needs, so that it can be undone
        self._past.push(t, y.copy(), np.zeros(system.populations))
        self.order, self._used, self._since = 0, 0, 0
        self._allowed = np.full(system.populations, LOCAL)
        self._allowed[: system.problem.diffusing] = DIFFUSING
        self._first: Rodas | None = None
        self._planned = control.step
        control.largest_growth = GROWTH

    # ---------------------------------------------------------------- what is there
    @property
    def t(self) -> float:
        """Time after the last accepted step, day."""
        return self._past.times[0]

    @property
    def y(self) -> np.ndarray:
        """State at that time."""
        return self._past.states[0]

    @property
    def ledger(self) -> np.ndarray:
        """This rank's part of the time integral of every population's reaction total, by the same formulas
        as the solution: total(t) - total(0) - ledger is what the linear solves, the stiffness and the halo
        exchange failed to conserve.
        """
        return self._past.ledgers[0]

    @property
    def statistics(self) -> Statistics:
        """Counts of steps."""
        return self._acceptance.statistics

    @property
    def magnitudes(self) -> np.ndarray:
        """Scale of every population that errors are measured against (largest mean so far)."""
        return self._acceptance.size

    @property
    def span(self) -> tuple[float, float]:
        """Begin and end of the last step."""
        if self._first is not None:
            return self._first.span
        return (self._past.times[1], self.t) if len(self._past) > 1 else (self.t, self.t)

    @property
    def points(self) -> int:
        """Ends of steps, with the last one, that `interpolate` goes through; 0 if through others, too."""
        return self._used + 1 if self._first is None and self.order else 0

    # ---------------------------------------------------------------- for checkpoints
    @property
    def states(self) -> list[np.ndarray]:
        """All states that the next steps depend on, newest first."""
        return self._past.states[: self._needed]

    @property
    def ledgers(self) -> np.ndarray:
        """(states, populations): this rank's integrals that belong to them."""
        return np.array(self._past.ledgers[: self._needed])

    @ledgers.setter
    def ledgers(self, values: np.ndarray) -> None:
        self._past.ledgers = [np.array(v) for v in values]

    @property
    def _needed(self) -> int:
        return min(self.order, HIGHEST - 1) + 2 if self.order else 1

    @property
    def state(self) -> dict[str, Any]:
        """What besides `states` and `ledgers` the next steps depend on; JSON. Set it before those two."""
        return {
            "times": self._past.times[: self._needed],
            "order": [self.order, self._used, self._since],
            "control": self.control.state,
            "acceptance": self._acceptance.state,
        }

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self._recall(values)
        self.system.reuse.forget()
        self._past = History(self.system, HIGHEST + 2)
        for t in reversed(values["times"]):
            self._past.push(t, self.system.vector(), np.zeros(self.system.populations))

    def _recall(self, values: Mapping[str, Any]) -> None:
        self.order, self._used, self._since = values["order"]
        self.control.state, self._acceptance.state = values["control"], values["acceptance"]

    # ---------------------------------------------------------------- changes from outside
    def restart(self, y: np.ndarray, first_step: float) -> None:
        """Collective: go on from a state that was changed from outside, with a short first step."""
        self.y[:] = y
        self._past.clear()
        self._release()
        self.system.reuse.forget()
        self.order = 0
        self._acceptance.grow(self.y)
        self.control.step = self.control.rung(min(first_step, self.control.step))

    @property
    def legacy(self) -> list[np.ndarray]:
        """States, newest first, that `inherit` goes on from."""
        return self.states[: INHERITED + 2]

    def inherit(self, facts: Mapping[str, Any], ledgers: np.ndarray, states: Sequence[np.ndarray]) -> None:
        """Collective: go on where another integrator is, on another mesh.

        Error scales, counts and integrals stay. What the change of mesh has disturbed is settled, so
        that order and step go on a little below where they were.

        Args:
            facts, ledgers: `state` and `ledgers` of the other.
            states: Its `legacy` as it is on this mesh.
        """
        step, many = facts["control"]["step"], len(states)
        self.state = {**facts, "times": facts["times"][:many]}
        self.ledgers = ledgers[:many]
        for mine, y in zip(self._past.states, states, strict=True):
            mine[:] = y
        self._acceptance.grow(self.y)
        points = min(self.order, INHERITED, many - 1) + 1
        limit = min(self.linear_tolerance, NOISE * LOCAL) * self.tolerance
        size, extent = self._acceptance.size, None
        if points > 1:
            extent = settle(self.system, self._past, points, 1.0 / step, size, limit)
        if extent is None or self._acceptance.objection(np.zeros_like(size), extent):
            self._past.clear()
            self._past.ledgers[0] = np.array(ledgers[0])
            self.restart(states[0], GENTLY * step)
            return
        self.order, self._since = points - 1, 0
        self.control.step = self.control.rung(SETTLED * step)

    def take_back(self, before: Mapping[str, Any]) -> None:
        """As if the last step had never been; `before`: `state` before it."""
        self.undo()
        self._recall(before)
        times = list(before["times"])
        if self._past.times[: len(times)] != times:  # it had forgotten the past
            self._past.clear()
            self.order = 0

    def undo(self) -> None:
        """Take the last step back, to take a shorter one."""
        self.system.reuse.forget()
        if self._first is None:
            self.statistics.accepted -= 1
            self._past.pop()
            return
        first, past = self._first, self._past
        first.undo()
        past.clear()
        past.times[0], past.ledgers[0] = first.t, first.ledger
        self.y[:] = first.y
        self.order, self.control.step = 0, self._planned
        self._release()

    def _release(self) -> None:
        """The first step can no longer be looked into; what it worked in is free."""
        if self._first is not None:
            for vector in self._first.work:
                self._past.give_back(vector)
            self._first = None

    # ---------------------------------------------------------------- steps
    def step(self, stop: float) -> None:
        """Collective: one accepted step, not beyond `stop`, which is hit exactly.

        Raises:
            ComputationStopped: The step would become shorter than the shortest one allowed.
        """
        self._release()
        if self.order == 0:
            self._begin(stop)
            return
        for failures in range(1, PATIENCE + 1):
            h = self.control.fit(self.t, stop)
            failure, error = self._try(h, stop)
            if failure is None:
                self._choose(h, error)
                return
            self._acceptance.reject(failure, self.t, h)
            self.system.reuse.forget()
            self.control.order = self.order + 1
            if not self.control.reject(h, error):
                raise self._acceptance.too_short(self.t, self.control.shortest, failure)
            self._since = 0
            if failures > 1 or not np.isfinite(error):
                self.order = max(1, self.order - 1)
        self._past.clear()
        self._begin(stop)

    def _begin(self, stop: float) -> None:
        """Collective: a step of RODAS4, and the states inside it."""
        c = self.control
        control = StepControl(c.step, c.shortest, c.longest)
        past, planned = self._past, c.step
        rodas = Rodas(
            self.system, self.t, self.y, control, self.tolerance, self.linear_tolerance,
            acceptance=self._acceptance, room=past.room,
        )  # fmt: skip
        rodas.ledger = self.ledger
        rodas.step(stop)
        before, after = rodas.span
        self.system.release()
        past.give_back(rodas.free)
        self._first, self._planned = rodas, planned
        inside = before + (after - before) * np.arange(1, FIRST_ORDER) / FIRST_ORDER
        for t in inside:
            y = past.room()
            past.push(float(t), y, np.array(rodas.interpolate(float(t), y)))
        past.push(after, rodas.y, rodas.ledger)
        if after == stop and control.step > after - before:  # cut short: nothing to go on from
            past.clear()
            c.step = control.step
            return
        self.order, self._used, self._since = FIRST_ORDER, FIRST_ORDER, 0
        c.step = c.rung((after - before) / FIRST_ORDER)

    def _try(self, h: float, stop: float) -> tuple[str | None, float]:
        s, past = self.system, self._past
        k = self.order = min(self.order, len(past) - 1)
        t = stop if h == stop - self.t else self.t + h
        now = min(t, np.nextafter(stop, -np.inf))  # a formula that jumps at the stop has not yet
        value, slope = past.value(t, k + 1), past.slope(t, k + 1)
        further = 1.0 / (t - past.times[k])
        c = sum(1.0 / (t - past.times[j]) for j in range(k)) + FORWARD[k] * further
        y, d = past.room(), past.room()
        s.linear2(list(value), list(-slope), past.states[: k + 1], y, d)
        failure, error, new = self._correct(now, y, d, c, (1.0 - FORWARD[k]) * (t - self.t) * further)
        if failure is None and new.extent is not None:
            change = (new.flows - past.integral(slope)) / c
            self._acceptance.accept(h, new.extent)
            self._used = k
            past.push(t, y, past.integral(value) + change)
        else:
            past.give_back(y)
        past.give_back(d)
        return failure, error

    def _correct(
        self, t: float, y: np.ndarray, d: np.ndarray, c: float, share: float
    ) -> tuple[str | None, float, Correction]:
        """Collective: Newton's correction of the prediction `y`.

        Args:
            t: Where rates are evaluated.
            y: Prediction; the new state comes out.
            d: Minus its slope; is worked in.
            c: Of the formula.
            share: Error of the step over the correction.

        Returns:
            Why it is no good, the error over what is allowed, and what there is to know of the new state.
        """
        judge = self._acceptance
        limit = min(self.linear_tolerance, NOISE * DIFFUSING) * self.tolerance * c / share
        new = self.system.correct(t, y, d, c, judge.size, limit, CORRECTION)
        extent = new.extent
        if extent is None:
            return new.failure, np.inf, new
        scaled = judge.relative(share * extent.change, extent) / self._allowed
        failure = judge.objection(scaled, extent)
        error = float(scaled.max())
        if failure is not None and not failure.startswith("error"):
            error = np.inf
        return failure, error, new

    def _choose(self, h: float, error: float) -> None:
        """Collective: order and length of the next step."""
        k, control = self._used, self.control
        self._since += 1
        best, order = control.factor(error, k + 1), k
        if 2 * self._since > k:
            self._since = 0
            for other, e in self._errors_of_neighbours(k):
                factor = control.factor(e, other + 1)
                if factor > best:
                    best, order, error = factor, other, e
        self.order, control.order = order, order + 1
        control.accept(h, error)

    def _errors_of_neighbours(self, k: int) -> list[tuple[int, float]]:
        """Collective: (order, error over what is allowed) of the orders beside `k` for the last step."""
        past, s = self._past, self.system
        t, last = past.times[0], past.times[1]
        orders = [q for q in (k - 1, k + 1) if 1 <= q <= HIGHEST and q + 2 <= len(past)]
        if not orders:
            return []
        points = max(orders) + 1
        rows, shares = [], []
        for q in orders:
            row = np.zeros(points + 1)
            row[0], row[1 : q + 2] = 1.0, -past.value(t, q + 1, first=1)
            rows.append(row)
            shares.append((1.0 - FORWARD[q]) * (t - last) / (t - past.times[q + 1]))
        norms = s.combined_norms(rows[0], rows[-1], past.states[: points + 1])
        judge = self._acceptance
        allowed = self._allowed * judge.tolerance * judge.size
        scaled = [a * n / allowed for a, n in zip(shares, norms, strict=False)]
        return [(q, float(e.max())) for q, e in zip(orders, scaled, strict=True)]

    @property
    def scratch(self) -> np.ndarray:
        """A vector to interpolate into, free until the next step or whoever asks next."""
        vector = self._past.room()
        self._past.give_back(vector)
        return vector

    def interpolate(self, t: float, out: np.ndarray) -> np.ndarray:
        """State at `t` inside the last step (to its order); returns this rank's ledger there."""
        if self._first is not None:
            return self._first.interpolate(t, out)
        if t >= self.t:
            out[:] = self.y
            return self.ledger
        return self._past.combine(self._past.value(t, self._used + 1), out)
