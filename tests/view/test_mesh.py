# SPDX-License-Identifier: LGPL-3.0-or-later
"""Parts of meshes: cuts, slices, borders of regions."""

from __future__ import annotations

import numpy as np

from osteofield.results import Result
from osteofield.view.mesh import cut_away, region_border, slice_of, surface_mesh
from osteofield.view.region import smooth_region

from .conftest import FOCUS, RADIUS, SIZE

CENTRE = np.full(3, SIZE / 2)


def test_cut_away_leaves_what_lies_behind(result3: Result) -> None:
    mesh = surface_mesh(*result3.surface.mesh())
    rest = cut_away(mesh, CENTRE, np.array([0.0, -1, 0]))
    assert abs(rest.points[:, 1].min() - SIZE / 2) < 1e-6
    assert abs(rest.area - mesh.area / 2) < 0.01 * mesh.area


def test_slice_is_flat_linear_and_has_a_hole_for_bone(result3: Result) -> None:
    points, tets = result3.marrow.mesh()
    plane = slice_of(points, tets, CENTRE, np.array([0.0, 0, 1]), {"f": points @ [1.0, 2, 3]})
    np.testing.assert_allclose(plane.points[:, 2], SIZE / 2, atol=1e-3)
    np.testing.assert_allclose(plane["f"], plane.points @ [1.0, 2, 3], rtol=1e-6)
    assert abs(plane.area / (SIZE**2 - np.pi * RADIUS**2) - 1) < 0.02


def test_border_of_a_region_has_its_form(result3: Result) -> None:
    points, tets = result3.marrow.mesh()
    inside = np.linalg.norm(points - FOCUS, axis=1) < 150
    border = region_border(points, tets, smooth_region(inside, tets))
    distance = np.linalg.norm(border.points - FOCUS, axis=1)
    assert abs(distance.mean() - 140) < 25  # the ball touches bone; averaging rounds it there
    assert distance.std() < 20
    assert region_border(points, tets, np.zeros(len(points))).n_cells == 0
    assert region_border(points, tets, np.ones(len(points))).n_cells == 0
