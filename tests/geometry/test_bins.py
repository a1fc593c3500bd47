# SPDX-License-Identifier: LGPL-3.0-or-later
"""Nearest points by bins, against all of them."""

import numpy as np
import pytest

from osteofield.geometry.bins import Bins


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("size", [0.3, 2.0, 50.0])
def test_nearest_points(d, size):
    """Places inside and far outside; lattice points, of which many are equally far, come in their order."""
    rng = np.random.default_rng(d)
    lattice = np.stack(np.meshgrid(*[np.arange(6.0)] * d), -1).reshape(-1, d)
    for points in (10 * rng.random((200, d)), rng.permutation(lattice), 10 * rng.random((3, d))):
        x = np.vstack([points[:20], 12 * rng.random((50, d)) - 1, [[-40.0] * d, [90.0] * d]])
        distance, row = Bins(points, size).nearest(x, 7)
        k = min(7, len(points))
        square = ((x[:, None] - points[None]) ** 2).sum(2)
        brute = np.stack([np.lexsort((np.arange(len(points)), s)) for s in square])[:, :k]
        assert np.array_equal(row[:, :k], brute)
        assert distance[:, :k] == pytest.approx(np.sqrt(np.take_along_axis(square, brute, 1)))
        assert (row[:, k:] == -1).all() and np.isinf(distance[:, k:]).all()


def test_no_points():
    distance, row = Bins(np.zeros((0, 3)), 1.0).nearest(np.zeros((2, 3)), 1)
    assert (row == -1).all() and np.isinf(distance).all()
