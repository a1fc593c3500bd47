# SPDX-License-Identifier: LGPL-3.0-or-later
"""The error by which settings are chosen."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.error import Solution, relative_errors

VOLUMES, AREAS = np.array([1.0, 3.0]), np.array([2.0])


def solution(marrow, surface):
    return Solution(np.array(marrow, float), np.array(surface, float))


def test_is_relative_and_weighted_by_volume():
    exact = solution([[[1.0], [2.0]]], [[[4.0]]])
    found = solution([[[1.1], [2.0]]], [[[4.2]]])
    errors = relative_errors(found, exact, VOLUMES, AREAS)
    np.testing.assert_allclose(errors, [[0.1 / np.sqrt(13), 0.05]])


def test_floor_measures_against_the_largest_norm():
    exact = solution([[[1.0], [1.0]], [[1e-6], [1e-6]]], np.zeros((2, 0, 0)))
    found = solution([[[1.0], [1.0]], [[2e-6], [2e-6]]], np.zeros((2, 0, 0)))
    assert relative_errors(found, exact, VOLUMES, AREAS)[1, 0] == pytest.approx(1.0)
    assert relative_errors(found, exact, VOLUMES, AREAS, floor=0.01)[1, 0] == pytest.approx(1e-4)


def test_without_surface_populations():
    exact = solution([[[1.0], [1.0]]], np.zeros((1, 0, 0)))
    assert relative_errors(exact, exact, VOLUMES, AREAS).shape == (1, 1)
