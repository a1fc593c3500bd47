# SPDX-License-Identifier: LGPL-3.0-or-later
"""Parts of meshes: orientation, cuts, slices, borders of regions."""

from __future__ import annotations

import numpy as np
from osteofield.results import Result
from osteofield.view.mesh import (
    cut_away,
    orient_outwards,
    region_border,
    slice_of,
    smooth_region,
    surface_mesh,
)

from .conftest import FOCUS, RADIUS, SIZE

CENTRE = np.full(3, SIZE / 2)


def test_normals_point_into_the_marrow_whatever_was_written(result3: Result) -> None:
    points, triangles = result3.surface.mesh()
    mixed = triangles.copy()
    mixed[::3] = mixed[::3, ::-1]
    turned = orient_outwards(points, mixed, *result3.marrow.mesh())
    a, b, c = (points[turned[:, k]] for k in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - CENTRE)
    assert (outward > 0).all()


def test_cut_away_leaves_what_lies_behind(result3: Result) -> None:
    mesh = surface_mesh(*result3.surface.mesh())
    rest = cut_away(mesh, CENTRE, np.array([0.0, -1, 0]))
    assert abs(rest.points[:, 1].min() - SIZE / 2) < 1e-6
    assert abs(rest.area - mesh.area / 2) < 0.01 * mesh.area


def test_slice_is_flat_linear_and_has_a_hole_for_bone(result3: Result) -> None:
    points, tets = result3.marrow.mesh()
    plane = slice_of(points, tets, CENTRE, np.array([0.0, 0, 1]), f=points @ [1.0, 2, 3])
    np.testing.assert_allclose(plane.points[:, 2], SIZE / 2, atol=1e-3)
    np.testing.assert_allclose(plane["f"], plane.points @ [1.0, 2, 3], rtol=1e-6)
    assert abs(plane.area / (SIZE**2 - np.pi * RADIUS**2) - 1) < 0.02


def test_border_of_a_region_has_its_form(result3: Result) -> None:
    points, tets = result3.marrow.mesh()
    inside = np.linalg.norm(points - FOCUS, axis=1) < 150
    border = region_border(points, tets, inside)
    distance = np.linalg.norm(border.points - FOCUS, axis=1)
    assert abs(distance.mean() - 140) < 25  # the ball touches bone; averaging rounds it there
    assert distance.std() < 20
    assert region_border(points, tets, np.zeros(len(points), dtype=bool)).n_cells == 0
    assert region_border(points, tets, np.ones(len(points), dtype=bool)).n_cells == 0


def test_smooth_region_keeps_its_bounds_and_its_inside(result3: Result) -> None:
    points, tets = result3.marrow.mesh()
    value = smooth_region(points[:, 0] < SIZE / 2, tets)
    assert value.min() >= 0
    assert value.max() <= 1 + 1e-12
    assert (value[points[:, 0] < SIZE / 2 - 200] > 0.999).all()
    assert (value[points[:, 0] > SIZE / 2 + 200] < 0.001).all()
