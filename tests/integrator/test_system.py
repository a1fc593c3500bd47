# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rates, norms and solves of the semi-discrete system against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import Rodas, StepControl, System

RNG = np.random.default_rng(4)
INSIDE, SURFACE = RNG.normal(size=(4, 4)), RNG.normal(size=(6, 6))


def dense_stiffness(problem):
    k, n = problem.local, len(problem.volumes)
    out = np.zeros((n, n))
    rows = np.repeat(np.arange(n), np.diff(k.indptr))
    out[rows, k.indices] = k.values
    return out


@pytest.fixture
def random(problems):
    """Two diffusing populations, two local, two on the surface, random J everywhere."""
    problem = problems.square(5, problems.linear(INSIDE, SURFACE, 2), np.array([0.02, 3.0]))
    return System(problem)


def test_rate_is_reaction_plus_diffusion(random):
    p = random.problem
    y = RNG.normal(size=random.size)
    f = random.vector()
    random.rate(0.0, y, f)
    ym, ys = random.marrow(y), random.surface(y)
    wanted = np.zeros_like(ym)
    wanted[p.inside.node] = ym[p.inside.node] @ INSIDE.T
    at_bone = np.concatenate([ym[p.surface.node], ys], axis=1) @ SURFACE.T
    wanted[p.surface.node] = at_bone[:, :4]
    reaction = np.concatenate([p.volumes @ wanted, p.surface.weight @ at_bone[:, 4:]])
    wanted[:, :2] -= dense_stiffness(p) @ ym[:, :2] * p.diffusivity / p.volumes[:, None]
    assert random.marrow(f) == pytest.approx(wanted, rel=1e-11, abs=1e-11)
    assert random.surface(f) == pytest.approx(at_bone[:, 4:], rel=1e-12)
    assert random.reaction == pytest.approx(reaction, rel=1e-12)


@pytest.mark.parametrize("c", [5.0, 40.0, 1e4])
def test_solve_is_that_of_the_dense_matrix(random, jacobian, c):
    y, r, x = RNG.normal(size=random.size), RNG.normal(size=random.size), random.vector()
    J = jacobian(random, y, step=0.5)  # linear: differences are exact
    assert random.prepare(0.0, y, c)
    done = random.solve(r, x, np.ones(6), 1e-14 * c)
    assert done.converged
    wanted = np.linalg.solve(c * np.eye(random.size) - J, r)
    assert np.abs(x - wanted).max() < 1e-9 * np.abs(wanted).max()


def test_jacobian_of_a_nonlinear_problem(problems, jacobian):
    """(c I - J) x = r is solved with J at the state given, open boundary included."""
    system = System(problems.square(4, problems.Driven, 0.3, exchange=1.5))
    y, r, x = RNG.uniform(0.5, 1.5, system.size), RNG.normal(size=system.size), system.vector()
    assert system.prepare(0.7, y, 3.0)
    assert system.solve(r, x, np.ones(3), 1e-13).converged
    J = jacobian(system, y, 0.7)
    assert 3.0 * x - J @ x == pytest.approx(r, abs=1e-7)


def test_residual_is_met_in_units_of_the_right_side(problems):
    """The tolerance is the root-mean-square residual of r over the scale of each population."""
    system = System(problems.square(16, problems.Cubic, 5.0))
    y, r, x = np.ones(system.size), RNG.normal(size=system.size), system.vector()
    scale = np.array([10.0, 1.0, 1.0])
    assert system.prepare(0.0, y, 2.0)
    for tolerance in (1e-1, 1e-4, 1e-8):
        done = system.solve(r, x, scale, tolerance)
        f0, f1, step = system.vector(), system.vector(), 1e-6
        system.rate(0.0, y - step * x, f0)
        system.rate(0.0, y + step * x, f1)
        left = system.norms(r - 2.0 * x + (f1 - f0) / (2 * step))[0] / scale[0]
        assert done.converged
        assert left < 3 * tolerance + 1e-8


def test_set_diffusivity_changes_rates_and_solves(problems):
    kernel = problems.linear(INSIDE, SURFACE, 2)
    changed = System(problems.square(6, kernel, np.array([0.02, 3.0])))
    fresh = System(problems.square(6, kernel, np.array([7.0, 0.1])))
    y, r = RNG.normal(size=fresh.size), RNG.normal(size=fresh.size)
    before = changed.vector()
    changed.rate(0.0, y, before)
    changed.set_diffusivity(np.array([7.0, 0.1]))
    results = []
    for s in (changed, fresh):
        f, x = s.vector(), s.vector()
        s.rate(0.0, y, f)
        assert s.prepare(0.0, y, 20.0)
        done = s.solve(r, x, np.ones(6), 1e-12)
        results.append((f, x, done.iterations))
    assert np.array_equal(results[0][0], results[1][0])
    assert np.array_equal(results[0][1], results[1][1])
    assert results[0][2] == results[1][2]
    assert not np.allclose(before, results[0][0])


def test_norms_totals_lowest_largest(random):
    p, y = random.problem, RNG.normal(size=random.size)
    ym, ys = random.marrow(y), random.surface(y)
    assert random.marrow_volume == pytest.approx(1.0)
    assert random.surface_area == pytest.approx(1.0)
    wanted = np.concatenate([p.volumes @ ym, p.surface.weight @ ys])
    assert random.totals(y) == pytest.approx(wanted, rel=1e-12)
    wanted = np.sqrt(np.concatenate([p.volumes @ ym**2, p.surface.weight @ ys**2]))
    assert random.norms(y) == pytest.approx(wanted, rel=1e-12)
    assert np.array_equal(random.lowest(y), np.concatenate([ym.min(0), ys.min(0)]))
    assert np.array_equal(random.largest(y), np.concatenate([abs(ym).max(0), abs(ys).max(0)]))
    ys[0, 1] = np.nan
    assert random.lowest(y)[5] == -np.inf


def test_open_boundary_empties_a_uniform_field_like_the_ode(problems):
    """So fast a diffusion that u stays uniform: u' = kappa (perimeter/area) (far - u)."""
    zero = problems.linear(np.zeros((1, 1)), np.zeros((1, 1)), 1)
    system = System(problems.square(8, zero, 1e7, exchange=0.25, far=2.0))
    r = Rodas(system, 0.0, np.full(system.size, 5.0), StepControl(1e-3, 1e-9), 1e-6, 1e-3)
    while r.t < 1.5:
        r.step(1.5)
    wanted = 2.0 + 3.0 * np.exp(-4 * 0.25 * 1.5)
    assert r.y == pytest.approx(np.full(system.size, wanted), rel=3e-6)


def test_open_boundary_is_in_balance_with_its_surroundings(problems):
    zero = problems.linear(np.zeros((1, 1)), np.zeros((1, 1)), 1)
    system = System(problems.square(5, zero, 2.0, exchange=0.25, far=2.0))
    f = np.ones(system.size)
    system.rate(0.0, np.full(system.size, 2.0), f)
    assert np.abs(f).max() < 1e-12
    system.rate(0.0, np.full(system.size, 3.0), f)
    assert system.totals(f)[0] == pytest.approx(-0.25 * 4.0)


def test_roundoff_of_diffusion(problems):
    """A constant field is at rest exactly; round-off of its values makes rates that scale with D/h^2."""
    zero = problems.linear(np.zeros((1, 1)), np.zeros((1, 1)), 1)
    for diffusivity in (1e3, 1e9):
        system = System(problems.square(20, zero, diffusivity))
        y, f = np.full(system.size, 0.7), np.zeros(system.size)
        system.rate(0.0, y, f)
        assert not f.any()
        y += np.spacing(0.7) * RNG.integers(-1, 2, system.size)
        system.rate(0.0, y, f)
        assert 0 < np.abs(f).max() < system.roundoff(y) < 1e3 * np.abs(f).max()
