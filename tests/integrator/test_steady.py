# SPDX-License-Identifier: LGPL-3.0-or-later
"""The steady state: marched to, then found by Newton; what is held stays held."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.errors import ComputationStopped
from osteofield.integrator import System, steady_state

FREE = np.zeros(3, bool)


def test_known_steady_state_of_a_point(problems):
    """1 - 2 u w + q = 0, u = w, q = u: u = 1."""
    system = System(problems.single())
    found = steady_state(system, np.array([3.0, 0.2, 0.0]), FREE)
    assert found.y == pytest.approx(np.ones(3), abs=1e-9)
    assert found.newton > 0
    assert found.rate <= 1e-9


def test_every_rate_vanishes_on_a_mesh(problems):
    system = System(problems.square(10, problems.Cubic, 0.05))
    start = np.full(system.size, 2.0)
    found = steady_state(system, start, FREE)
    f = system.vector()
    system.rate(0.0, found.y, f)
    assert np.abs(f).max() < 1e-9
    assert np.ptp(system.marrow(found.y)[:, 0]) > 0.1  # not uniform: it is fed from the left
    assert (start == 2.0).all()


def test_frozen_population_keeps_its_start_value(problems):
    """q grows for ever and nothing depends on it, like the eroded depth: 1 - 2 u w = 0, u = w."""

    class Eroding(problems.Cubic):
        def rates(self, t, node, ym, ys, a, g, x, fm, fs):
            super().rates(t, node, ym, ys, 0.0 * a, g, x, fm, fs)
            if self.on_surface:
                fs[:, 0] = ym[node, 0]

        def jacobian(self, t, node, ym, ys, a, g, x, J):
            super().jacobian(t, node, ym, ys, 0.0 * a, g, x, J)
            if self.on_surface:
                J[:, -1] = 0.0

    frozen = np.array([False, False, True])
    system = System(problems.square(6, Eroding))
    y = np.ones(system.size)
    system.surface(y)[:] = np.linspace(1.0, 2.0, 7)[:, None]
    found = steady_state(system, y, frozen)
    assert np.array_equal(system.surface(found.y), system.surface(y))
    assert system.marrow(found.y) == pytest.approx(np.full((49, 2), np.sqrt(0.5)), abs=1e-9)
    marched = steady_state(system, y, frozen, rate=1e-4, near=1e-5)
    assert (marched.newton, marched.rate <= 1e-4) == (0, True)
    assert np.array_equal(system.surface(marched.y), system.surface(y))
    with pytest.raises(ComputationStopped, match="no steady state within 10 days"):
        steady_state(system, y, np.zeros(3, bool), longest=10.0)


def test_a_steady_start_costs_nothing(problems):
    found = steady_state(System(problems.single()), np.ones(3), FREE)
    assert (found.steps, found.newton, found.days) == (0, 0, 0.0)


def test_no_steady_state(problems):
    """u' = 1 - 0 u: grows without bound."""

    class Growing(problems.Cubic):
        loss = 0.0

    with pytest.raises(ComputationStopped, match="no steady state within 50 days"):
        steady_state(System(problems.single(Growing)), np.ones(3), FREE, longest=50.0)
