# SPDX-License-Identifier: LGPL-3.0-or-later
"""Profiles: shells around a centre, weighted with volume."""

from __future__ import annotations

import numpy as np

from osteofield.results import Result
from osteofield.view.radial import point_sizes, profile

from .conftest import FOCUS, RADIUS, SIZE


def test_point_sizes_add_up_to_volume_area_and_length(result3: Result, result2: Result) -> None:
    marrow = point_sizes(*result3.marrow.mesh()).sum()
    assert abs(marrow / (SIZE**3 - 4 / 3 * np.pi * RADIUS**3) - 1) < 0.01
    assert abs(point_sizes(*result3.surface.mesh()).sum() / (4 * np.pi * RADIUS**2) - 1) < 0.02
    assert abs(point_sizes(*result2.surface.mesh()).sum() / (2 * np.pi * RADIUS) - 1) < 0.02


def test_profile_of_a_field_that_depends_on_distance_alone_is_that_field(result3: Result) -> None:
    points, tets = result3.marrow.mesh()
    distance = np.linalg.norm(points - FOCUS, axis=1)
    p = profile(distance, np.exp(-distance / 200), point_sizes(points, tets), 20.0)
    np.testing.assert_allclose(p.mean, np.exp(-p.distance / 200), rtol=0.01)
    assert (p.low <= p.mean + 1e-12).all() and (p.mean <= p.high + 1e-12).all()
    assert (np.diff(p.distance) > 0).all()


def test_profile_weights_points_and_gives_quantiles() -> None:
    distance = np.full(100, 5.0)
    values = np.arange(100.0)
    p = profile(distance, values, np.ones(100), 10.0)
    np.testing.assert_allclose([p.mean[0], p.low[0], p.high[0]], [49.5, 9.5, 89.5])
    p = profile(np.r_[1.0, 2.0, 11.0], np.r_[1.0, 4.0, 7.0], np.r_[2.0, 1.0, 1.0], 10.0)
    np.testing.assert_allclose(p.mean, [2.0, 7.0])
