# SPDX-License-Identifier: LGPL-3.0-or-later
"""Volumes, areas and topology."""

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import build_sample
from osteofield.geometry.grid import Grid
from osteofield.geometry.morphometry import (
    Morphometry,
    anisotropy,
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


@pytest.mark.parametrize(("axes", "ratio"), [((1, 1, 1), 1.0), ((1, 1, 2), 2.0), ((1, 2), 2.0)])
def test_anisotropy_of_ellipsoids(axes, ratio):
    """The shadow of an ellipsoid along u is pi a b c |u / axes|, so its intercepts give itself."""
    d, axes = len(axes), np.array(axes, float)
    shape = ShapeSpec("sphere", (200.0,) * d, radius=80.0)
    s = build_sample(SampleSpec(shape=shape, cell_size=10.0))
    got = anisotropy((s.points - 100) * axes, s.surface)
    assert got == pytest.approx(ratio, rel=0.01)
    turned = np.roll(np.eye(d), 1, axis=0)
    assert anisotropy((s.points - 100) * axes @ turned, s.surface) == pytest.approx(got, rel=1e-3)


def test_anisotropy_of_a_plate_has_no_bound():
    s = build_sample(SampleSpec(shape=ShapeSpec("plate", (100.0, 80.0), thickness=40.0), cell_size=10.0))
    assert anisotropy(s.points, s.surface) > 100
