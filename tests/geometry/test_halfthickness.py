# SPDX-License-Identifier: LGPL-3.0-or-later
"""Local thickness by inscribed spheres."""

import numpy as np
import pytest

from osteofield.case.types import ShapeSpec
from osteofield.geometry.cut import cut
from osteofield.geometry.grid import Grid
from osteofield.geometry.halfthickness import half_thickness, mean_thickness
from osteofield.geometry.shapes import signed_distance


def setup(spec, h):
    grid = Grid.fit((0.0,) * len(spec.size), spec.size, h)
    mesh = cut(signed_distance(spec, grid), grid)
    return mesh.phi, grid, mesh.points[np.unique(mesh.surface)]


@pytest.mark.parametrize(("spec", "half", "tolerance"), [
    (ShapeSpec("plate", (600.0, 300.0, 300.0), thickness=150.0, center=(307.0, 150.0, 150.0)), 75.0, 0.04),
    (ShapeSpec("plate", (600.0, 300.0), thickness=150.0, center=(307.0, 150.0)), 75.0, 0.04),
    (ShapeSpec("rod", (500.0, 500.0, 200.0), radius=110.0, center=(243.0, 256.0, 100.0)), 110.0, 0.06),
    (ShapeSpec("sphere", (500.0, 500.0), radius=160.0), 160.0, 0.03),
])  # fmt: skip
def test_half_thickness(spec, half, tolerance):
    got = half_thickness(*setup(spec, 25.0))
    np.testing.assert_allclose(got, half, rtol=tolerance)


def test_two_plates_keep_their_own_thickness():
    grid = Grid.fit((0.0, 0.0), (1000.0, 400.0), 20.0)
    x = grid.points()[:, 0].reshape(grid.shape)
    phi = np.maximum(60 - np.abs(x - 200), 140 - np.abs(x - 700))
    mesh = cut(phi, grid)
    points = mesh.points[np.unique(mesh.surface)]
    got = half_thickness(phi, grid, points)
    np.testing.assert_allclose(got[points[:, 0] < 400], 60, rtol=0.04)
    np.testing.assert_allclose(got[points[:, 0] > 400], 140, rtol=0.04)


def test_bone_thinner_than_the_grid_still_has_a_value():
    phi, grid, points = setup(ShapeSpec("plate", (400.0, 200.0), thickness=26.0, center=(207.0, 100.0)), 25.0)
    got = half_thickness(phi, grid, points)
    assert np.isfinite(got).all()
    assert (got > 0).all()
    assert len(half_thickness(phi, grid, np.zeros((0, 2)))) == 0


def test_mean_thickness_of_plate_and_gap():
    phi, grid, points = setup(ShapeSpec("plate", (600.0, 300.0, 300.0), thickness=150.0), 25.0)
    mean, sd = mean_thickness(phi, grid, points)
    assert mean == pytest.approx(150, rel=0.04)
    assert sd < 5
    mean, _ = mean_thickness(
        -phi, grid, points
    )  # the gaps end at the box: 225 um deep, spheres of that radius
    assert mean == pytest.approx(450, rel=0.1)
