# SPDX-License-Identifier: LGPL-3.0-or-later
"""The compiled point algebra against dense numpy, and its refusal of arrays it would misread."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator.blocks import WEIGHTS, blocks, padded_rows


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
    ip, ix = np.arange(0, 2 * n + 1, 2, dtype=np.int32), np.zeros(2 * n, np.int32)
    for i in range(n):
        ix[2 * i : 2 * i + 2] = sorted((i, (i + 4) % n))
    kv = np.where(ix == np.repeat(np.arange(n), 2), np.repeat(k, 2), -0.5).astype(np.float32)
    right, one, other = padded_rows(n, nd), padded_rows(n, nd), padded_rows(n, nd)
    right[:] = rng.normal(size=right.shape)
    for backward in (0, 1):
        b.sweep_groups(n, backward, ip, ix, kv, k, D, len(size), size, index, w, inverse, right, one)
        b.sweep(n, backward, ip, ix, kv, k, D, full_inverse, right, other)
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)
    lo = (ip[:-1] + np.array([(ix[2 * i : 2 * i + 2] < i).sum() for i in range(n)])).astype(np.int32)
    b.sweep_groups_from_zero(0, n, ip, lo, ix, kv, D, len(size), size, index, w, inverse, right, one)
    b.sweep_from_zero(0, n, ip, lo, ix, kv, D, full_inverse, right, other)
    assert one == pytest.approx(other, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("nd", [1, 3, 4, 5, 8, 9, 17])
def test_double_and_single_operator_agree_with_dense(nd):
    b, n, rng = blocks(nd, nd, 0), 8, np.random.default_rng(nd)
    K = np.where(rng.random((n, n)) < 0.5, rng.normal(size=(n, n)), 0.0)
    np.fill_diagonal(K, K.diagonal() - K.sum(axis=1))  # rows sum to zero, as those of a stiffness
    ip = np.concatenate([[0], np.cumsum((K != 0).sum(1))]).astype(np.int32)
    ix, kv = np.nonzero(K)[1].astype(np.int32), K[K != 0]
    D, S, x = rng.uniform(1, 2, nd), rng.normal(size=(n, nd * nd)), rng.normal(size=(n, nd))
    y = np.zeros((n, nd))
    kv = kv.astype(np.float32)
    K[np.repeat(np.arange(n), np.diff(ip)), ix] = kv
    np.fill_diagonal(K, K.diagonal() - K.sum(axis=1))
    b.apply(n, ip, ix, kv, D, S, x, y)
    wanted = (K @ x) * D + np.einsum("nqp,nq->np", S.reshape(n, nd, nd), x)
    assert y == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    single = [a.astype(np.float32) for a in (kv, D)]
    S32, x32, b32, y32 = (padded_rows(n, w) for w in (nd * nd, nd, nd, nd))
    S32[:], x32[:], b32[:] = S, x, rng.normal(size=(n, nd))
    ones, none, products = np.ones(nd, np.float32), padded_rows(0, nd), np.zeros(2)
    b.apply_dots(0, n, ip, ix, single[0], single[1], S32, x32, 0, ones, none, n * nd, b32, y32, products)
    assert b32 - y32 == pytest.approx(b32 - wanted, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("nd", [1, 3, 4, 9])
def test_first_sweep_from_zero_and_what_it_leaves(nd):
    """Forward Gauss-Seidel from zero, and its residual, brought to the coarse rows and back."""
    b, n, rng = blocks(nd, nd, 0), 9, np.random.default_rng(nd)
    K = np.where(rng.random((n, n)) < 0.5, rng.normal(size=(n, n)), 0.0)
    np.fill_diagonal(K, 5.0)
    ip = np.concatenate([[0], np.cumsum((K != 0).sum(1))]).astype(np.int32)
    ix, kv = np.nonzero(K)[1].astype(np.int32), K[K != 0].astype(np.float32)
    rows = np.repeat(np.arange(n), np.diff(ip))
    lo = (ip[:-1] + np.bincount(rows[ix < rows], minlength=n)).astype(np.int32)
    D = rng.uniform(1, 2, nd).astype(np.float32)
    S, inverse, x, r, rhs = (padded_rows(n, w) for w in (nd * nd, nd * nd, nd, nd, nd))
    S[:], rhs[:] = rng.normal(size=S.shape), rng.normal(size=rhs.shape)
    b.invert(n, np.diag(K).astype(np.float32), D, S, inverse)
    b.sweep_from_zero(0, n, ip, lo, ix, kv, D, inverse, rhs, x)
    left = rhs - (K @ x) * D - np.einsum("nqp,nq->np", S.reshape(n, nd, nd), x)
    column = rng.integers(0, 3, (n, WEIGHTS)).astype(np.int32)
    weight = rng.uniform(0, 1, (n, WEIGHTS)).astype(np.float32)
    P = np.zeros((n, 3))
    np.add.at(P, (np.arange(n)[:, None], column), weight)
    coarse = padded_rows(3, nd)
    for part in ((0, 2), (2, n)):
        b.restrict_after_zero(*part, ip, lo + 1, ix, kv, D, x, column, weight, coarse)
    assert coarse == pytest.approx(P.T @ left, rel=1e-3, abs=1e-3)
    wide, lumped = rng.normal(size=(n, nd)), padded_rows(3, nd)
    r[:] = wide
    b.lump(0, n, nd, column, weight, r, lumped)
    assert lumped == pytest.approx(P.T @ wide, rel=1e-4, abs=1e-4)
    b.prolong(0, n, column, weight, coarse, r)
    assert r == pytest.approx(wide + P @ coarse, rel=1e-4, abs=1e-4)
    other = padded_rows(n, nd)
    b.sweep(n, 0, ip, ix, kv, np.diag(K).astype(np.float32), D, inverse, rhs, other)
    assert x == pytest.approx(other, rel=1e-5, abs=1e-6)


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
    b.combine(n, k, c, V, stride, x)
    assert x.ravel() == pytest.approx(wanted, rel=1e-6, abs=1e-6)


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
