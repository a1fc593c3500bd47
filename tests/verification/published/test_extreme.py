# SPDX-License-Identifier: LGPL-3.0-or-later
"""Maxima between the points of a course."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.verification.extreme import interpolate, peaks, prominent


def test_a_maximum_between_points_and_its_error_estimate() -> None:
    errors = []
    for n in (101, 201):
        t = np.linspace(0, 10, n)
        (found,) = peaks(t, np.exp(-((t - 3.333) ** 2) / 2), ends=False)
        errors.append(abs(found.time - 3.333))
        assert errors[-1] <= found.time_error
        assert abs(found.value - 1) <= max(found.value_error, 1e-15)
        assert found.around[0] < found.time < found.around[1]
    assert errors[1] < errors[0] / 20  # of a polynomial of degree 6: the fifth power of the distance


def test_a_kink_is_not_smoothed() -> None:
    t = np.sort(np.append(np.linspace(0, 10, 61), 3.3))
    y = np.where(t < 3.3, np.exp(t - 3.3), np.exp(3 * (3.3 - t)))
    (found,) = peaks(t, y, [3.3])
    assert found.time == pytest.approx(3.3, abs=1e-12)
    assert found.value == pytest.approx(1.0, abs=1e-12)
    (smoothed,) = peaks(t, y)
    assert abs(smoothed.value - 1) > 1e-6  # which the break prevents


def test_ends_count_only_where_asked_for() -> None:
    t = np.linspace(0, 1, 11)
    assert peaks(t, t) == []
    (last,) = peaks(t, t, ends=True)
    assert (last.time, last.value) == (1.0, 1.0)


def test_ripples_are_no_maxima_of_a_cycle() -> None:
    t = np.linspace(0, 20, 4001)
    y = np.sin(t) + 1e-4 * np.sin(200 * t)
    assert len(peaks(t, y)) > 3
    kept = prominent(peaks(t, y), t, y)
    assert [p.time for p in kept] == pytest.approx([np.pi / 2 + 2 * np.pi * k for k in range(3)], abs=0.02)


def test_values_between_points() -> None:
    t = np.linspace(0, 1, 21)
    assert interpolate(t, np.exp(t), 0.987) == pytest.approx(np.exp(0.987), rel=1e-9)
    assert interpolate(t, np.exp(t), 0.0) == 1.0
