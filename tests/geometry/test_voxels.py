# SPDX-License-Identifier: LGPL-3.0-or-later
"""Voxel fields."""

import numpy as np
import pytest

from osteofield.geometry.voxels import Voxels


def ball(n=40, radius=12.3, voxel=(10.0, 10.0, 10.0), d=3):
    x = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) * voxel[k] for k in range(d)], indexing="ij"), -1)
    centre = np.array([n / 2 * voxel[k] for k in range(d)])
    r = np.linalg.norm(x - centre, axis=-1)
    f = np.tanh((radius * 10 - r) / 15)  # no distance: saturates like a grey value
    return Voxels(f, tuple(v / 2 for v in voxel[:d]), tuple(voxel[:d])), centre


@pytest.mark.parametrize("d", [2, 3])
def test_surface_points_and_normals_of_a_ball(d):
    v, centre = ball(d=d, voxel=(10.0, 8.0, 11.0))
    points, normals, _ = v.surface_points()
    r = points - centre
    distance = np.linalg.norm(r, axis=1)
    assert np.abs(distance - 123).max() < 0.6
    inward = -np.einsum("ij,ij->i", normals, r) / distance
    assert inward.min() > 0.98


def test_islands_and_pockets_are_removed():
    f = np.full((20, 20, 20), -1.0)
    f[2:15, 2:15, 2:15] = 1.0
    f[8, 8, 8] = -1.0  # pocket
    f[17:19, 17, 17] = 2.0  # island
    clean, dropped, filled = Voxels(f, (0.5,) * 3, (1.0,) * 3).without_islands()
    assert (dropped, filled) == (2, 1)
    assert clean.values[8, 8, 8] > 0
    assert (clean.values[17:19, 17, 17] < 0).all()
    assert (clean.values > 0).sum() == 13**3


def test_bone_touching_at_a_corner_is_one_piece_but_marrow_is_not():
    f = np.full((6, 6, 6), -1.0)
    f[1:3, 1:3, 1:3] = f[3:5, 3:5, 3:5] = 1.0
    assert Voxels(f, (0.5,) * 3, (1.0,) * 3).without_islands()[1:] == (0, 0)
    assert Voxels(-f, (0.5,) * 3, (1.0,) * 3).without_islands()[1:] == (0, 8)


def test_interpolation_and_plane_are_linear():
    n = (7, 8, 9)
    first, spacing = (1.0, 2.0, 3.0), (2.0, 3.0, 4.0)
    axes = [f + s * np.arange(k) for f, s, k in zip(first, spacing, n, strict=True)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    v = Voxels(2 * x - 3 * y + 5 * z, first, spacing)
    got = v.at((np.array([1.7, 12.0]), np.array([2.0, 20.1]), np.array([8.5])))
    want = 2 * np.array([1.7, 12.0])[:, None, None] - 3 * np.array([2.0, 20.1])[:, None] + 5 * 8.5
    np.testing.assert_allclose(got, want)
    plane = v.plane(1, 9.5)
    np.testing.assert_allclose(plane.values, 2 * x[:, 0] - 3 * 9.5 + 5 * z[:, 0])
    assert (plane.first, plane.spacing) == ((1.0, 3.0), (2.0, 4.0))
    assert v.at((np.array([-50.0]), np.array([2.0]), np.array([3.0])))[0, 0, 0] == v.values[0, 0, 0]


def test_rim_is_constant_across_the_box_face():
    v, _ = ball(radius=25)
    rim = v.at_right_angles(25.0).values
    for k in range(3):
        for i in range(3):
            np.testing.assert_array_equal(rim.take(i, k), rim.take(3, k))
            np.testing.assert_array_equal(rim.take(-1 - i, k), rim.take(-4, k))
    assert not np.array_equal(rim[4], rim[3])
