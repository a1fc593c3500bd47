# SPDX-License-Identifier: LGPL-3.0-or-later
"""Level of a drug in serum over time: one compartment, first-order elimination, in closed form."""

from __future__ import annotations

import numpy as np

from ..case.types import Doses

_SAME = 1e-3  # rates of absorption and elimination closer than this need the series


def serum(doses: Doses, elimination: float, t: float) -> tuple[float, float]:
    """Level and its derivative by time, from the right at a dose.

    With k the elimination, k_a the absorption and c what a dose would add if it were there at once:
    bolus ``c exp(-k s)``; infusion over T ``c/(k T) (1 - exp(-k s))`` and then decay; injection
    ``c k_a/(k_a - k) (exp(-k s) - exp(-k_a s))``, s the time since the dose (Bateman 1910).

    Args:
        doses: What is given.
        elimination: 1/day.
        t: day.

    Returns:
        pM and pM/day.
    """
    times = np.asarray(doses.times)
    begun = times <= t
    if not begun.any():
        return 0.0, 0.0
    s, c, k = t - times[begun], np.asarray(doses.rise)[begun], elimination
    if doses.route == "bolus":
        level = c * np.exp(-k * s)
        slope = -k * level
    elif doses.route == "infusion":
        length = doses.over
        running = s < length
        level = (
            c / (k * length) * -np.expm1(-k * np.minimum(s, length)) * np.exp(-k * np.maximum(s - length, 0))
        )
        slope = np.where(running, c / length, 0.0) - k * level
    else:
        ka = doses.absorption
        depot = c * np.exp(-ka * s)
        d = (ka - k) * s
        with np.errstate(divide="ignore", invalid="ignore"):
            grown = np.where(np.abs(d) < _SAME, 1 - d / 2 + d * d / 6 - d**3 / 24, -np.expm1(-d) / d)
        level = c * ka * s * np.exp(-k * s) * grown
        slope = ka * depot - k * level
    return float(level.sum()), float(slope.sum())


def jumps(doses: Doses) -> tuple[float, ...]:
    """Times at which the level or its slope jumps."""
    ends = (t + doses.over for t in doses.times) if doses.route == "infusion" else ()
    return (*doses.times, *ends)
