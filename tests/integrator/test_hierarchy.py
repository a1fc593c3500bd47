# SPDX-License-Identifier: LGPL-3.0-or-later
"""The multigrid hierarchy: constants, node blocks on coarse levels, one V-cycle."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import System
from osteofield.integrator.blocks import padded_rows
from osteofield.integrator.elimination import Couplings


@pytest.fixture
def system(problems):
    zero = np.zeros((1, 1))
    return System(problems.square(32, problems.linear(zero, zero, 1), 1.0))


def take(system, blocks):
    """Node blocks of one population become those of the hierarchy."""
    system.hierarchy.operator[:] = blocks
    found = Couplings(1)
    found.total[:] = blocks.sum()
    return system.hierarchy.set_blocks(found)


def prolonged(level, x):
    """Scalar values of the coarse rows brought to a finer level."""
    return (level.prolong.weights * x[level.prolong.columns]).sum(axis=1)


def rows_times(level, x):
    k = level.stiffness
    rows = np.repeat(np.arange(k.rows), np.diff(k.start))
    return np.bincount(rows, k.value * x[k.column], k.rows) + k.diagonal * x[: k.rows]


def test_constants_are_constants_on_every_level(system):
    levels = system.hierarchy.levels
    assert len(levels) >= 2
    assert system.hierarchy.sizes == sorted(system.hierarchy.sizes, reverse=True)
    for fine, coarse in zip(levels, levels[1:], strict=False):
        assert prolonged(fine, np.ones(coarse.rows)) == pytest.approx(np.ones(fine.rows), abs=1e-6)
        assert coarse.rows < fine.rows / 2
        assert (
            np.bincount(fine.prolong.columns[:, 0], minlength=coarse.rows).min() > 0
        )  # no aggregate is lost
        assert np.abs(rows_times(coarse, np.ones(coarse.rows))).max() < 1e-5  # K has no row sums
        assert coarse.diagonal.min() > 0


def test_node_blocks_are_lumped_without_loss(system):
    """The integral of the node blocks, which are inverted together with K, is the same on every level."""
    schur = np.random.default_rng(0).uniform(1, 2, (system.hierarchy.sizes[0], 1))
    assert take(system, schur)
    for level in system.hierarchy.levels:
        blocks = 1.0 / level.inverse[: level.rows, 0].astype(float) - level.diagonal
        assert blocks.sum() == pytest.approx(schur.sum(), rel=1e-5)


def test_one_cycle_solves_most_of_a_poisson_problem(system, problems):
    p = system.problem
    n = len(p.volumes)
    schur = np.ascontiguousarray(1e-3 * p.volumes[:, None])
    assert take(system, schur)
    exact = np.random.default_rng(1).normal(size=(n, 1))
    exact += 3.0
    b64 = np.zeros((n, 1))
    system._whole = schur
    system._apply(exact, b64)
    b = padded_rows(n, 1)
    b[:] = b64

    def energy(v):
        out = np.zeros((n, 1))
        system._apply(np.ascontiguousarray(v, dtype=float), out)
        return float(np.sqrt((v * out).sum()))

    left = exact - system.hierarchy.cycle(b)[:n]
    assert energy(left) < 0.3 * energy(exact)


def test_singular_node_block_is_told(system):
    schur = np.ones((system.hierarchy.sizes[0], 1))
    schur[5] = -system.hierarchy.levels[0].diagonal[5]
    assert not take(system, schur)
