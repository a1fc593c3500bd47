# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sizes of simplices in any dimension, and their equal shares on nodes."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.tissue import lumped, sizes

TETRAHEDRON = np.array([[0.0, 0, 0], [2, 0, 0], [0, 3, 0], [0, 0, 4]])


def test_sizes():
    assert sizes(TETRAHEDRON, np.array([[0, 1, 2, 3], [1, 0, 2, 3]])) == pytest.approx([4.0, 4.0])
    assert sizes(TETRAHEDRON, np.array([[0, 1, 2], [1, 2, 3]])) == pytest.approx([3.0, np.sqrt(61.0)])
    assert sizes(TETRAHEDRON[:3, :2], np.array([[0, 1, 2]])) == pytest.approx([3.0])
    assert sizes(TETRAHEDRON[:3, :2], np.array([[1, 2], [0, 2]])) == pytest.approx([np.sqrt(13.0), 3.0])
    assert sizes(TETRAHEDRON, np.zeros((0, 3), int)).shape == (0,)
    assert sizes(TETRAHEDRON, np.array([[0, 1, 1]])) == pytest.approx([0.0])


def test_sizes_do_not_depend_on_the_frame():
    rng = np.random.default_rng(0)
    turned = TETRAHEDRON @ np.linalg.qr(rng.normal(size=(3, 3)))[0] + 5e3
    for k in (2, 3, 4):
        cells = np.array([list(range(k))])
        assert sizes(turned, cells) == pytest.approx(sizes(TETRAHEDRON, cells), rel=1e-9)


def test_lumped():
    points = np.array([[0.0, 0], [2, 0], [2, 1], [0, 1], [9, 9]])
    cells = np.array([[0, 1, 2], [0, 2, 3]])
    assert lumped(points, cells, 5) == pytest.approx([2 / 3, 1 / 3, 2 / 3, 1 / 3, 0.0])
    assert lumped(points, np.array([[0, 1]]), 5) == pytest.approx([1.0, 1.0, 0, 0, 0])
