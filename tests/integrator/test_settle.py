# SPDX-License-Identifier: LGPL-3.0-or-later
"""States that another mesh has disturbed: what is fast is gone, what is slow stays, nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import Bdf, StepControl, System
from osteofield.integrator.history import History
from osteofield.integrator.settle import settle

TIMES = (0.0, 0.4, 0.5, 1.0)
C = 4.0


def decay(problems, rates):
    """A system with y' = -rate y for each of three populations."""
    return System(problems.single(problems.linear(-np.diag(rates[:2]), -np.diag(rates), 1)))


def test_fast_errors_go_and_slow_ones_stay(problems):
    rates = np.array([4e5, 4.0, 4e-3])
    system = decay(problems, rates)
    past = History(system, 4)
    for t in TIMES:
        y = past.room()
        y[:] = 1.0
        past.push(t, y, np.full(3, 7.0))
    extent = settle(system, past, 3, C, np.ones(3), 1e-14)
    z = rates / C
    left = (1 + 3 * z) / (1 + z) ** 3
    assert past.states[0] == pytest.approx(left, rel=1e-9, abs=1e-15)
    assert extent.lowest == pytest.approx(left) and left[0] < 1e-9 and left[2] > 1 - 1e-5
    slope = np.empty(3)
    past.combine(past.slope_now(3), slope)
    assert slope == pytest.approx(-rates * left, rel=1e-9)
    assert np.abs(slope[0]) < 1e-3  # nothing fast is left to be followed
    for y, integral in zip(past.states, past.ledgers, strict=True):
        assert integral - 7.0 == pytest.approx(y - 1.0, abs=1e-10)


@pytest.mark.parametrize("disturbed", [0.0, 0.02])
def test_order_and_step_go_on(problems, disturbed):
    """Solves needed to come back to the step that was taken before: few, whatever was disturbed."""
    system = decay(problems, np.array([2e4, 30.0, 0.5]))
    old = Bdf(system, 0.0, np.ones(3), StepControl(1e-5, 1e-12), 1e-3)
    while old.t < 0.5:
        old.step(10.0)
    before, step, carried = system.solves, old.control.step, [y.copy() for y in old.legacy]
    for y in carried:
        y[0] += disturbed
    new = Bdf(system, old.t, carried[0], StepControl(1e-5, 1e-12), 1e-3)
    new.inherit(old.state, old.ledgers, carried)
    assert new.t == old.t and new.y[1:] == pytest.approx(old.y[1:], abs=1e-4)
    while new.control.step < step:
        new.step(10.0)
    assert system.solves - before <= 12
    exact = np.exp(-0.5 * new.t)
    assert new.y[2] == pytest.approx(exact, rel=2e-3) and abs(new.y[0]) < 1e-4


def test_without_a_past_the_next_step_is_short(problems):
    system = decay(problems, np.ones(3))
    old = Bdf(system, 0.0, np.ones(3), StepControl(0.1, 1e-12), 1e-3)
    new = Bdf(system, 0.0, np.ones(3), StepControl(0.1, 1e-12), 1e-3)
    new.inherit(old.state, old.ledgers, old.legacy)
    assert new.control.step < 0.0011 and new.order == 0
    new.step(1.0)
    assert 0.0 < new.t < 0.002
