# SPDX-License-Identifier: LGPL-3.0-or-later
"""The steady state of a system: time steps that grow, then Newton's method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import ComputationStopped
from .control import StepControl
from .rodas import Rodas
from .system import System

STEPS = 500  # a model that has a steady state needs ten to forty


@dataclass(frozen=True)
class Steady:
    """A steady state and what it cost.

    Attributes:
        y: The state.
        steps, newton: Time steps and Newton iterations.
        days: Simulated days before Newton took over.
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
    tolerance: float = 0.1,
    rate: float = 1e-9,
    longest: float = 1e5,
    near: float = 3e-2,
) -> Steady:
    """Collective: march to the steady state nearest in time and finish by Newton's method.

    Args:
        system: What is integrated.
        y: Start.
        frozen: (populations,) mask of populations held at their start value and left out of the
            criterion (the eroded depth, which has no steady state of its own).
        tolerance: Of the time steps; the end result does not depend on it.
        rate: Stop when every population's largest rate is below this fraction of its scale per day, or
            below what round-off of very fast diffusion leaves.
        longest: Simulated days after which a system is said to have no steady state.
        near: Relative rate (1/day) below which Newton's method is tried.

    Raises:
        ComputationStopped: No steady state was found.
    """
    start = y.copy()
    rate = max(rate, system.roundoff(y))
    scale = system.problem.scale
    marrow = system.problem.marrow_width
    f = system.vector()

    def hold(v: np.ndarray, to: np.ndarray | None = None) -> None:
        for part, mask in ((system.marrow, frozen[:marrow]), (system.surface, frozen[marrow:])):
            if mask.any():
                part(v)[:, mask] = 0.0 if to is None else part(to)[:, mask]

    def remaining(v: np.ndarray) -> float:
        system.rate(0.0, v, f)
        hold(f)
        return float((system.largest(f) / scale).max())

    march = Rodas(system, 0.0, y, StepControl(1e-2, 1e-9), tolerance, 0.01)
    done, newton, trial_at = remaining(march.y), 0, near
    while done > rate:
        if done > trial_at:
            if march.t >= longest or march.statistics.accepted >= STEPS:
                raise ComputationStopped(
                    f"no steady state within {march.t:.3g} days (largest relative rate {done:.2g} per day)."
                )
            march.step(longest)
            hold(march.y, start)
            done = remaining(march.y)
            continue
        v = march.y.copy()
        finished, newton, left = _newton(system, v, f, hold, start, remaining, rate, done)
        if finished:
            return Steady(v, march.statistics.accepted, newton, march.t, left)
        trial_at *= 0.1  # too early: march on and try again closer to the steady state
        if trial_at < rate:
            raise ComputationStopped(
                f"Newton's method does not reach the steady state (relative rate {left:.2g} per day is left)."
            )
    return Steady(march.y, march.statistics.accepted, newton, march.t, done)


def _newton(
    system: System,
    v: np.ndarray,
    f: np.ndarray,
    hold: Callable[..., None],
    start: np.ndarray,
    remaining: Callable[[np.ndarray], float],
    rate: float,
    left: float,
) -> tuple[bool, int, float]:
    """Newton iterations from `v` in place: (reached, iterations, remaining rate)."""
    change = system.vector()
    magnitude = np.maximum(system.norms(v), 0.01 * system.problem.scale)
    n = 0
    for n in range(1, 13):
        # a pole far from the spectrum keeps held populations, which have no dynamics, regular
        if not system.prepare(0.0, v, 1e-7):
            return False, n, left
        size = float((system.norms(f) / magnitude).max())
        if not system.solve(f, change, magnitude, 1e-4 * size).converged:
            return False, n, left
        v += change
        hold(v, start)
        new = remaining(v)
        # from a start at zero it was not known what round-off leaves
        if new <= max(rate, system.roundoff(v)):
            return True, n, new
        if not np.isfinite(new) or new > 2.0 * left:
            return False, n, new
        left = new
    return False, n, left
