# SPDX-License-Identifier: LGPL-3.0-or-later
"""Hard linear systems: bounded work, and stronger solvers where the usual one fails."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import Bdf, StepControl, System
from osteofield.integrator.rescue import Rescue

J = np.array([[-1.0, 0.5, 0.2], [0.3, -2.0, 0.5], [0.1, 0.7, -1.5]])


def residual(system, c, r, x):
    f = system.vector()
    system.rate(0.0, x, f)
    return system.norms(r - c * x + f).max()


def hard(problems, n=12, exchange=None):
    """A system whose usual solver gives up after two iterations, and that has all it needs, as in a run."""
    system = System(problems.square(n, problems.linear(J, J, 3), 0.3, exchange=exchange, far=1.0))
    system._krylov.limit = 2
    system.problem.local.let_go()
    assert system.problem.local.rows == len(system.problem.volumes) and not system.problem.local.values.size
    return system


@pytest.mark.parametrize("exchange", [None, 0.7])
@pytest.mark.parametrize("small", [10**6, 0], ids=["direct", "patient"])
def test_a_solve_that_fails_is_rescued(problems, monkeypatch, small, exchange):
    monkeypatch.setattr(Rescue, "SMALL", small)
    system = hard(problems, exchange=exchange)
    r, x = np.random.default_rng(0).normal(size=system.size), system.vector()
    assert system.prepare(0.0, r, 1.0)
    done = system.solve(r, x, np.ones(3), 1e-11)
    assert done.converged and system.rescued == 1
    flux = system.vector()  # of the far field, which does not belong to J
    system.rate(0.0, system.vector(), flux)
    assert residual(system, 1.0, r - flux, x) < 1e-10


@pytest.mark.parametrize("small", [10**6, 0], ids=["direct", "patient"])
def test_a_rescue_leaves_no_more_than_its_share(problems, monkeypatch, small):
    """However much the tolerance would allow."""
    monkeypatch.setattr(Rescue, "SMALL", small)
    system = hard(problems)
    r, x = np.random.default_rng(0).normal(size=system.size), system.vector()
    assert system.prepare(0.0, r, 1.0)
    assert system.solve(r, x, np.ones(3), np.inf, 1e-6).converged and system.rescued == 1
    assert residual(system, 1.0, r, x) < 1e-5 * system.norms(r).max()


def test_patience_survives_a_poor_preconditioner(problems, monkeypatch):
    """Without a hierarchy worth the name minimal residuals still arrive."""
    monkeypatch.setattr(Rescue, "SMALL", 0)
    system = hard(problems)
    cycle = system.hierarchy.cycle
    monkeypatch.setattr(system.hierarchy, "cycle", lambda b: 0.3 * cycle(b))
    r, x = np.random.default_rng(0).normal(size=system.size), system.vector()
    assert system.prepare(0.0, r, 1.0)
    assert system.solve(r, x, np.ones(3), 1e-9).converged
    assert residual(system, 1.0, r, x) < 1e-8


def test_what_is_not_finite_is_not_rescued(problems):
    system = hard(problems)
    r, x = np.ones(system.size), system.vector()
    assert system.prepare(0.0, r, 1.0)
    r[0] = np.nan
    assert not system.solve(r, x, np.ones(3), 1e-9).converged


def test_no_step_is_cut_where_a_stronger_solver_helps(problems):
    """The same steps as with a solver that works, and none rejected."""
    found = {}
    for limit in (80, 0):
        system = System(problems.square(8))
        system._krylov.limit = limit
        y = np.random.default_rng(1).uniform(0.5, 1.5, system.size)
        r = Bdf(system, 0.0, y, StepControl(1e-3, 1e-9), 1e-4)
        while r.t < 1.0:
            r.step(1.0)
        assert r.statistics.rejected_solve == 0
        assert (system.rescued > 0) == (limit == 0)
        found[limit] = r.y, r.statistics.accepted
    assert found[0][0] == pytest.approx(found[80][0], abs=1e-4)
    assert abs(found[0][1] - found[80][1]) <= 2


@pytest.mark.parametrize("apart", [1.0, 1e4])
@pytest.mark.parametrize("stretch", [1.0, 200.0], ids=["square", "slivers"])
def test_diffusivities_far_apart_and_slivers_keep_iterations_bounded(problems, apart, stretch):
    """Cells two hundred times as long as wide, diffusivities of 10^4: usual solves, without a rescue."""
    D = np.array([0.01, 0.1, 0.01 * apart])
    system = System(problems.square(24, problems.linear(J, J, 3), D, stretch=stretch))
    r, x = np.random.default_rng(0).normal(size=system.size), system.vector()
    for c in (1e4, 100.0, 1.0, 0.01):
        assert system.prepare(0.0, r, c)
        done = system.solve(r, x, np.ones(3), 1e-4)
        assert done.converged and done.iterations <= 40, c
    assert system.rescued == 0


def test_thirteen_solutes(problems):
    """Bound to each other in a ring, rates over five decades."""
    n = 13
    matrix = -np.diag(10.0 ** np.linspace(-1, 4, n))
    for k in range(n):
        matrix[k, (k + 1) % n] = 0.3 * abs(matrix[k, k])
    system = System(problems.square(16, problems.linear(matrix, matrix, n), np.linspace(0.1, 3.0, n)))
    r, x = np.random.default_rng(0).normal(size=system.size), system.vector()
    for c in (1e4, 1.0):
        assert system.prepare(0.0, r, c)
        done = system.solve(r, x, np.ones(n), 1e-5)
        assert done.converged and done.iterations <= 24
    assert system.rescued == 0
