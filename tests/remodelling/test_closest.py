# SPDX-License-Identifier: LGPL-3.0-or-later
"""Closest points on facets, against brute force."""

import numpy as np
import pytest

from osteofield.geometry.grid import Grid
from osteofield.remodelling import Contour
from osteofield.remodelling.closest import Facets


def sampled(corners, n=60):
    """Points all over one facet."""
    if corners.shape[0] == 2:
        t = np.linspace(0, 1, 4000)[:, None]
        return (1 - t) * corners[0] + t * corners[1]
    a, b = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
    keep = a + b <= 1
    a, b = a[keep][:, None], b[keep][:, None]
    return (1 - a - b) * corners[0] + a * corners[1] + b * corners[2]


@pytest.mark.parametrize("d", [2, 3])
def test_one_facet(d):
    """Inside, beside every edge and beyond every corner."""
    rng = np.random.default_rng(d)
    corners = rng.normal(size=(1, d, d))
    points = rng.normal(size=(300, d)) * 2
    found = Facets(corners).closest(points)
    brute = np.linalg.norm(points[:, None] - sampled(corners[0])[None], axis=2).min(1)
    assert (found.distance <= brute + 1e-12).all()
    assert np.abs(found.distance - brute).max() < 0.02
    foot = np.einsum("ij,jk->ik", found.weights, corners[0])
    assert np.allclose(np.linalg.norm(foot - points, axis=1), found.distance)
    assert found.weights.min() >= 0 and np.allclose(found.weights.sum(1), 1)


@pytest.mark.parametrize("d", [2, 3])
def test_many_facets(d):
    """Exact within reach, on a surface and on facets of very different sizes; good beyond."""
    grid = Grid((0.0,) * d, (1.0,) * d, (14,) * d)
    x = grid.points() - 7.2
    ball = Contour(4.1 - np.linalg.norm(x, axis=1).reshape(grid.shape), grid).corners
    rng = np.random.default_rng(d)
    mixed = 14 * rng.random((300, 1, d)) + rng.normal(size=(300, d, d)) * rng.random((300, 1, 1)) ** 4
    points = np.vstack([grid.points()[::7], 30 * rng.random((40, d)) - 8])
    for corners in (ball, mixed):
        each = np.array([Facets(c[None]).closest(points).distance for c in corners]).min(0)
        for reach in (4.0, np.inf):
            found = Facets(corners).closest(points, reach).distance
            near = each < reach
            assert np.abs(found - each)[near].max() < 1e-12
            assert (found >= each - 1e-12).all()
            if corners is ball:
                assert np.abs(found - each).max() < 0.05


def test_values_are_interpolated_on_the_facet():
    """What belongs to a facet comes with the closest point, here values at its corners."""
    corners = np.array([[[9.0, 9, 9], [8, 9, 9], [9, 8, 9]], [[0, 0, 0], [2, 0, 0], [0, 2, 0]]])
    facets = Facets(corners, np.array([[7.0, 7, 7], [1, 3, 5]]))
    found = facets.closest(np.array([[0.5, 0.5, 3.0], [-1.0, -1.0, 0.0]]))
    values = (found.weights * found.data).sum(1)
    assert values == pytest.approx([1 + 0.25 * 2 + 0.25 * 4, 1.0])


def test_of_equally_near_facets_the_first_counts():
    """So the answer does not depend on the order in which ranks give their facets."""
    edges = np.array([[[0.0, 0], [1, 0]], [[1.0, 0], [2, 0]]])
    for order in ([0, 1], [1, 0]):
        keys = np.array([3, 8])[order]
        found = Facets(edges[order], keys[:, None].astype(float), keys).closest(np.array([[1.0, 2.0]]))
        assert found.data.tolist() == [[3.0]]


def test_nothing_to_be_near_to():
    with pytest.raises(ValueError, match="no facets"):
        Facets(np.zeros((0, 3, 3))).closest(np.zeros((1, 3)))
