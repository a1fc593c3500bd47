# SPDX-License-Identifier: LGPL-3.0-or-later
"""Passes over whole states against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import System
from osteofield.integrator.blocks import aligned, blocks

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("width", [1, 3, 8, 13, 16, 17])
@pytest.mark.parametrize("rows", [1, 5, 64, 203])
def test_squares_of_two_combinations(width, rows):
    c, k = blocks(1, 17, 2), 4
    vectors, weight, (a, b) = (
        list(RNG.normal(size=(k, rows, width))),
        RNG.uniform(size=rows),
        RNG.normal(size=(2, k)),
    )
    out = np.ones(2 * width)
    c.gaps(weight, list(a), list(b), [v.ravel() for v in vectors], out)
    wanted = [1.0 + weight @ np.tensordot(f, vectors, 1) ** 2 for f in (a, b)]
    assert out == pytest.approx(np.concatenate(wanted), rel=1e-12)


def test_large_combinations_are_those_of_small_ones():
    """Stores that go past the caches, to vectors that begin where a line does, and others."""
    n, c = 2**19 + 37, blocks(1, 17, 2)
    vectors, (a, b) = list(RNG.normal(size=(3, n))), RNG.normal(size=(2, 3))
    past, plain = [aligned(n), aligned(n)], [np.zeros(n + 1)[1:], np.zeros(n)]
    for out in (past, plain):
        c.linear2(list(a), list(b), vectors, *out)
    assert all(np.array_equal(*pair) for pair in zip(past, plain, strict=True))
    assert past[1] == pytest.approx(np.tensordot(b, vectors, 1), rel=1e-10, abs=1e-14)


def test_norms_of_two_combinations(problems):
    system = System(problems.square(5))
    one, two = RNG.normal(size=(2, system.size))
    found = system.combined_norms(np.array([1.0, -2.0]), np.array([0.5, 3.0]), [one, two])
    for norms, v in zip(found, (one - 2 * two, 0.5 * one + 3 * two), strict=True):
        assert norms == pytest.approx(system.norms(v), rel=1e-12)
    assert system.vector().ctypes.data % 64 == 0
