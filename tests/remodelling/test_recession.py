# SPDX-License-Identifier: LGPL-3.0-or-later
"""Displacement between the vertices of a surface."""

import numpy as np
import pytest

from osteofield.remodelling import Phase
from osteofield.remodelling.recession import Recession


def middles(surface: Phase) -> tuple[np.ndarray, np.ndarray]:
    """Points in the middle of the facets, and the rows of their corners."""
    return surface.points[surface.cells].mean(1), surface.cells


@pytest.mark.parametrize("size", [(400.0, 400.0), (400.0, 400.0, 400.0)])
def test_a_bent_displacement_is_followed_between_the_vertices(shape, size):
    """A wave along a plate: off by a tenth of what linear interpolation is; no new crests."""
    surface = Phase.surface(shape("plate", size, 25.0, thickness=185.0).sample)

    def wave(x):
        return 10.0 + np.sin(x[:, 1:].sum(1) / 60.0)

    depth = wave(surface.points)
    x, cells = middles(surface)
    inside = (np.abs(x[:, 1:] - 200.0) < 150.0).all(1) & (np.abs(np.sin(x[:, 1:].sum(1) / 60.0)) < 0.9)
    found = Recession(surface, depth).at(x, 50.0)
    linear = depth[cells].mean(1)
    bent, flat = (np.sqrt(((f - wave(x))[inside] ** 2).mean()) for f in (found, linear))
    assert bent < 0.1 * flat
    assert (found >= depth[cells].min(1)).all() and (found <= depth[cells].max(1)).all()


@pytest.mark.parametrize("size", [(400.0, 400.0), (400.0, 400.0, 400.0)])
def test_vertices_constants_and_jumps(shape, size):
    """Values at vertices are theirs, constants stay constant to the bit, a jump does not overshoot."""
    surface = Phase.surface(shape("plate", size, 25.0, thickness=185.0).sample)
    x, _ = middles(surface)
    assert (Recession(surface, np.full(surface.own, 3.1)).at(x, 50.0) == 3.1).all()
    jump = np.where(surface.points[:, 1] > 190.0, 5.0, 0.0)
    recession = Recession(surface, jump)
    np.testing.assert_allclose(recession.at(surface.points, 50.0), jump, atol=1e-9)
    values = recession.at(x, 50.0)
    assert values.min() >= 0.0 and values.max() <= 5.0
    assert recession.furthest == 5.0 and not recession.rests
    assert Recession(surface, np.zeros(surface.own)).rests
