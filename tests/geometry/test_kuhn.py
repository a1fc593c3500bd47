# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables of the Kuhn subdivision."""

import numpy as np
import pytest

from osteofield.geometry.kuhn import kuhn


@pytest.mark.parametrize(("d", "neighbours", "facets"), [(2, 6, 6), (3, 14, 24)])
def test_link_is_a_closed_circle_or_sphere(d, neighbours, facets):
    k = kuhn(d)
    assert len(k.neighbours) == neighbours
    sets = np.arange(1 << neighbours)
    size = np.array([bin(s).count("1") for s in sets])
    assert k.has_facet[size == d].sum() == facets  # a sphere of 14 points has 2 * 14 - 4 triangles
    assert k.one_component[size == 1].all()
    assert not k.one_component[0]
    edges = k.one_component[size == 2].sum()
    assert neighbours - edges + (facets if d == 3 else 0) == (2 if d == 3 else 0)  # Euler


@pytest.mark.parametrize("d", [2, 3])
def test_simplices_fill_the_cube(d):
    k = kuhn(d)
    x = k.corners[k.simplices].astype(float)
    volume = np.linalg.det(x[:, 1:] - x[:, :1])
    assert np.abs(volume).sum() == pytest.approx(len(volume))
    assert ((volume < 0) == k.negative).all()


def test_opposite_neighbours_are_not_joined():
    k = kuhn(3)
    both = (1 << 0) | (1 << 7)  # +z and -z
    assert not k.one_component[both]
