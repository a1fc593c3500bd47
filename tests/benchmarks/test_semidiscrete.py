# SPDX-License-Identifier: LGPL-3.0-or-later
"""What peers are given is the system that osteofield integrates."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.elimination import Elimination
from benchmarks.matrix import SparseMatrix
from benchmarks.osteoimmune.workload import CASE
from benchmarks.problem_w import problem_w
from benchmarks.semidiscrete import Semidiscrete
from benchmarks.workload import place

from osteofield.api import case_network, case_sample
from osteofield.case import load_case
from osteofield.integrator import System
from osteofield.kinetics import Kernels
from osteofield.parallel import world
from osteofield.tissue import build_tissue


def of_problem_w():
    workload = problem_w(6)
    tissue = workload.tissue()
    system = Semidiscrete(tissue.problem)
    return tissue, system, place(workload.start(tissue), tissue, system)


def with_bone():
    case = load_case(
        CASE,
        [
            'sample={shape={kind="sphere", size=["0.6 mm","0.6 mm","0.6 mm"], radius="0.2 mm"},'
            'cell_size="100 um"}',
            'focus=[{center=["0.1 mm","0.1 mm","0.1 mm"], radius="100 um", load="1000 CFU/mm^3"}]',
        ],
    )
    network = case_network(case)
    tissue = build_tissue(case_sample(case), network, Kernels(network), world())
    system = Semidiscrete(tissue.problem)
    scale = tissue.problem.scale
    rng = np.random.default_rng(0)
    y = system.spread(*np.split(scale, [tissue.problem.marrow_width]))
    return tissue, system, y * rng.uniform(0.5, 1.5, system.size)


@pytest.fixture(scope="module", params=[of_problem_w, with_bone])
def made(request):
    return request.param()


def direction(system):
    return np.random.default_rng(1).standard_normal(system.size)


def test_rates_are_those_of_the_integrator(made):
    tissue, system, y = made
    ours, theirs = np.zeros(system.size), np.zeros(system.size)
    System(tissue.problem).rate(0.0, y, ours)
    system.rate(0.0, y, theirs)
    np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-6 * np.abs(ours).max())


def test_product_is_the_derivative_of_the_rates(made):
    _, system, y = made
    v = direction(system) * y
    h, plus, minus = 1e-5, np.zeros(system.size), np.zeros(system.size)
    system.rate(0.0, y + h * v, plus)
    system.rate(0.0, y - h * v, minus)
    J, out = system.jacobian_store(), np.zeros(system.size)
    system.jacobian(0.0, y, J)
    system.product(J, v, out)
    slope = (plus - minus) / (2 * h)
    scale = np.abs(slope).max()
    np.testing.assert_allclose(out, slope, rtol=1e-4, atol=1e-7 * scale)


@pytest.mark.parametrize("dense", [True, False])
def test_matrix_is_shift_minus_jacobian(made, dense):
    _, system, y = made
    matrix = SparseMatrix(system, dense)
    J, v, expected = system.jacobian_store(), direction(system), np.zeros(system.size)
    system.jacobian(0.0, y, J)
    system.product(J, v, expected)
    matrix.update(J, 7.0)
    x, b = matrix.matrix.createVecs()
    matrix.to_matrix(v, x.array_w)
    matrix.matrix.mult(x, b)
    found = matrix.to_state(b.array_r, np.zeros(system.size))
    np.testing.assert_allclose(found, 7.0 * v - expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    together = np.sort(np.concatenate([matrix.local, matrix.diffusing]))
    np.testing.assert_array_equal(together, np.arange(system.size))


def test_preconditioner_is_nearly_the_inverse(made):
    _, system, y = made
    c = 100.0
    J, product = system.jacobian_store(), np.zeros(system.size)
    system.jacobian(0.0, y, J)
    elimination = Elimination(system)
    elimination.prepare(J, c)
    scale = system.spread(*np.split(system.problem.scale, [system.problem.marrow_width]))
    r = direction(system) * scale
    x, left = np.zeros(system.size), r.copy()
    before = np.linalg.norm(left / scale)
    for _ in range(20):
        z = np.zeros(system.size)
        elimination.solve(left, z)
        x += z
        system.product(J, x, product)
        left = r - x + product / c
    assert np.linalg.norm(left / scale) < 1e-3 * before
