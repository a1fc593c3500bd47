# SPDX-License-Identifier: LGPL-3.0-or-later
"""What every method of integration promises: accuracy, no trace of rejections, conservation, resuming."""

from __future__ import annotations

import json

import numpy as np
import pytest

from osteofield.errors import ComputationStopped
from osteofield.integrator import METHODS, Bdf, StepControl, System

from .conftest import END, START, reference


@pytest.fixture(params=list(METHODS))
def method(request):
    return METHODS[request.param]


def test_adaptive_error_follows_the_tolerance(method, problems):
    system = System(problems.single())
    exact = reference(system, [END])[0]
    found = []
    for tolerance in (1e-3, 1e-5, 1e-7):
        r = method(system, 0.0, START, StepControl(1e-4, 1e-9), tolerance, 1e-3)
        while r.t < END:
            r.step(END)
        assert r.t == END
        found.append((np.abs(r.y - exact).max(), r.statistics.accepted))
        assert found[-1][0] < 3 * tolerance
    assert found[0][0] > 30 * found[2][0]
    assert found[0][1] < found[2][1]


def test_stiff_equilibrium_is_reached_in_long_steps(method, problems):
    """L-stability: a step 10^6 times longer than the fast time lands on the slow manifold."""
    J = np.array([[-1e6, 0.0], [1.0, -1.0]])
    system = System(problems.single(problems.linear(J, J, 1)))
    r = method(system, 0.0, np.array([1.0, 1.0]), StepControl(1.0, 1e-9, 1.0), 1e6, 1e-20)
    r.step(1.0)
    assert abs(r.y[0]) < 1e-5
    assert r.y[1] == pytest.approx(np.exp(-1.0), abs=2e-3)


def test_a_rejected_step_leaves_no_trace(method, problems):
    """State, time, ledger and the interpolant of the last step survive failed attempts."""
    system = System(problems.square(6))
    y = np.random.default_rng(1).uniform(0.5, 1.5, system.size)
    given = y.copy()
    r = method(system, 0.0, y, StepControl(1e-3, 1e-9), 1e-6)
    rejected = 0
    for _ in range(25):
        before, t, ledger = r.y.copy(), r.t, r.ledger.copy()
        if r.statistics.accepted % 4 == 3:
            r.control.step = 0.5  # far too long
        r.step(10.0)
        out = system.vector()
        assert np.array_equal(r.interpolate(t, out), ledger)
        assert np.array_equal(out, before)
        r.interpolate(r.t, out)
        assert np.array_equal(out, r.y)
        rejected = r.statistics.rejected_error
    assert rejected >= 6
    assert np.array_equal(y, given)


def test_result_does_not_depend_on_failed_attempts(method, problems):
    system = System(problems.square(6))
    y = np.random.default_rng(2).uniform(0.5, 1.5, system.size)
    r = method(system, 0.0, y, StepControl(0.5, 1e-9), 1e-6)
    r.step(10.0)
    assert r.statistics.rejected_error > 0
    s = method(system, 0.0, y, StepControl(r.t, 1e-9), 1e-6)
    s.step(10.0)
    assert s.t == r.t
    assert s.statistics.rejected == 0
    assert np.array_equal(s.y, r.y)
    assert np.array_equal(s.ledger, r.ledger)


def test_negative_values_are_rejected_down_to_the_floor(method, problems):
    """w' = -1 is integrated exactly, so that only the sign can stop it at w = 0."""
    system = System(problems.single(problems.Constant))
    r = method(system, 0.0, np.array([1.0, 0.5, 1.0]), StepControl(0.2, 1e-4), 1e-3)
    last = []

    def go():
        for _ in range(100):
            last[:] = r.y.copy(), r.t, r.ledger.copy(), r.statistics.accepted
            r.step(10.0)

    with pytest.raises(ComputationStopped, match=r"below 0\.0001 day.*negative: population 1") as stopped:
        go()
    y, t, ledger, accepted = last
    assert f"at day {t:.6g} " in str(stopped.value)
    assert r.t == t == pytest.approx(0.5, abs=2e-3)
    assert np.array_equal(r.y, y)
    assert np.array_equal(r.ledger, ledger)
    assert r.statistics.accepted == accepted
    assert r.statistics.rejected_negative > 3
    assert r.statistics.rejected_error == r.statistics.rejected_solve == 0
    assert -1e-3 <= r.y[1] < 2e-3


def test_signed_populations_may_be_negative(method, problems):
    problem = problems.single(problems.Constant)
    problem.signed[1] = True
    r = method(System(problem), 0.0, np.array([1.0, 0.5, 1.0]), StepControl(0.2, 1e-4), 1e-3)
    while r.t < 2.0:
        r.step(2.0)
    assert r.y == pytest.approx([1.0, -1.5, 1.0])
    assert r.statistics.rejected == 0


def test_nan_ends_in_a_reason_not_in_a_state(method, problems):
    class Broken(problems.Cubic):
        def rates(self, t, node, ym, ys, a, g, x, fm, fs):
            super().rates(t, node, ym, ys, a, g, x, fm, fs)
            if t > 0.3:
                fm[node, 1] = np.nan

    system = System(problems.single(Broken))
    r = method(system, 0.0, START, StepControl(0.1, 1e-3), 1e-3)

    def go():
        while r.t < 1.0:
            r.step(1.0)

    with pytest.raises(ComputationStopped, match="solve: "):
        go()
    assert r.t <= 0.3
    assert np.isfinite(r.y).all()
    assert r.statistics.rejected_solve > 2


@pytest.mark.parametrize("kind", ["Cubic", "Driven"])
@pytest.mark.parametrize("exchange", [None, 0.7])
def test_ledger_closes_to_round_off(method, problems, kind, exchange):
    """Amount gained = integral of reactions and boundary flux, at steps and between them."""
    system = System(problems.square(10, getattr(problems, kind), 3.0, exchange=exchange, far=2.0))
    y = np.random.default_rng(3).uniform(0.5, 1.5, system.size)
    start, out = system.totals(y), system.vector()
    r = method(system, 0.0, y, StepControl(1e-3, 1e-9), 1e-3, 1e-10)
    while r.t < 1.0:
        t = r.t
        r.step(1.0)
        for when in (t + 0.3 * (r.t - t), r.t):
            integral = r.interpolate(when, out)
            assert np.abs(system.totals(out) - start - integral).max() < 2e-11
    assert r.statistics.accepted > 5
    assert np.abs(system.totals(r.y) - start).max() > 0.01


def test_ledger_shows_a_loose_linear_solve(method, problems):
    """The residual is a measurement: it grows with the linear tolerance."""
    residual = []
    for linear in (1.0, 1e-10):
        system = System(problems.square(16, problems.Cubic, 3.0))
        y = np.random.default_rng(3).uniform(0.5, 1.5, system.size)
        r = method(system, 0.0, y, StepControl(1e-2, 1e-9), 1e-2, linear)
        while r.t < 1.0:
            r.step(1.0)
        residual.append(np.abs(system.totals(r.y) - system.totals(y) - r.ledger).max())
    assert residual[0] > 1e3 * residual[1]


def test_restart_takes_a_state_changed_from_outside(method, problems):
    system = System(problems.single())
    r = method(system, 0.0, START, StepControl(0.5, 1e-9), 1e-3)
    r.step(1.0)
    changed = r.y * 0.5
    r.restart(changed, 1e-3)
    assert r.control.step <= 1e-3
    t = r.t
    r.step(1.0)
    assert r.t - t <= 1e-3
    assert np.abs(r.y - changed).max() < 0.02


def test_stop_is_hit_exactly(method, problems):
    system = System(problems.single())
    r = method(system, 0.0, START, StepControl(0.01, 1e-9), 1e-3)
    for stop in (0.1, 1 / 3, 0.7, 1.1):
        while r.t < stop:
            r.step(stop)
        assert r.t == stop


def test_a_resumed_run_is_the_same_bit_by_bit(method, problems):
    """Also when the facts went through JSON, from any step on, the first one included."""
    one, other = (System(problems.square(12, problems.Driven)) for _ in range(2))
    y = np.random.default_rng(5).uniform(0.5, 1.5, one.size)
    ages = set()
    for steps in (0, 1, 2, 5, 12, 13, 14, 15):
        r = method(one, 0.0, y, StepControl(1e-3, 1e-9), 1e-4)
        for _ in range(steps):
            r.step(5.0)
        facts, blocks = json.loads(json.dumps((r.state, one.reuse.state)))
        s = method(other, 0.0, np.zeros(one.size), StepControl(1.0, 1e-9), 1e-4)
        s.state = facts
        s.ledgers = r.ledgers
        for here, there in zip(s.states, r.states, strict=True):
            here[:] = there
        if blocks:
            other.reuse.recall(blocks, lambda: copy(one.reuse.arrays, other.reuse.arrays))
            ages.add(blocks["age"])
        assert s.t == r.t
        for _ in range(8):
            r.step(5.0)
            s.step(5.0)
            assert other.iterations == one.iterations and other.reuse.made == one.reuse.made
            assert s.t == r.t
            assert np.array_equal(s.y, r.y)
            assert np.array_equal(s.ledger, r.ledger)
    assert ages >= {0, 1, 2} if method is Bdf else not ages


def copy(arrays, to):
    for there, here in zip(arrays, to, strict=True):
        here[:] = there


def test_undone_steps_are_forgotten(method, problems):
    """The step taken back may be the first one, or any other; a shorter one ends where it is asked to."""
    system = System(problems.square(6))
    y = np.random.default_rng(6).uniform(0.5, 1.5, system.size)
    for steps in (0, 1, 7):
        r = method(system, 0.0, y, StepControl(1e-2, 1e-9), 1e-4)
        for _ in range(steps):
            r.step(10.0)
        t, state, ledger, accepted = r.t, r.y.copy(), r.ledger.copy(), r.statistics.accepted
        before = r.state
        r.step(10.0)
        r.take_back(before)
        assert r.state == before or r.order == 0  # the counts, too, are those of before
        r.step(10.0)
        after = r.span[1]
        inside, out = 0.4 * t + 0.6 * after, system.vector()
        r.interpolate(inside, out)
        r.undo()
        assert (r.t, r.statistics.accepted) == (t, accepted)
        assert np.array_equal(r.y, state) and np.array_equal(r.ledger, ledger)
        r.step(inside)
        assert r.t == inside
        assert r.y == pytest.approx(out, abs=1e-4)
