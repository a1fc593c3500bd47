# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dealing out a whole sample."""

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import build_sample
from osteofield.geometry.piece import bisect


@pytest.fixture(scope="module")
def points():
    shape = ShapeSpec("sphere", (600.0, 500.0, 400.0), radius=150.0)
    return build_sample(SampleSpec(shape=shape, cell_size=60.0)).points


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 16])
def test_bisection_is_balanced_and_deterministic(points, parts):
    part = bisect(points, parts)
    counts = np.bincount(part, minlength=parts)
    assert len(counts) == parts
    assert counts.max() - counts.min() <= 2
    assert np.array_equal(part, bisect(points, parts))


def test_bisection_cuts_the_longest_side_first(points):
    part = bisect(points, 2)
    x = points[:, 0]
    assert x[part == 0].max() <= x[part == 1].min()


def test_bisection_of_fewer_points_than_parts():
    part = bisect(np.array([[0.0, 0], [1, 0], [0, 1]]), 4)
    assert part.shape == (3,) and len(set(part)) == 3 and part.max() < 4
