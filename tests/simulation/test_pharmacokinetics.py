# SPDX-License-Identifier: LGPL-3.0-or-later
"""Serum levels in closed form against the differential equations of one compartment."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from osteofield.case.types import Doses
from osteofield.simulation.pharmacokinetics import jumps, serum

K = 1.7
DOSES = [
    Doses("bolus", (0.0, 1.0, 2.5), (10.0, 5.0, 8.0)),
    Doses("infusion", (0.5, 1.0), (10.0, 4.0), over=0.25),
    Doses("injection", (0.25, 1.25), (10.0, 6.0), absorption=3.0),
    Doses("injection", (0.25, 1.25), (10.0, 6.0), absorption=K),
    Doses("injection", (0.25, 1.25), (10.0, 6.0), absorption=K * (1 + 1e-4)),
    Doses("injection", (0.25, 1.25), (10.0, 6.0), absorption=0.01),
]


def compartments(doses: Doses, end: float) -> tuple[float, float]:
    """Depot and serum integrated numerically from jump to jump."""
    y, t = np.zeros(2), 0.0
    for stop in sorted({0.0, *(x for x in jumps(doses) if x < end), end}):
        if stop > t:
            running = sum(
                r / doses.over
                for x, r in zip(doses.times, doses.rise, strict=True)
                if doses.route == "infusion" and x <= t < x + doses.over - 1e-12
            )

            def rate(_, v, source=running):
                return [-doses.absorption * v[0], doses.absorption * v[0] + source - K * v[1]]

            y = solve_ivp(rate, (t, stop), y, "LSODA", rtol=1e-11, atol=1e-12).y[:, -1]
            t = stop
        for x, r in zip(doses.times, doses.rise, strict=True):
            if abs(x - stop) < 1e-12 and stop < end:
                if doses.route == "bolus":
                    y[1] += r
                elif doses.route == "injection":
                    y[0] += r
    return y[0], y[1]


@pytest.mark.parametrize("doses", DOSES)
@pytest.mark.parametrize("t", [0.2, 0.6, 1.1, 3.0])
def test_levels_solve_the_equations_of_one_compartment(doses, t):
    assert serum(doses, K, t)[0] == pytest.approx(compartments(doses, t)[1], rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("doses", DOSES)
def test_slopes_are_derivatives_of_levels(doses):
    for t in (0.33, 0.61, 1.31, 2.9):
        h = 1e-6
        want = (serum(doses, K, t + h)[0] - serum(doses, K, t - h)[0]) / (2 * h)
        assert serum(doses, K, t)[1] == pytest.approx(want, rel=1e-7, abs=1e-7)


def test_a_dose_counts_from_its_very_instant():
    doses = DOSES[0]
    assert serum(doses, K, np.nextafter(1.0, 0))[0] == pytest.approx(10 * np.exp(-K))
    assert serum(doses, K, 1.0)[0] == pytest.approx(10 * np.exp(-K) + 5)
    assert serum(doses, K, -1.0) == (0.0, 0.0)
