# SPDX-License-Identifier: LGPL-3.0-or-later
"""The rules for nodes that are moved onto the surface."""

import numpy as np
import pytest
from scipy import ndimage

from osteofield.geometry.boxes import Partition
from osteofield.geometry.grid import Grid
from osteofield.geometry.kuhn import kuhn
from osteofield.geometry.snap import LEAST_VOLUME, determinant, settle, split
from osteofield.team import ALONE


def noise(d, n, seed=0, smooth=0.8):
    """A rough random field: many small pieces, thin bridges and near-degenerate crossings."""
    grid = Grid((0.0,) * d, (1.0,) * d, (n,) * d)
    phi = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(grid.shape), smooth)
    return grid, 0.7 * phi / np.abs(phi).mean()


def region_of(phi, grid, blocks=1):
    return split(phi, grid, Partition.even(ALONE, grid.shape), blocks)


@pytest.mark.parametrize(("d", "n"), [(2, 40), (3, 14)])
def test_same_nodes_for_any_number_of_blocks(d, n):
    grid, phi = noise(d, n)
    results = []
    for blocks in (1, 2, 5):
        results.append(settle(region_of(phi, grid, blocks)))
    assert results[0].any()
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()


@pytest.mark.parametrize(("d", "n"), [(2, 40), (3, 14)])
def test_rules_hold_at_every_moved_node(d, n):
    grid, phi = noise(d, n, seed=3)
    region = region_of(phi, grid)
    (block,) = region.blocks
    before = block.zero.sum()
    zero = settle(region)
    assert 0 < zero.sum() < before
    assert not block._bad_link(np.flatnonzero(zero)).any()
    k = kuhn(d)
    x = grid.points() + block.moves(np.arange(phi.size))
    low = np.ravel_multi_index(tuple(i.ravel() for i in np.indices(grid.cells)), grid.shape)
    for path, negative in zip(k.simplices, k.negative, strict=True):
        p = x[low[:, None] + (k.corners[path] @ block.strides)]
        assert (determinant(p[:, 1:] - p[:, :1]) * (-1 if negative else 1)).min() >= LEAST_VOLUME


def test_box_nodes_stay_on_their_faces():
    grid, phi = noise(3, 14, seed=1)
    (block,) = region_of(phi, grid).blocks
    move = block.moves(np.arange(phi.size)).reshape(*grid.shape, 3)
    for k in range(3):
        for end in (0, -1):
            assert (np.take(move[..., k], end, k) == 0).all()
    assert (move != 0).any()
