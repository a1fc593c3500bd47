# SPDX-License-Identifier: LGPL-3.0-or-later
"""RODAS4: order and dense output."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import Rodas, StepControl, System
from osteofield.integrator.rodas import ALPHA, GAMMA, GAMMA_SUM, STAGES, WEIGHTS, A, C

from .conftest import END, START, reference


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
