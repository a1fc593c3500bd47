# SPDX-License-Identifier: LGPL-3.0-or-later
"""Past states that were carried to another mesh, made those of a solution there.

Carrying leaves an error e in the newest state: what is fast (solutes, at the scale of a cell) decays on
the new mesh within seconds, and a multistep formula would follow it with steps as short as that. So
it is let decay at once. With d_1 = (c I - J)^-1 (f(y) - P'(t)), where P is the polynomial through
the carried states, and d_2 and d_3 by the same solve from c d_1 and c d_2,

    y + d_1 + d_2 - 2 d_3   with the slope   P'(t) + c (3 d_2 - 2 d_3)

leaves (1 + 3 z) / (1 + z)^3 of an error that decays at a rate of c z, and has the slope of what it
leaves. What is much slower than c changes by z^2 only; what is much faster is gone, and so is its slope.
Earlier states are shifted by the same, and by the change of slope times the time between, so that
higher derivatives stay.
"""

from __future__ import annotations

import numpy as np

from .history import History
from .states import Extent
from .system import System


def settle(
    system: System, past: History, points: int, c: float, scale: np.ndarray, limit: float
) -> Extent | None:
    """Collective: settle all states of `past`; their integrals stay those of the states.

    Args:
        system: On the new mesh.
        past: Carried states.
        points: Newest states through which the polynomial goes.
        c: Rate above which errors decay, 1/day.
        scale: Of every population.
        limit: What the linear solves may leave of the states, relative to `scale`.

    Returns:
        The extent of the newest state; None, and nothing has changed, if the equations could not be solved.
    """
    s, t = system, past.times[0]
    after = np.nextafter(t, np.inf)  # a formula that jumps now has jumped
    y, d1, d2, d3 = (past.room() for _ in range(4))
    try:
        if not s.prepare(after, past.states[0], c):
            return None
        s.rate(after, past.states[0], y)
        slope = past.slope_now(points)
        before = past.combine(-slope, d1)
        s.linear([1.0, 1.0], [y, d1], d1)
        change, changes = s.reaction + before, []
        for right, d, factor in ((d1, d1, 1.0), (d1, d2, c), (d2, d3, c)):
            s.linear([factor], [right], d)
            if not s.solve(d, d, scale, limit * c).converged:
                return None
            change = (change + s.reaction_along(d)) / c
            changes.append(change)
            change = c * change
        one, two, three = changes
        s.linear([1.0], [past.states[0]], y)
        s.linear([1.0, 1.0, -2.0], [d1, d2, d3], d1)
        extent = s.advance(y, d1)
        for k, then in enumerate(past.times):
            back = c * (then - t)
            s.linear([1.0, 1.0, 3 * back, -2 * back], [past.states[k], d1, d2, d3], past.states[k])
            past.ledgers[k] = past.ledgers[k] + one + two - 2 * three + back * (3 * two - 2 * three)
        return extent
    finally:
        for vector in (y, d1, d2, d3):
            past.give_back(vector)
