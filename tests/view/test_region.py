# SPDX-License-Identifier: LGPL-3.0-or-later
"""Regions and orientation."""

from __future__ import annotations

import numpy as np

from osteofield.results import Result
from osteofield.view.region import box_facets, orient_outwards, smooth_region

from .conftest import SIZE

CENTRE = np.full(3, SIZE / 2)


def test_normals_point_into_the_marrow_whatever_was_written(result3: Result) -> None:
    points, triangles = result3.surface.mesh()
    mixed = triangles.copy()
    mixed[::3] = mixed[::3, ::-1]
    turned = orient_outwards(points, mixed, *result3.marrow.mesh())
    a, b, c = (points[turned[:, k]] for k in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - CENTRE)
    assert (outward > 0).all()


def test_smooth_region_keeps_its_bounds_and_its_inside(result3: Result) -> None:
    points, tets = result3.marrow.mesh()
    value = smooth_region(points[:, 0] < SIZE / 2, tets)
    assert value.min() >= 0
    assert value.max() <= 1 + 1e-12
    assert (value[points[:, 0] < SIZE / 2 - 200] > 0.999).all()
    assert (value[points[:, 0] > SIZE / 2 + 200] < 0.001).all()


def test_facets_on_a_face_of_the_box_cover_it(result3: Result) -> None:
    points, tets = result3.marrow.mesh()
    box = np.array([[0.0, 0, 0], [SIZE] * 3])
    found = box_facets(points, tets, box)
    assert len(found) == 6
    for (side, axis), triangles in found.items():
        assert (points[triangles][..., axis] == box[side, axis]).all()
        a, b, c = (points[triangles[:, k]] for k in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
        assert abs(area / SIZE**2 - 1) < 1e-9
