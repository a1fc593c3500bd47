# SPDX-License-Identifier: LGPL-3.0-or-later
"""Flexible GMRES with the multigrid preconditioner: tight tolerances, mesh-independent work."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import System

# three populations whose diffusivities span four decades, coupled to each other
J = np.array([[-1.0, 0.5, 0.2], [0.3, -2.0, 0.5], [0.1, 0.7, -1.5]])
D = np.array([1e-3, 0.1, 10.0])


@pytest.fixture
def coupled(problems):
    return lambda n, factor=1.0: System(problems.square(n, problems.linear(J, J, 3), factor * D))


def right_side(system, seed=0):
    x = np.random.default_rng(seed).normal(size=system.size)
    return x


@pytest.mark.parametrize(("factor", "tolerance"), [(1e-4, 1e-12), (1.0, 1e-12), (1e4, 1e-8)])
def test_converges_to_round_off(coupled, factor, tolerance):
    """Diffusivities over four decades; where they are huge, round-off of D K x is the limit."""
    system = coupled(20, factor)
    r, x, f = right_side(system), system.vector(), system.vector()
    assert system.prepare(0.0, r, 1.0)
    done = system.solve(r, x, np.ones(3), tolerance)
    system.rate(0.0, x, f)  # linear: f = J x
    assert done.converged
    assert system.norms(r - x + f).max() < 2 * tolerance
    assert system.norms(r).min() > 0.5


def test_work_does_not_grow_with_the_mesh(coupled):
    iterations = {}
    for n in (16, 32, 64):
        system = coupled(n)
        r, x = right_side(system), system.vector()
        assert system.prepare(0.0, r, 1.0)
        done = system.solve(r, x, np.ones(3), 1e-6)
        assert done.converged
        iterations[n] = done.iterations
    assert max(iterations.values()) <= 14
    assert iterations[64] <= iterations[16] + 4


def test_zero_right_side_needs_no_iteration(coupled):
    system = coupled(6)
    x = np.ones(system.size)
    assert system.prepare(0.0, x, 1.0)
    done = system.solve(system.vector(), x, np.ones(3), 1e-12)
    assert (done.iterations, done.residual, done.converged) == (0, 0.0, True)
    assert not x.any()


def residual(system, c, r, x):
    f = system.vector()
    system.rate(0.0, x, f)
    return system.norms(r - c * x + f).max()


def test_small_basis_gives_the_same_solution(coupled):
    system = coupled(12)
    system._krylov.basis = 3
    r, x = right_side(system), system.vector()
    assert system.prepare(0.0, r, 1.0)
    done = system.solve(r, x, np.ones(3), 1e-9)
    assert done.converged
    assert done.iterations > 3
    assert residual(system, 1.0, r, x) < 1e-8


def test_basis_is_kept_for_the_same_matrix_only(coupled):
    """The stages of a step: a right side seen before costs nothing; a new matrix starts anew."""
    system = coupled(12)
    r, s, x = right_side(system), right_side(system, 1), system.vector()
    assert system.prepare(0.0, r, 1.0)
    first = system.solve(r, x, np.ones(3), 1e-8).iterations
    assert system.solve(r, x, np.ones(3), 1e-6).iterations == 0
    assert residual(system, 1.0, r, x) < 1e-5
    near = r + 1e-3 * s
    assert 0 < system.solve(near, x, np.ones(3), 1e-8).iterations < first
    assert residual(system, 1.0, near, x) < 1e-7
    assert system.prepare(0.0, r, 50.0)
    again = system.solve(r, x, np.ones(3), 1e-6)
    assert again.iterations > 0
    assert residual(system, 50.0, r, x) < 1e-5


def test_failure_is_told(coupled):
    system = coupled(12)
    r, x = right_side(system), system.vector()
    assert system.prepare(0.0, r, 1.0)
    system._krylov.limit, rescue, system.rescue = 2, system.rescue, None
    done = system.solve(r, x, np.ones(3), 1e-12)
    assert not done.converged
    assert done.residual > 0
    system.rescue = rescue
    r[0] = np.nan
    assert not system.solve(r, x, np.ones(3), 1e-12).converged


def test_mean_is_solved_for_where_single_precision_loses_it(coupled):
    """Diffusion over reaction of 10^8: without that, tens of iterations."""
    system = coupled(20, 1e4)
    r, x = right_side(system), system.vector()
    assert system.prepare(0.0, r, 1.0)
    assert system.solve(r, x, np.ones(3), 1e-4).iterations <= 12
    system.set_diffusivity(1e-4 * D)
    assert system.prepare(0.0, r, 1.0)
    assert not system.hierarchy._apart


def test_a_solve_that_halts_goes_on_in_double_precision(problems, monkeypatch):
    """A chain of six solutes, each of which makes the next: in single precision progress ends at 5e-4."""
    chain = -np.eye(6)
    chain[np.arange(1, 6), np.arange(5)] = 3.0
    system = System(problems.square(12, problems.linear(chain, chain, 6), np.logspace(-3, 1, 6)))
    krylov, r, x = system._krylov, right_side(system), system.vector()
    monkeypatch.setattr(krylov, "PATIENCE", 3)
    descend, parts = krylov._descend, []
    monkeypatch.setattr(krylov, "_descend", lambda *a: parts.append(descend(*a)) or parts[-1])
    assert system.prepare(0.0, r, 1.0)
    assert system.solve(r, x, np.ones(6), 1e-4).converged
    assert len(parts) == 2 and system.rescued == 0
    assert residual(system, 1.0, r, x).max() < 1e-4
