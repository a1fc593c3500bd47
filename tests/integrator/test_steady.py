# SPDX-License-Identifier: LGPL-3.0-or-later
"""The steady state, beside the start or at the end of a march; what is held stays held."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.errors import ComputationStopped
from osteofield.integrator import System, steady_state

from .conftest import Cubic

FREE = np.zeros(3, bool)


def spreading(rate):
    """Kernel with u' = rate u (1 - u); w and q follow u."""

    class Logistic(Cubic):
        def rates(self, t, node, ym, ys, a, g, x, fm, fs):
            super().rates(t, node, ym, ys, 0.0 * a, g, x, fm, fs)
            fm[node, 0] = rate * ym[node, 0] * (1.0 - ym[node, 0])

        def jacobian(self, t, node, ym, ys, a, g, x, J):
            super().jacobian(t, node, ym, ys, 0.0 * a, g, x, J)
            J[:, 0], J[:, 1] = rate * (1.0 - 2.0 * ym[node, 0]), 0.0

    return Logistic


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
    marched = steady_state(system, y, frozen, far=True, rate=1e-4, near=1e-5)
    assert (marched.newton, marched.rate <= 1e-4) == (0, True)
    assert np.array_equal(system.surface(marched.y), system.surface(y))
    with pytest.raises(ComputationStopped, match="no steady state within 10 days"):
        steady_state(system, y, np.zeros(3, bool), longest=10.0)


def test_no_course_in_time_beside_the_start(problems):
    """A few corrections lead to where the march ends, with a quarter of its solves."""
    system = System(problems.square(10, problems.Cubic, 0.05))
    start = np.ones(system.size)
    found = steady_state(system, start, FREE)
    solves = system.solves
    marched = steady_state(system, start, FREE, far=True)
    assert np.abs(found.y - marched.y).max() < 1e-8
    assert (found.steps, found.days) == (0, 0.0)
    assert marched.steps > 5
    assert marched.days > 10
    assert found.newton == solves < (system.solves - solves) / 4


def test_not_the_nearest_root_but_the_one_that_time_leads_to(problems):
    """From 0.2, long implicit steps lead below zero, to the unstable state of 0; growth ends at 1."""
    found = steady_state(System(problems.single(spreading(5.0))), np.full(3, 0.2), FREE)
    assert found.y == pytest.approx(np.ones(3), abs=1e-8)
    assert found.steps == 0


def test_march_where_no_implicit_step_is_good(problems):
    """The same at a rate for which the shortest implicit step is too long."""
    found = steady_state(System(problems.single(spreading(1e5))), np.full(3, 0.2), FREE)
    assert found.y == pytest.approx(np.ones(3), abs=1e-8)
    assert found.steps > 0


@pytest.mark.parametrize(
    ("rest", "how", "said"),
    [
        (-0.5, {}, "population 0 stays below zero"),
        (-0.5, {"far": True}, "population 0 stays below zero"),
        (-0.05, {}, "no steady state within"),  # steps of the march may go there, corrections may not
        (-0.05, {"rate": 1e-4, "near": 1e-5}, r"not one of tissue \(negative: population 0\)"),
    ],
)
def test_no_state_below_zero(problems, rest, how, said):
    """u' = rest - u, w' = -w, q' = -q: at rest below zero only."""

    class Drained(problems.Cubic):
        def rates(self, t, node, ym, ys, a, g, x, fm, fs):
            fm[node], fs[:] = -ym[node], -ys
            fm[node, 0] += rest

        def jacobian(self, t, node, ym, ys, a, g, x, J):
            J[:] = 0.0
            J[:, [0, 4, 6]] = -1.0

    with pytest.raises(ComputationStopped, match=said):
        steady_state(System(problems.single(Drained)), np.ones(3), FREE, **how)


def test_held_population_that_others_need(problems):
    """1 - 2 u w + q = 0, u = w, and q = 3 although it would follow u."""
    system = System(problems.single())
    found = steady_state(system, np.array([1.0, 1.0, 3.0]), np.array([False, False, True]))
    assert found.y == pytest.approx([np.sqrt(2.0), np.sqrt(2.0), 3.0], abs=1e-8)
    assert found.steps == 0


def test_a_steady_start_costs_nothing(problems):
    found = steady_state(System(problems.single()), np.ones(3), FREE)
    assert (found.steps, found.newton, found.days) == (0, 0, 0.0)


def test_no_steady_state(problems):
    """u' = 1 - 0 u: grows without bound."""

    class Growing(problems.Cubic):
        loss = 0.0

    with pytest.raises(ComputationStopped, match="no steady state within 50 days"):
        steady_state(System(problems.single(Growing)), np.ones(3), FREE, longest=50.0)
