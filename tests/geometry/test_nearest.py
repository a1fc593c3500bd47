# SPDX-License-Identifier: LGPL-3.0-or-later
"""Nearest points of a surface, against trying every facet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import Sample, build_sample
from osteofield.geometry.nearest import Surface, _closest


def shape(kind: str, size: Sequence[float], cell: float, **more: Any) -> Sample:
    return build_sample(SampleSpec(shape=ShapeSpec(kind, tuple(size), **more), cell_size=cell))  # type: ignore[arg-type]


@pytest.mark.parametrize("d", [2, 3])
def test_nearest_point_of_a_simplex(d: int) -> None:
    """No point of a fine sampling of the simplex is nearer, and one is about as near."""
    rng = np.random.default_rng(1)
    corners, x = rng.normal(size=(60, d, d)), 2 * rng.normal(size=(60, d))
    w = _closest(corners, x)
    assert (w >= -1e-12).all()
    np.testing.assert_allclose(w.sum(1), 1)
    found = np.linalg.norm(np.einsum("nk,nkd->nd", w, corners) - x, axis=1)
    t = np.linspace(0, 1, 101)
    grid = np.stack(np.meshgrid(*[t] * (d - 1), indexing="ij"), -1).reshape(-1, d - 1)
    grid = grid[grid.sum(1) <= 1 + 1e-9]
    samples = np.column_stack([1 - grid.sum(1), grid])
    tried = np.linalg.norm(np.einsum("sk,nkd->nsd", samples, corners) - x[:, None], axis=2).min(1)
    assert (found <= tried + 1e-12).all()
    np.testing.assert_allclose(found, tried, atol=0.03)


def test_flat_triangles_have_nearest_points_too() -> None:
    corners = np.array([[[0.0, 0, 0], [1, 0, 0], [3, 0, 0]]])
    w = _closest(corners, np.array([[2.0, 1, 0]]))
    np.testing.assert_allclose(np.einsum("nk,nkd->nd", w, corners), [[2.0, 0, 0]])


def test_a_mesh_against_every_facet() -> None:
    sample = shape("sphere", (200.0,) * 3, 25.0, radius=70.0)
    used, facets = np.unique(sample.surface, return_inverse=True)
    points, facets = sample.points[used], facets.reshape(-1, 3)
    x = np.random.default_rng(0).uniform(0, 200, (300, 3))
    found = Surface(points, facets).nearest(x)
    every = np.stack([
        np.linalg.norm(np.einsum("nk,nkd->nd", w, points[facets]) - place, axis=1)
        for place in x
        for w in [_closest(points[facets], np.broadcast_to(place, (len(facets), 3)))]
    ])  # fmt: skip
    least = every.min(1)
    assert (found.distance >= least - 1e-9).all()
    np.testing.assert_allclose(found.distance, least, rtol=1e-3, atol=0.1)
    assert np.isclose(found.distance, least).mean() > 0.97
    # linear functions of place are interpolated exactly
    at = np.einsum("nk,nkd->nd", found.weights, points[facets[found.facet]])
    np.testing.assert_allclose(found.interpolate(facets, points @ [1, 2, 3]), at @ [1, 2, 3])
