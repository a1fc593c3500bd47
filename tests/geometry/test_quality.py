# SPDX-License-Identifier: LGPL-3.0-or-later
"""Angles of cells."""

import numpy as np
import pytest

from osteofield.geometry.quality import Quality, angles


def test_regular_tetrahedron():
    x = np.array([[(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)]], float)
    low, high = angles(x)
    assert low == pytest.approx(np.degrees(np.arccos(1 / 3)))
    assert high == pytest.approx(low)


def test_kuhn_tetrahedron_and_right_triangle():
    low, high = angles(np.array([[(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)]], float))
    assert (low[0], high[0]) == pytest.approx((45, 90))
    low, high = angles(np.array([[(0, 0), (np.sqrt(3), 0), (0, 1)]], float))
    assert (low[0], high[0]) == pytest.approx((30, 90))


def test_counts_add_up():
    points = np.array([(0, 0), (1, 0), (1, 0.05), (0, 1), (1, 0.15)], float)
    flat = Quality.of(points, np.array([[0, 1, 2], [0, 1, 4], [0, 1, 3]]))
    assert (flat.cells, flat.below_5, flat.below_10) == (3, 1, 2)
    twice = flat + flat.times(2)
    assert (twice.cells, twice.below_5, twice.smallest) == (9, 3, flat.smallest)
    assert flat + Quality.none() == flat
    assert flat.times(0) == Quality.none()
