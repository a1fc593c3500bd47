# SPDX-License-Identifier: LGPL-3.0-or-later
"""Elimination of local unknowns against dense numpy."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator.blocks import blocks, padded_rows
from osteofield.integrator.elimination import Couplings, Elimination
from osteofield.integrator.pattern import Pattern

SIZES = [(0, 2, 1), (0, 0, 3), (1, 1, 0), (1, 2, 1), (2, 4, 3), (5, 6, 2), (9, 16, 6), (17, 18, 1)]
C = 4.0


class Case:
    """Random non-zeros and a random Jacobian at `n` points, in no order."""

    def __init__(self, sizes, on_surface, n=19, seed=0, fill=0.4):
        rng = np.random.default_rng(seed)
        self.nd, self.nm, self.ns = sizes
        self.size = self.nm + (self.ns if on_surface else 0)
        keep = (rng.random((self.size, self.size)) < fill) | np.eye(self.size, dtype=bool)
        self.rows, self.cols = np.nonzero(keep)
        self.node = rng.permutation(n + 3)[:n].astype(np.int32)
        self.volumes = rng.uniform(0.5, 2.0, n + 3)
        self.blocks = blocks(*sizes)
        pattern = Pattern(self.rows, self.cols, self.nd, self.size)
        self.elimination = Elimination(pattern, self.node, self.blocks)
        self.elimination.J[:] = rng.normal(size=self.elimination.J.shape)
        self.W = np.tile(C * np.eye(self.size), (n, 1, 1))
        self.W[:, self.rows, self.cols] -= self.elimination.J
        self.single, self.whole = padded_rows(n + 3, self.nd**2), np.zeros((n + 3, self.nd**2))
        self.found = Couplings(self.nd)

    def factor(self, whole=True):
        return self.elimination.factor(
            C, self.volumes, self.single, self.whole if whole else None, self.found
        )


@pytest.mark.parametrize("on_surface", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_elimination_is_exact(sizes, on_surface):
    case = Case(sizes, on_surface)
    nd, nm, ns, n, rng = *sizes, len(case.node), np.random.default_rng(5)
    assert case.factor() == 0
    W, node, volumes = case.W, case.node, case.volumes
    S = case.whole.reshape(n + 3, nd, nd).transpose(0, 2, 1)  # column major
    exact = W[:, :nd, :nd] - W[:, :nd, nd:] @ np.linalg.solve(W[:, nd:, nd:], W[:, nd:, :nd])
    exact *= volumes[node, None, None]
    assert S[node] == pytest.approx(exact, rel=1e-9, abs=1e-9)
    assert case.single == pytest.approx(case.whole, rel=1e-6, abs=1e-9)
    assert not S[np.setdiff1d(np.arange(n + 3), node)].any()
    assert case.found.total == pytest.approx(exact.sum(axis=0), rel=1e-9, abs=1e-9)
    for i, j in zip(*np.triu_indices(nd, 1), strict=True):
        wanted = np.abs(exact[:, i, j] * exact[:, j, i] / (exact[:, i, i] * exact[:, j, j])).max()
        assert case.found.strongest[i, j] == pytest.approx(wanted, rel=1e-7, abs=1e-12)
        assert case.found.strongest[j, i] == case.found.strongest[i, j]

    rm, rs = rng.normal(size=(n + 3, nm)), rng.normal(size=(n, ns if on_surface else 0))
    right = np.concatenate([rm[node], rs], axis=1)
    b, x = np.zeros((n + 3, nd)), np.zeros((n + 3, nd))
    case.elimination.reduce(volumes, rm, rs, b)
    x[node] = np.linalg.solve(S[node], b[node, :, None])[:, :, 0]
    case.elimination.expand(x, rm, rs)
    found = np.concatenate([rm[node], rs], axis=1)
    assert found == pytest.approx(np.linalg.solve(W, right[:, :, None])[:, :, 0], rel=1e-8, abs=1e-8)


def test_double_precision_is_left_alone_where_nobody_asks_for_it():
    case = Case((2, 4, 0), False)
    assert case.factor(whole=False) == 0
    assert not case.whole.any()
    single = case.single.copy()
    case.factor()
    assert np.array_equal(single, case.single)


@pytest.mark.parametrize("value", [C, np.nan, np.inf, -np.inf])
def test_a_local_block_without_a_pivot_is_counted(value):
    """W_ll = 0 or not finite at two of nineteen points."""
    case = Case((1, 2, 0), False, fill=1.0)
    case.elimination.J[[3, 18], 3] = value
    assert case.factor() == 2


def test_a_pivot_that_cancels_is_counted():
    """Two local unknowns whose equations are the same but for round-off; and one that is merely small."""
    case = Case((0, 2, 0), False, fill=1.0)
    J = case.elimination.J
    J[:] = 0.0
    J[4] = -1e9, 1e9 + C, 1e9 + C, -1e9  # W = 1e9 + C times [[1, -1], [-1, 1]]
    J[5] = C - 1e-6, 0.0, 0.0, 0.0
    assert case.factor() == 1


def test_coupling_does_not_depend_on_units():
    S = np.array([[4.0, 2.0, 0.0], [1.0, 1.0, 5.0], [0.0, 0.0, 2.0]])  # 0 and 1 bind; 2 acts on 1 only
    units = np.diag([1.0, 1e6, 1e-3])
    for scaled in (S, units @ S @ np.linalg.inv(units)):
        case = Case((3, 3, 0), False, fill=1.0)
        case.elimination.J[:] = (C * np.eye(3) - scaled).ravel()
        assert case.factor() == 0
        assert case.found.strongest == pytest.approx(np.array([[0.0, 0.5, 0.0], [0.5, 0.0, 0.0], [0.0] * 3]))


def test_few_entries_are_filled():
    """A star of local unknowns around one of them: its centre has to come last."""
    n = 9
    keep = np.eye(n, dtype=bool)
    keep[4], keep[:, 4] = True, True
    pattern = Pattern(*np.nonzero(keep), 0, n)
    assert 4 in [p.unknown for p in pattern.pivots[-2:]]
    assert pattern.lowers == n - 1
    assert pattern.uppers == 2 * n - 1


@pytest.mark.parametrize("on_surface", [False, True])
def test_change_of_totals_along_a_vector(on_surface):
    case, rng = Case((2, 4, 3), on_surface), np.random.default_rng(6)
    n = len(case.node)
    vm, vs, areas = rng.normal(size=(n + 3, 4)), rng.normal(size=(n, 3)), rng.random(n)
    out = np.zeros(7)
    case.elimination.along(case.volumes, areas, vm, vs, out)
    v = np.concatenate([vm[case.node], vs], axis=1)[:, : case.size]
    f = np.einsum("nij,nj->ni", C * np.eye(case.size) - case.W, v)
    wanted = np.zeros(7)
    wanted[:4] = case.volumes[case.node] @ f[:, :4]
    wanted[4 : case.size] = areas @ f[:, 4:]
    assert out == pytest.approx(wanted, rel=1e-12, abs=1e-12)
