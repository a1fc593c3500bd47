# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scene: the scale is true, cut bone is closed, the camera sees the whole box."""

from __future__ import annotations

import numpy as np
import pytest
import pyvista as pv
from matplotlib import colormaps
from matplotlib.colors import Normalize, to_rgb

from osteofield.results import Result
from osteofield.view.block import _coloured
from osteofield.view.mesh import cut_away, surface_mesh
from osteofield.view.scene import Camera, Scene
from osteofield.view.sight import DEFAULT_FACING, facing, kept_box
from osteofield.view.style import CUT_BONE

from .conftest import FOCUS, SIZE

BOX = np.array([[0.0, 0, 0], [SIZE] * 3])


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_camera_holds_the_box(axis: int, sign: float) -> None:
    camera = Camera.looking_at(sign * np.eye(3)[axis], 24, 20, BOX, 1.5)
    basis = np.array([camera.right, camera.up, camera.direction])
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-12)
    assert camera.direction @ (sign * np.eye(3)[axis]) > 0.8
    corners = np.stack(np.meshgrid(*BOX.T), -1).reshape(-1, 3)
    pixels = camera.project(corners, (600, 400))
    assert (pixels > 0).all()
    assert (pixels < [600, 400]).all()


def test_scale_of_the_picture_is_true(opengl: None) -> None:
    """What the scale bar relies on: a point is drawn where the projection says."""
    camera = Camera.looking_at(np.array([1.0, 0, 0]), 24, 20, BOX, 1.0)
    at, size = np.array([800.0, 300, 650]), (300, 300)
    scene = Scene(None, BOX)
    scene.extras.append(lambda p: p.add_mesh(pv.Sphere(radius=60, center=at), color="red", lighting=False))
    image = scene.image(camera, size).astype(int)
    red = (image[..., 0] > 150) & (image[..., 1] < 100)
    y, x = np.nonzero(red)
    np.testing.assert_allclose([x.mean() + 0.5, y.mean() + 0.5], camera.project(at, size)[0], atol=0.7)
    radius = np.sqrt(red.sum() / np.pi) * camera.height / size[1]
    assert abs(radius - 60) < 4


def test_cut_bone_is_painted_and_whole_bone_is_not(opengl: None, result3: Result) -> None:
    mesh = surface_mesh(*result3.surface.mesh())
    camera = Camera.looking_at(DEFAULT_FACING, 0, 0, BOX, 1.0)
    colour = np.round(255 * np.array(to_rgb(CUT_BONE)))
    centre = np.full(3, SIZE / 2)
    half = Scene(cut_away(mesh, centre, DEFAULT_FACING), BOX).image(camera, (200, 200))
    whole = Scene(mesh, BOX).image(camera, (200, 200))
    painted = (np.abs(half.astype(int) - colour) <= 1).all(-1)
    area = painted.sum() * (camera.height / 200) ** 2
    assert abs(area / (np.pi * 300**2) - 1) < 0.03
    assert painted[100, 100]
    assert not (np.abs(whole.astype(int) - colour) <= 1).all(-1)[95:105, 95:105].any()


def test_bone_that_reaches_the_back_of_the_box_is_painted(opengl: None) -> None:
    """A bar of bone along the view has no inside to be seen: its end at the back tells."""
    camera = Camera.looking_at(DEFAULT_FACING, 0, 0, BOX, 1.0)
    bar = pv.Cylinder(
        center=BOX.mean(0), direction=(0, 1, 0), radius=200, height=SIZE, capping=False, resolution=60
    )
    marrow = pv.Disc(center=(SIZE / 2, SIZE, SIZE / 2), inner=200, outer=2000, normal=(0, 1, 0), c_res=60)
    bar = bar.triangulate().compute_normals(cell_normals=False, auto_orient_normals=False)
    image = Scene(bar, BOX, openings={(1, 1): marrow.triangulate()}).image(camera, (200, 200))
    painted = (np.abs(image.astype(int) - np.round(255 * np.array(to_rgb(CUT_BONE)))) <= 1).all(-1)
    assert abs(painted.sum() * (camera.height / 200) ** 2 / (np.pi * 200**2) - 1) < 0.05
    assert painted[100, 100]
    assert not painted[100, 150]


def test_the_eroded_side_is_faced(result3: Result) -> None:
    points, triangles = result3.surface.mesh()
    depth = np.clip(result3.surface["pit"][-1], 0, None)
    normal = facing(points, triangles, depth, np.full(3, SIZE / 2) + [1.0, -400, 0])
    np.testing.assert_array_equal(normal, [0, -1, 0])
    np.testing.assert_array_equal(kept_box(BOX, FOCUS, normal)[0], [0, FOCUS[1], 0])
    np.testing.assert_array_equal(kept_box(BOX, FOCUS, -normal)[1], [SIZE, FOCUS[1], SIZE])


def test_bone_behind_a_plane_does_not_darken_it(opengl: None) -> None:
    """Hollows are shaded by the normals of what is seen; a plane without any took those behind it."""
    box, middle = kept_box(BOX, BOX.mean(0), DEFAULT_FACING), BOX.mean(0)
    camera = Camera.looking_at(DEFAULT_FACING, 24, 34, box, 1.0)
    behind = 0.15 * SIZE * DEFAULT_FACING
    bone = pv.Sphere(radius=0.1 * SIZE, center=middle - behind)
    plane = pv.Plane(center=middle, direction=DEFAULT_FACING, i_size=SIZE, j_size=SIZE)
    plane["value"] = np.full(plane.n_points, 0.7)
    scene = Scene(bone, box, extras=[_coloured(plane, Normalize(0, 1), "viridis")])
    shaded = scene.image(camera, (200, 200)).astype(int)
    scene.occlusion = False
    flat = scene.image(camera, (200, 200)).astype(int)
    seen = (np.abs(flat - np.round(255 * np.array(colormaps["viridis"](0.7)[:3]))) <= 1).all(-1)
    assert seen.sum() > 10_000
    assert (np.abs(shaded - flat)[seen] > 3).mean() < 0.01
