# SPDX-License-Identifier: LGPL-3.0-or-later
"""RODAS4: order, dense output, rejections that leave no trace, conservation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from osteofield.errors import ComputationStopped
from osteofield.integrator import Rodas, StepControl, System
from osteofield.integrator.rodas import ALPHA, GAMMA, GAMMA_SUM, STAGES, WEIGHTS, A, C

END = 2.0
START = np.array([2.0, 0.5, 3.0])


def reference(system, times):
    def rate(t, y):
        out = system.vector()
        system.rate(t, np.ascontiguousarray(y), out)
        return out

    done = solve_ivp(rate, (0.0, END), START, "DOP853", times, rtol=1e-13, atol=1e-14)
    assert done.success
    return done.y.T


def fixed(system, h):
    """An integrator that takes steps of `h` whatever the error."""
    return Rodas(system, 0.0, START, StepControl(h, 1e-9, h), 1e6, 1e-20)


def observed_order(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


@pytest.mark.parametrize("kind", ["Cubic", "Driven"])
def test_order_four_and_dense_output(problems, kind):
    system = System(problems.single(getattr(problems, kind)))
    steps = [1 / 8, 1 / 16, 1 / 32, 1 / 64]
    times = np.linspace(0.0, END, 173)[1:-1]
    exact, end = reference(system, times), reference(system, [END])[0]
    at_end, between = [], []
    out = system.vector()
    for h in steps:
        r = fixed(system, h)
        worst, k = 0.0, 0
        while r.t < END:
            r.step(END)
            while k < len(times) and times[k] <= r.t:
                r.interpolate(times[k], out)
                worst = max(worst, np.abs(out - exact[k]).max())
                k += 1
        assert k == len(times)
        assert r.statistics.accepted == END / h
        at_end.append(np.abs(r.y - end).max())
        between.append(worst)
    assert observed_order(at_end).min() > 3.6
    assert observed_order(at_end)[-1] < 4.7
    assert observed_order(between).min() > 3.2  # interpolant of order 3, local error h^4
    assert between[-1] < 1e-5


def test_order_conditions_that_a_test_problem_may_miss():
    """Weights, nodes and L-stability in the untransformed coefficients (Hairer & Wanner IV.7)."""
    a, c = np.zeros((STAGES, STAGES)), np.zeros((STAGES, STAGES))
    for i in range(STAGES):
        a[i, : len(A[i])], c[i, : len(C[i])] = A[i], C[i]
    gamma = np.linalg.inv(np.eye(STAGES) / GAMMA - c)  # Gamma = (diag(1/gamma) - C)^-1
    alpha, b = a @ gamma, np.array(WEIGHTS) @ gamma
    nodes = alpha.sum(1)
    beta = (alpha + gamma).sum(1)
    assert nodes == pytest.approx(ALPHA, abs=1e-12)
    assert gamma.sum(1) == pytest.approx(GAMMA_SUM, abs=1e-12)
    assert b.sum() == pytest.approx(1.0, abs=1e-12)
    assert b @ beta == pytest.approx(1 / 2, abs=1e-12)
    assert b @ nodes**2 == pytest.approx(1 / 3, abs=1e-12)
    assert b @ (alpha + gamma) @ beta == pytest.approx(1 / 6, abs=1e-12)
    assert b @ nodes**3 == pytest.approx(1 / 4, abs=1e-12)
    assert (b * nodes) @ alpha @ beta == pytest.approx(1 / 8, abs=1e-12)
    assert b @ alpha @ nodes**2 + b @ gamma @ nodes**2 == pytest.approx(1 / 12, abs=1e-12)
    assert b @ (alpha + gamma) @ (alpha + gamma) @ beta == pytest.approx(1 / 24, abs=1e-12)
    infinity = 1 - b @ np.linalg.solve(alpha + gamma, np.ones(STAGES))  # R(infinity)
    assert abs(infinity) < 1e-12


def test_adaptive_error_follows_the_tolerance(problems):
    system = System(problems.single())
    exact = reference(system, [END])[0]
    found = []
    for tolerance in (1e-3, 1e-5, 1e-7):
        r = Rodas(system, 0.0, START, StepControl(1e-4, 1e-9), tolerance, 1e-3)
        while r.t < END:
            r.step(END)
        assert r.t == END
        found.append((np.abs(r.y - exact).max(), r.statistics.accepted))
        assert found[-1][0] < 3 * tolerance
    assert found[0][0] > 30 * found[2][0]
    assert found[0][1] < found[2][1]


def test_stiff_equilibrium_is_reached_in_long_steps(problems):
    """L-stability: a step 10^6 times longer than the fast time lands on the slow manifold."""
    J = np.array([[-1e6, 0.0], [1.0, -1.0]])
    system = System(problems.single(problems.linear(J, J, 1)))
    r = Rodas(system, 0.0, np.array([1.0, 1.0]), StepControl(1.0, 1e-9, 1.0), 1e6, 1e-20)
    r.step(1.0)
    assert abs(r.y[0]) < 1e-5
    assert r.y[1] == pytest.approx(np.exp(-1.0), abs=2e-3)


def test_a_rejected_step_leaves_no_trace(problems):
    """State, time, ledger and the interpolant of the last step survive failed attempts."""
    system = System(problems.square(6))
    y = np.random.default_rng(1).uniform(0.5, 1.5, system.size)
    given = y.copy()
    r = Rodas(system, 0.0, y, StepControl(1e-3, 1e-9), 1e-6)
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


def test_result_does_not_depend_on_failed_attempts(problems):
    system = System(problems.square(6))
    y = np.random.default_rng(2).uniform(0.5, 1.5, system.size)
    r = Rodas(system, 0.0, y, StepControl(0.5, 1e-9), 1e-6)
    r.step(10.0)
    assert r.statistics.rejected_error > 0
    s = Rodas(system, 0.0, y, StepControl(r.t, 1e-9), 1e-6)
    s.step(10.0)
    assert s.t == r.t
    assert s.statistics.rejected == 0
    assert np.array_equal(s.y, r.y)
    assert np.array_equal(s.ledger, r.ledger)


def test_negative_values_are_rejected_down_to_the_floor(problems):
    """w' = -1 is integrated exactly, so that only the sign can stop it at w = 0."""
    system = System(problems.single(problems.Constant))
    r = Rodas(system, 0.0, np.array([1.0, 0.5, 1.0]), StepControl(0.2, 1e-4), 1e-3)
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


def test_signed_populations_may_be_negative(problems):
    problem = problems.single(problems.Constant)
    problem.signed[1] = True
    r = Rodas(System(problem), 0.0, np.array([1.0, 0.5, 1.0]), StepControl(0.2, 1e-4), 1e-3)
    while r.t < 2.0:
        r.step(2.0)
    assert r.y == pytest.approx([1.0, -1.5, 1.0])
    assert r.statistics.rejected == 0


def test_nan_ends_in_a_reason_not_in_a_state(problems):
    class Broken(problems.Cubic):
        def rates(self, t, node, ym, ys, a, g, x, fm, fs):
            super().rates(t, node, ym, ys, a, g, x, fm, fs)
            if t > 0.3:
                fm[node, 1] = np.nan

    system = System(problems.single(Broken))
    r = Rodas(system, 0.0, START, StepControl(0.1, 1e-3), 1e-3)

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
def test_ledger_closes_to_round_off(problems, kind, exchange):
    """Amount gained = integral of reactions and boundary flux, at steps and between them."""
    system = System(problems.square(10, getattr(problems, kind), 3.0, exchange=exchange, far=2.0))
    y = np.random.default_rng(3).uniform(0.5, 1.5, system.size)
    start, out = system.totals(y), system.vector()
    r = Rodas(system, 0.0, y, StepControl(1e-3, 1e-9), 1e-3, 1e-10)
    while r.t < 1.0:
        t = r.t
        r.step(1.0)
        for when in (t + 0.3 * (r.t - t), r.t):
            integral = r.interpolate(when, out)
            assert np.abs(system.totals(out) - start - integral).max() < 1e-12
    assert r.statistics.accepted > 5
    assert np.abs(system.totals(r.y) - start).max() > 0.01


def test_ledger_shows_a_loose_linear_solve(problems):
    """The residual is a measurement: it grows with the linear tolerance."""
    residual = []
    for linear in (1.0, 1e-10):
        system = System(problems.square(16, problems.Cubic, 3.0))
        y = np.random.default_rng(3).uniform(0.5, 1.5, system.size)
        r = Rodas(system, 0.0, y, StepControl(1e-2, 1e-9), 1e-2, linear)
        while r.t < 1.0:
            r.step(1.0)
        residual.append(np.abs(system.totals(r.y) - system.totals(y) - r.ledger).max())
    assert residual[0] > 1e3 * residual[1]


def test_restart_takes_a_state_changed_from_outside(problems):
    system = System(problems.single())
    r = Rodas(system, 0.0, START, StepControl(0.5, 1e-9), 1e-3)
    r.step(1.0)
    changed = r.y * 0.5
    r.restart(changed, 1e-3)
    assert r.control.step <= 1e-3
    t = r.t
    r.step(1.0)
    assert r.t - t <= 1e-3
    assert np.abs(r.y - changed).max() < 0.02


def test_stop_is_hit_exactly(problems):
    system = System(problems.single())
    r = Rodas(system, 0.0, START, StepControl(0.01, 1e-9), 1e-3)
    for stop in (0.1, 1 / 3, 0.7, 1.1):
        while r.t < stop:
            r.step(stop)
        assert r.t == stop
