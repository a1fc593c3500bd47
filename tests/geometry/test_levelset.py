# SPDX-License-Identifier: LGPL-3.0-or-later
"""Signed distance from a voxel field."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from osteofield.geometry.cut import cut
from osteofield.geometry.grid import Grid
from osteofield.geometry.levelset import signed_distance
from osteofield.geometry.morphometry import total_volume
from osteofield.geometry.voxels import Voxels


def ball(d, n=40, voxel=10.0, radius=123.0):
    centre = np.array([203.0, 198.0, 201.0])[:d]
    x = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) * voxel] * d, indexing="ij"), -1)
    field = np.tanh((radius - np.linalg.norm(x - centre, axis=-1)) / 15)
    return Voxels(field.astype(np.float32), (voxel / 2,) * d, (voxel,) * d), centre


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("h", [8.0, 20.0, 30.0])
def test_distance_to_a_ball(d, h):
    voxels, centre = ball(d)
    grid = Grid.fit(*voxels.box, h)
    phi = signed_distance(voxels, grid)
    exact = 123 - np.linalg.norm(grid.points() - centre, axis=1).reshape(grid.shape)
    error = np.abs(phi - exact)
    assert error[np.abs(exact) < h].max() < 0.08 * 10  # a small part of a voxel at the surface
    assert error.max() < 4.0
    assert abs((phi - exact)[np.abs(exact) < 5].mean()) < 0.2  # no bias


def test_volume_from_saturated_grey_values():
    voxels, _ = ball(3)
    grid = Grid.fit(*voxels.box, 10.0)
    mesh = cut(signed_distance(voxels, grid), grid, snap=0.0)
    exact_cut = 123 - np.linalg.norm(grid.points() - np.array([203.0, 198.0, 201.0]), axis=1)
    reference = cut(exact_cut.reshape(grid.shape), grid, snap=0.0)
    got, want = (total_volume(m.points, m.bone) for m in (mesh, reference))
    assert got == pytest.approx(want, rel=0.003)


def test_it_is_a_distance_in_the_rim_too():
    # at the box a slanted plate is bent to meet it squarely; that must not make the distance flatter
    contours = pytest.importorskip("skimage.measure").find_contours
    x = np.stack(np.meshgrid(*[np.arange(40) + 0.5] * 2, indexing="ij"), -1) * 10
    normal = np.array([1.0, 1.0]) / np.sqrt(2)
    voxels = Voxels(60.0 - np.abs((x - 200) @ normal), (5.0, 5.0), (10.0, 10.0))
    grid = Grid.fit(*voxels.box, 20.0)
    rim = np.pad(voxels.at_right_angles(10.0).values, 1, mode="edge")
    lines = [c * 10 - 5 for c in contours(rim, 0.0)]
    dense = np.concatenate([p[:-1] + t * (p[1:] - p[:-1]) for p in lines for t in np.linspace(0, 1, 20)])
    exact, _ = cKDTree(dense).query(grid.points())
    phi = signed_distance(voxels, grid)
    error = np.abs(np.abs(phi) - exact.reshape(grid.shape))
    assert error[np.abs(phi) < 25].max() < 1
    assert error.max() < 5
    assert (phi[0] > 0).any()


def test_no_surface_at_all():
    voxels = Voxels(np.full((8, 8), -1.0), (5.0, 5.0), (10.0, 10.0))
    assert (signed_distance(voxels, Grid.fit(*voxels.box, 20.0)) < -80).all()
