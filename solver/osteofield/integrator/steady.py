# SPDX-License-Identifier: LGPL-3.0-or-later
"""The steady state of a system, in implicit steps that grow fast; where those are no good, in time steps.

A start that is at rest but for the geometry, as the healthy state of the well-mixed model is on bone, needs
no course in time: steps of the linearly implicit Euler method, each one correction of the state before,

    (1/h - J(y)) e = f(y) ,   y <- y + e ,

with h that grows by a constant factor become Newton's method by themselves (pseudo-transient continuation,
Kelley and Keyes 1998, SIAM J Numer Anal 35:508). A long step forgets what lies between, so that none may
double a population or bring it below zero. A start that is far from rest is marched from in time, which
decides between several steady states; so is one from which a few implicit steps do not come to rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ComputationStopped
from .acceptance import UNDERSHOOT, Acceptance
from .control import StepControl
from .rodas import Rodas
from .states import Extent
from .system import System

STEPS = 500  # of the march: a model that has a steady state needs ten to forty
# implicit steps, days; with a pole as far as that, held populations, which have no dynamics, stay regular
FIRST, SHORTEST, LONGEST = 0.8, 1e-2, 1e7
GROWTH, CAUTION = 30.0, 0.5  # of a step over the one before; its exponent after every rejection
CORRECTIONS = 30  # as many are tried
CHANGE = 0.5  # of a population's size in one of them
LOOSEST, TIGHTEST = 1e-2, 1e-4  # part of the right sides that linear solves leave


@dataclass(frozen=True)
class Steady:
    """A steady state and what it cost.

    Attributes:
        y: The state.
        steps, newton: Time steps, and Newton's corrections.
        days: Simulated days; 0 where no course in time was needed.
        rate: Largest remaining rate of change, relative to the scale of its population, 1/day.
    """

    y: np.ndarray
    steps: int
    newton: int
    days: float
    rate: float


def steady_state(
    system: System,
    y: np.ndarray,
    frozen: np.ndarray,
    *,
    far: bool = False,
    tolerance: float = 0.1,
    rate: float = 1e-9,
    longest: float = 1e5,
    near: float = 3e-2,
) -> Steady:
    """Collective: the steady state beside the start, or the one nearest in time.

    Args:
        system: What is integrated.
        y: Start.
        frozen: (populations,) mask of populations held at their start value and left out of the
            criterion (the eroded depth, which has no steady state of its own).
        far: Whether the start may be far from rest, so that the course in time has to be followed.
        tolerance: Of time steps; the end result does not depend on it.
        rate: Stop when every population's largest rate is below this fraction of its scale per day, or
            below what round-off of very fast diffusion leaves.
        longest: Simulated days after which a system is said to have no steady state.
        near: Relative rate (1/day) below which Newton's method is tried.

    Raises:
        ComputationStopped: No steady state was found, or none without negative populations.
    """
    rest = _Rest(system, y, frozen, rate)
    found = None if far else _relax(rest, near)
    return found or _march(rest, tolerance, longest, near)


class _Rest:
    """A system some of whose populations are held, near rest.

    Args:
        system: The system.
        start: Gives the values that are held.
        frozen: Mask of populations that are held.
        rate: Largest relative rate that counts as rest, 1/day.

    Attributes:
        wanted: The same, or what round-off leaves if that is more.
    """

    def __init__(self, system: System, start: np.ndarray, frozen: np.ndarray, rate: float):
        self.system, self.start, self._frozen = system, start, frozen
        self.wanted = max(rate, system.roundoff(start))
        marrow = system.problem.marrow_width
        parts = (system.marrow, frozen[:marrow]), (system.surface, frozen[marrow:])
        self._held = [(part, mask) for part, mask in parts if mask.any()]
        self._f, self._d = system.vector(), system.vector()

    def hold(self, v: np.ndarray) -> None:
        """Put what is held back to its start value."""
        for part, mask in self._held:
            part(v)[:, mask] = part(self.start)[:, mask]

    def left(self, v: np.ndarray) -> float:
        """Collective: largest relative rate of what is free, 1/day."""
        self.system.rate(0.0, v, self._f)
        largest = self.system.largest(self._f) / self.system.problem.scale
        return float(np.where(self._frozen, 0.0, largest).max())

    def reached(self, v: np.ndarray, left: float) -> bool:
        """Collective: whether a state is at rest, with that rate left."""
        # from a start at zero it was not known what round-off leaves
        return left <= self.wanted or left <= self.system.roundoff(v)

    def correct(self, v: np.ndarray, h: float, judge: Acceptance, most: float, share: float) -> str | None:
        """Collective: one implicit step from `v`, whose rates were asked for last, in place.

        Args:
            v: State.
            h: Day.
            judge: Holds the new state above zero.
            most: Change of a population over its size that is allowed.
            share: Part of the right sides that the linear solve may leave.

        Returns:
            Why the step is no good, or None.
        """
        self._d[:] = 0.0
        for part, mask in self._held:  # no rate of its own, so that the others do not follow it
            part(self._d)[:, mask] = -part(self._f)[:, mask]
        new = self.system.correct(0.0, v, self._d, 1.0 / h, judge.size, np.inf, share)
        if new.extent is None:
            return new.failure
        self.hold(v)
        norms, change, lowest, largest = (
            np.where(self._frozen, 0.0, a)
            for a in (new.extent.norms, new.extent.change, new.extent.lowest, new.extent.largest)
        )
        extent = Extent(norms, change, lowest, largest)
        failure = judge.objection(change / (most * np.maximum(judge.size, norms)), extent)
        if failure is None:
            judge.accept(h, extent)
        return failure

    def look(self, v: np.ndarray) -> None:
        """Collective: whether what was marched to is above zero.

        Raises:
            ComputationStopped: It is not.
        """
        s, none = self.system, np.zeros(self.system.populations)
        lowest = np.where(self._frozen, 0.0, s.lowest(v))
        judge = Acceptance(s, v, UNDERSHOOT)
        failure = judge.objection(none, Extent(s.norms(v), none, lowest, s.largest(v)))
        if failure is not None:
            raise ComputationStopped(f"the steady state that was found is not one of tissue ({failure}).")


def _relax(rest: _Rest, near: float) -> Steady | None:
    """Collective: implicit steps that grow fast; None where they do not come to rest soon."""
    v, before = rest.start.copy(), rest.system.vector()
    left, share = rest.left(v), LOOSEST
    if left <= rest.wanted:
        return Steady(v, 0, 0, 0.0, left)
    judge = Acceptance(rest.system, v, UNDERSHOOT)
    control = StepControl(FIRST, SHORTEST, LONGEST, largest_growth=GROWTH)
    for n in range(1, CORRECTIONS + 1):
        before[:] = v
        if rest.correct(v, control.step, judge, CHANGE, share) is not None:
            if not control.reject(control.step, np.inf):
                break
            control.largest_growth **= CAUTION
            v[:] = before
            rest.left(v)
            continue
        now = rest.left(v)
        if rest.reached(v, now):
            return Steady(v, 0, n, 0.0, now)
        control.accept(LONGEST if now < near else control.step, 0.0)
        # as exact as the next correction promises to be, by the last one (Eisenstat and Walker 1996)
        share, left = float(np.clip((now / left) ** 2, TIGHTEST, LOOSEST)), now
    return None


def _march(rest: _Rest, tolerance: float, longest: float, near: float) -> Steady:
    """Collective: time steps until Newton's method finishes."""
    march = Rodas(rest.system, 0.0, rest.start, StepControl(1e-2, 1e-9), tolerance, 0.01)
    done, trial_at = rest.left(march.y), near
    while not done <= rest.wanted:
        if not done <= trial_at:
            if march.t >= longest or march.statistics.accepted >= STEPS:
                raise ComputationStopped(
                    f"no steady state within {march.t:.3g} days (largest relative rate {done:.2g} per day)."
                )
            march.step(longest)
            rest.hold(march.y)
            done = rest.left(march.y)
            continue
        v = march.y.copy()
        newton, left = _newton(rest, v)
        if newton:
            return Steady(v, march.statistics.accepted, newton, march.t, left)
        trial_at *= 0.1  # too early: march on and try again closer to the steady state
        if trial_at < rest.wanted:
            raise ComputationStopped(
                f"Newton's method does not reach the steady state (relative rate {left:.2g} per day is left)."
            )
    rest.look(march.y)
    return Steady(march.y, march.statistics.accepted, 0, march.t, done)


def _newton(rest: _Rest, v: np.ndarray) -> tuple[int, float]:
    """Collective: Newton's iterations from `v`, in place.

    Returns:
        Iterations until rest, 0 if it was not reached, and the rate that remains.
    """
    judge, left = Acceptance(rest.system, v, UNDERSHOOT), rest.left(v)
    for n in range(1, 13):
        if rest.correct(v, LONGEST, judge, np.inf, TIGHTEST) is not None:
            return 0, left
        now = rest.left(v)
        if rest.reached(v, now):
            return n, now
        if not now <= 2.0 * left:
            return 0, now
        left = now
    return 0, left
