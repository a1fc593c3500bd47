# SPDX-License-Identifier: LGPL-3.0-or-later
"""The compiled point algebra against dense numpy, and its refusal of arrays it would misread."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from osteofield.integrator.blocks import STRETCH, WEIGHTS, blocks, padded_rows
from osteofield.integrator.halo import Halo, LocalMatrix
from osteofield.integrator.stiffness import Stiffness


class OneRank:
    """What a halo needs of a communicator that has one rank."""

    size = 1


def stiffness(K, compiled):
    """A matrix whose diagonals may be anything."""
    rows = csr_matrix(K)
    n = len(K)
    return Stiffness(LocalMatrix.of(rows, Halo(np.zeros(0, np.int64), (0, n), OneRank())), compiled)


def random_matrix(n, rng, diagonal):
    """Half of it zero; `diagonal` is added where rows sum to zero, or stands there."""
    K = np.where(rng.random((n, n)) < 0.5, rng.normal(size=(n, n)), 0.0).astype(np.float32).astype(float)
    np.fill_diagonal(K, 0.0)
    np.fill_diagonal(K, -K.sum(axis=1) if diagonal is None else diagonal)
    return K


def banded(n, width, rng):
    """Symmetric, with a sure diagonal and a front of `width` rows, as a mesh in good order."""
    i = np.arange(n)
    K = np.where(np.abs(i[:, None] - i) <= rng.integers(1, width, n), rng.normal(size=(n, n)), 0.0)
    K = (K + K.T).astype(np.float32).astype(float)
    np.fill_diagonal(K, 4.0 * width)
    return K


@pytest.mark.parametrize("nd", [1, 2, 3, 4, 5, 8, 9, 16, 17])
def test_node_block_inverses(nd):
    """S + k D inverted per node in float; the vector lanes beyond nd never leak in."""
    b, n, rng = blocks(nd, nd, 0), 6, np.random.default_rng(nd)
    S, P = padded_rows(n, nd * nd), padded_rows(n, nd * nd)
    S[:] = rng.normal(size=S.shape)
    k, D = rng.uniform(1, 2, n).astype(np.float32), rng.uniform(3, 9, nd).astype(np.float32)
    assert b.invert(n, k, D, S, P) == 0
    A = S.reshape(n, nd, nd).transpose(0, 2, 1).astype(float) + k[:, None, None] * np.diag(D)
    inverse = P.reshape(n, nd, nd).transpose(0, 2, 1)
    assert np.abs(inverse @ A - np.eye(nd)).max() < 1e-3
    S[2] = 0
    k[2] = 0
    assert b.invert(n, k, D, S, P) > 0


@pytest.mark.parametrize("groups", [[], [[1, 4]], [[0, 2, 5], [1, 6]]])
def test_groups_are_the_blocks_with_other_couplings_left_out(groups):
    """Inverses and sweeps that couple groups only, against whole blocks of a masked S."""
    nd, n, rng = 7, 9, np.random.default_rng(1)
    b, w = blocks(nd, nd, 0), nd + sum(len(g) ** 2 for g in groups)
    size = np.array([len(g) for g in groups], np.int32)
    index = np.array([i for g in groups for i in g], np.int32)
    keep = np.eye(nd, dtype=bool)
    for g in groups:
        keep[np.ix_(g, g)] = True
    S = rng.normal(size=(n, nd, nd)) + 4 * np.eye(nd)
    few, whole = (S.reshape(n, -1).copy() for _ in range(2))
    whole[:, ~keep.ravel()] = 0.0
    compact, inverse = padded_rows(n, w), padded_rows(n, w)
    b.compact(n, len(size), size, index, w, few.astype(np.float32), compact)
    full, full_inverse = padded_rows(n, nd * nd), padded_rows(n, nd * nd)
    full[:] = whole
    k, D = rng.uniform(1, 2, n).astype(np.float32), rng.uniform(3, 9, nd).astype(np.float32)
    assert b.invert_groups(n, len(size), size, index, w, k, D, compact, inverse) == 0
    assert b.invert(n, k, D, full, full_inverse) == 0
    K = np.diag(k.astype(float))
    K[np.arange(n), (np.arange(n) + 4) % n] = -0.5
    held = stiffness(K, b)
    level = [b.record("level", K=held.record, P=P) for P in (inverse, full_inverse)]
    smoother = [
        b.record("smoother", D=D, groups=len(size), size=size, index=index, width=w),
        b.record("smoother", D=D, whole=1, width=nd * nd),
    ]
    right, one, other = padded_rows(n, nd), padded_rows(n, nd), padded_rows(n, nd)
    right[:] = rng.normal(size=right.shape)
    for backward in (0, 1):
        b.sweep(level[0], smoother[0], backward, right, one)
        b.sweep(level[1], smoother[1], backward, right, other)
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)
    b.sweep_from_zero(level[0], smoother[0], right, one, 0, n)
    b.sweep_from_zero(level[1], smoother[1], right, other, 0, n)
    assert one == pytest.approx(other, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("nd", [1, 3, 4, 5, 8, 9, 17])
def test_double_and_single_operator_agree_with_dense(nd):
    b, n, rng = blocks(nd, nd, 0), 8, np.random.default_rng(nd)
    K = random_matrix(n, rng, None)  # rows sum to zero, as those of a stiffness
    held = stiffness(K, b)
    D, S, x = rng.uniform(1, 2, nd), rng.normal(size=(n, nd * nd)), rng.normal(size=(n, nd))
    y, single = np.zeros((n, nd)), D.astype(np.float32)
    b.apply(held.record, D, S, x, y)
    wanted = (K @ x) * D + np.einsum("nqp,nq->np", S.reshape(n, nd, nd), x)
    assert y == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    S32, x32, b32, y32 = (padded_rows(n, w) for w in (nd * nd, nd, nd, nd))
    S32[:], x32[:], b32[:] = S, x, rng.normal(size=(n, nd))
    weights, products = np.linspace(1, 2, nd).astype(np.float32), np.zeros(3)
    basis = padded_rows(1, n * nd)
    basis[0] = x32.ravel()
    image = b.record("image", S=S32, weights=weights, V=basis, r=b32, stride=n * nd, k=1, w=y32, out=products)
    level, smoother = b.record("level", K=held.record), b.record("smoother", D=single)
    for part in ((0, 3), (3, n)):
        b.apply_rows(level, smoother, image, x32, *part)
    assert y32 == pytest.approx(wanted, rel=1e-4, abs=1e-4)
    assert products == pytest.approx([(weights * y32 * v).sum() for v in (x32, y32, b32)], rel=1e-4)
    before = rng.normal(size=(n, nd))
    spread, wide = before.copy(), np.zeros(n * nd + 32)
    wide[: n * nd] = x.ravel()
    b.diffuse(0, n, held.record, D, wide[: n * nd].reshape(n, nd), spread)
    assert spread == pytest.approx(before - (K @ x) * D, rel=1e-12, abs=1e-12)


def dense(K, S, D):
    """(n nd, n nd) matrix of D K + S."""
    n, nd = len(K), len(D)
    A = np.einsum("ij,pq->ipjq", K, np.diag(D))
    A[np.arange(n), :, np.arange(n), :] += S.reshape(n, nd, nd).transpose(0, 2, 1)
    return A.reshape(n * nd, n * nd)


def lower_part(A, n, nd):
    """Blocks on and below the diagonal."""
    keep = np.tril(np.ones((n, n)))
    return A * np.kron(keep, np.ones((nd, nd)))


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.parametrize(("nd", "n"), [(1, 9), (3, 2 * STRETCH), (4, 5 * STRETCH + 7), (9, 3 * STRETCH + 1)])
def test_down_and_up_again(nd, n, narrow):
    """A sweep from zero with what it leaves on the coarse rows, in two parts or one; prolongation, a
    backward sweep and the operator, against dense matrices."""
    b, rng = blocks(nd, nd, 0), np.random.default_rng(nd)
    K, D = banded(n, max(2, n // 9), rng), rng.uniform(1, 2, nd).astype(np.float32)
    held = stiffness(K, b)
    if not narrow:
        held.record.set(step=None)
    S, inverse, x, rhs = (padded_rows(n, w) for w in (nd * nd, nd * nd, nd, nd))
    S[:], rhs[:] = rng.normal(size=S.shape), rng.normal(size=rhs.shape)
    assert b.invert(n, held.diagonal, D, S, inverse) == 0
    columns, weights = rng.integers(0, 3, (n, WEIGHTS)).astype(np.int32), rng.uniform(0, 1, (n, WEIGHTS))
    P = np.zeros((n, 3))
    np.add.at(P, (np.arange(n)[:, None], columns), weights)
    level = b.record("level", K=held.record, P=inverse, column=columns, weight=weights.astype(np.float32))
    smoother = b.record("smoother", D=D, whole=1, width=nd * nd)
    A, right = dense(K, S.astype(float), D.astype(float)), rhs.ravel().astype(float)
    swept = np.linalg.solve(lower_part(A, n, nd), right)
    left = P.T @ (right - A @ swept).reshape(n, nd)
    for cuts in ((0, n), (0, n // 2, n)):
        coarse, done = padded_rows(3, nd), 0
        for first, last in zip(cuts, cuts[1:], strict=False):
            done = b.descend(level, smoother, rhs, x, coarse, first, last, done)
        assert done == n
        assert x.ravel() == pytest.approx(swept, rel=1e-3, abs=1e-5)
        assert coarse == pytest.approx(left, rel=1e-3, abs=1e-3 * np.abs(left).max())
    again = padded_rows(3, nd)
    b.restrict_edge(level, smoother, x, again, n)
    assert again == pytest.approx(left, rel=1e-3, abs=1e-3 * np.abs(left).max())

    correction = padded_rows(3, nd)
    correction[:] = rng.normal(size=correction.shape)
    start = swept.reshape(n, nd) + P @ correction
    upper = lower_part(A.T, n, nd).T
    up = np.linalg.solve(upper, right - (A - upper) @ start.ravel())
    w, products, sums = padded_rows(n, nd), np.zeros(2), A.copy()
    K0 = K - np.diag(K.sum(axis=1))  # the operator acts on differences
    sums = dense(K0, S.astype(float), D.astype(float)) @ up
    image = b.record("image", S=S, weights=np.ones(nd, np.float32), r=rhs, stride=n * nd, w=w, out=products)
    for stop in (n // 2, 0):  # from which row on the operator is applied
        x[:] = swept.reshape(n, nd)
        products[:] = 0.0
        at = np.full(3, n)
        b.ascend(level, smoother, rhs, x, correction, image, stop, at)
        assert list(at[:2]) == [0, 0] and at[2] >= stop
        b.apply_rows(level, smoother, image, x, 0, int(at[2]))
        assert x.ravel() == pytest.approx(up, rel=1e-3, abs=1e-4)
        assert w.ravel() == pytest.approx(sums, rel=1e-3, abs=1e-3 * np.abs(sums).max())
        assert products == pytest.approx([w.ravel() @ w.ravel(), w.ravel() @ rhs.ravel()], rel=1e-3)
    if n > 4 * STRETCH:
        assert at[2] < n  # rows were applied while others were swept


@pytest.mark.parametrize("nd", [1, 3, 4, 9])
def test_rows_are_lumped_and_prolonged(nd):
    b, n, rng = blocks(nd, nd, 0), 9, np.random.default_rng(nd)
    columns = rng.integers(0, 3, (n, WEIGHTS)).astype(np.int32)
    weights = rng.uniform(0, 1, (n, WEIGHTS)).astype(np.float32)
    P = np.zeros((n, 3))
    np.add.at(P, (np.arange(n)[:, None], columns), weights)
    x, lumped = padded_rows(n, nd), padded_rows(3, nd)
    wide = x[:] = rng.normal(size=(n, nd))
    b.lump(0, n, nd, columns, weights, x, lumped)
    assert lumped == pytest.approx(P.T @ wide, rel=1e-4, abs=1e-4)
    b.prolong(b.record("level", column=columns, weight=weights), lumped, x, 0, n)
    assert x == pytest.approx(wide + P @ lumped, rel=1e-4, abs=1e-4)


def test_columns_too_far_for_a_short_step():
    """An arrow matrix: its last row is beside all others."""
    n = 40_000
    i = np.arange(n - 1)
    rows = csr_matrix(
        (np.ones(3 * n - 2), (np.r_[i, i * 0 + n - 1, np.arange(n)], np.r_[i * 0 + n - 1, i, np.arange(n)]))
    )
    matrix = LocalMatrix.of(rows, Halo(np.zeros(0, np.int64), (0, n), OneRank()))
    held = Stiffness(matrix, blocks(1, 1, 0))
    x, y = np.linspace(0, 1, n)[:, None], np.zeros((n, 1))
    b, wide = blocks(1, 1, 0), np.zeros((n + 32, 1))
    wide[:n] = x
    b.diffuse(0, n, held.record, np.ones(1), wide[:n], y)
    wanted = x - 1.0
    wanted[-1] = (x[-1] - x).sum()
    assert y == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_krylov_passes_against_numpy():
    """Products, orthogonalisation and updates of the fused passes, over more rows than one piece."""
    nd, n, k, rng = 3, 300, 4, np.random.default_rng(0)
    b, stride, w2 = blocks(nd, nd, 0), 900, np.array([1.0, 0.5, 2.0], np.float32)
    V, w, r = padded_rows(k, stride), padded_rows(n, nd), padded_rows(n, nd)
    V[:], w[:], r[:] = rng.normal(size=V.shape), rng.normal(size=w.shape), rng.normal(size=r.shape)
    weigh = np.tile(w2, n)
    out = np.zeros(k + 2)
    b.dots(n, k, w2, V, stride, w, r, out)
    flat = w.ravel().astype(float)
    wanted = [*(V.astype(float) @ (weigh * flat)), flat @ (weigh * flat), flat @ (weigh * r.ravel())]
    assert out == pytest.approx(np.array(wanted), rel=1e-4, abs=1e-3)
    c = rng.normal(size=k)
    new = 0.5 * (flat - c @ V)
    left = r.ravel() - 2.0 * new
    assert b.orthogonalise(n, k, w2, c, V, stride, 0.5, 2.0, w, r) == pytest.approx(
        left @ (weigh * left), rel=1e-4
    )
    assert w.ravel() == pytest.approx(new, rel=1e-4, abs=1e-5)
    assert r.ravel() == pytest.approx(left, rel=1e-4, abs=1e-5)
    left = r.ravel() - c @ V
    assert b.project(n, k, w2, c, V, stride, r) == pytest.approx(left @ (weigh * left), rel=1e-4)
    x = rng.normal(size=(n, nd))
    wanted = x.ravel() + c @ V
    b.combine(n, k, c, V, stride, 0, x)
    assert x.ravel() == pytest.approx(wanted, rel=1e-6, abs=1e-6)
    x[:] = np.nan
    b.combine(n, k, c, V, stride, 1, x)
    assert x.ravel() == pytest.approx(c @ V, rel=1e-6, abs=1e-6)


def test_linear_combination_may_write_over_an_operand():
    b, rng = blocks(1, 2, 1), np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3000))
    wanted = 2.0 * x - 3.0 * y
    b.linear([2.0, 0.0, -3.0], [x, np.full(3000, np.nan), y], x)
    assert x == pytest.approx(wanted, rel=1e-13, abs=1e-13)


def test_lowest_finds_nan():
    out = np.full(2, np.inf)
    blocks(1, 2, 1).lowest(3, 2, np.array([[1.0, 5.0], [np.nan, -2.0], [3.0, 7.0]]), out)
    assert np.isnan(out[0]) and out[1] == -2.0


def test_arrays_that_are_not_contiguous_are_refused():
    b = blocks(1, 2, 1)
    y, x = np.zeros((4, 2)), np.zeros((4, 1))
    b.pack(4, y, x)
    with pytest.raises((ValueError, BufferError), match="contiguous"):
        b.pack(4, np.zeros((4, 4))[:, ::2], x)
    with pytest.raises((ValueError, BufferError), match="contiguous"):
        b.linear([1.0], [np.zeros(8)[::2]], np.zeros(4))


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_arrays_of_another_type_are_refused(dtype):
    with pytest.raises(TypeError):
        blocks(1, 2, 1).pack(4, np.zeros((4, 2), dtype), np.zeros((4, 1)))
    with pytest.raises((TypeError, KeyError)):
        blocks(1, 2, 1).pack(4, np.zeros((4, 2), np.int64), np.zeros((4, 1)))
