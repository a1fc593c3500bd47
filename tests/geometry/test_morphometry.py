# SPDX-License-Identifier: LGPL-3.0-or-later
"""Volumes, areas and topology."""

import numpy as np
import pytest

from osteofield.geometry.grid import Grid
from osteofield.geometry.morphometry import (
    Morphometry,
    areas,
    connectivity_density,
    non_manifold_edges,
    volumes,
)
from osteofield.geometry.quality import Quality


def test_volume_and_area():
    points = np.array([(0, 0, 0), (2, 0, 0), (0, 3, 0), (0, 0, 4)], float)
    assert volumes(points, np.array([[0, 1, 2, 3]])) == pytest.approx(4)
    assert areas(points, np.array([[1, 2, 3]])) == pytest.approx(0.5 * np.sqrt(12**2 + 8**2 + 6**2))
    flat = points[:3, :2]
    assert volumes(flat, np.array([[0, 1, 2]])) == pytest.approx(3)
    assert areas(flat, np.array([[1, 2]])) == pytest.approx(np.sqrt(13))


def test_edges_of_three_facets_are_found():
    book = np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4]])
    assert non_manifold_edges(book) == 1
    assert non_manifold_edges(book[:2]) == 0
    assert non_manifold_edges(np.array([[0, 1], [1, 2], [1, 3]])) == 1


@pytest.mark.parametrize(
    ("hole", "shell", "expected"), [(False, False, 0), (True, False, 1), (False, True, -1)]
)
def test_connectivity_of_ball_ring_and_shell(hole, shell, expected):
    grid = Grid.fit((-1.0,) * 3, (1.0,) * 3, 0.1)
    x, y, z = np.meshgrid(*grid.axes(), indexing="ij")
    phi = 0.8 - np.sqrt(x**2 + y**2 + z**2)
    if hole:
        phi = np.minimum(phi, np.hypot(x, y) - 0.3)
    if shell:
        phi = np.minimum(phi, np.sqrt(x**2 + y**2 + z**2) - 0.4)
    assert connectivity_density(phi, grid) == pytest.approx(expected / 8)


def test_ratios_and_round_trip():
    m = Morphometry(2.0, 6.0, 4.0, 1, 1, Quality(3, 10.0, 120.0, 0, 1), thickness=5.0)
    assert (m.bv_tv, m.bs_bv, m.bs_tv) == (0.25, 2.0, 0.5)
    assert Morphometry.from_dict(m.to_dict()) == m
    assert np.isnan(Morphometry(0.0, 6.0, 0.0, 0, 1).bs_bv)
