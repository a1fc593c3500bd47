# SPDX-License-Identifier: LGPL-3.0-or-later
"""Polynomials through past states."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import System, area
from osteofield.integrator.history import History

TIMES = (0.0, 0.3, 0.4, 0.9, 1.0, 1.7)


@pytest.fixture
def past(problems):
    """States t^p in population p, at uneven times."""
    history = History(System(problems.single()), 6)
    for t in TIMES:
        y = history.room()
        y[:] = [1.0, t, t**3]
        history.push(t, y, y * 2.0)
    return history


def test_polynomials_are_exact_up_to_their_degree(past):
    out = np.empty(3)
    for t in (2.0, 0.95, -1.0):
        ledger = past.combine(past.value(t, 4), out)
        assert out == pytest.approx([1.0, t, t**3], rel=1e-12)
        assert ledger == pytest.approx(2.0 * out, rel=1e-12)
        past.combine(past.slope(t, 5), out)
        assert out == pytest.approx([0.0, 1.0, 3 * t**2], abs=1e-11)
    past.combine(past.slope_now(4), out)
    assert out == pytest.approx([0.0, 1.0, 3 * TIMES[-1] ** 2], abs=1e-11)
    past.combine(past.slope_now(2), out)
    assert out[:2] == pytest.approx([0.0, 1.0])
    past.combine(past.value(2.0, 2), out)
    assert out[:2] == pytest.approx([1.0, 2.0]) and abs(out[2] - 8.0) > 0.1
    assert past.value(1.0, 2, first=1) == pytest.approx([1.0, 0.0], abs=1e-15)


def test_the_newest_are_kept_and_vectors_are_used_again(past):
    assert past.times == sorted(TIMES, reverse=True)
    oldest, newest = past.states[-1], past.states[0]
    past.push(2.0, past.room(), np.zeros(3))
    assert len(past) == 6 and past.times[-1] == 0.3
    assert past.room() is oldest
    past.pop()
    assert past.states[0] is newest
    past.clear()
    assert past.times == [1.7] and past.states == [newest]


def test_no_more_vectors_are_kept_than_a_step_needs(past):
    for _ in range(5):
        past.give_back(np.zeros(3))
    assert len(past._spare) == 2
    past.clear()
    assert len(past._spare) == 7


def test_area_below_the_polynomial_between_the_two_newest():
    times = sorted(TIMES, reverse=True)
    weights = area(times)
    for p in range(len(TIMES)):
        exact = (1.7 ** (p + 1) - 1.0) / (p + 1)
        assert weights @ np.array(times) ** p == pytest.approx(exact, rel=1e-11)
    assert area([3.0, 1.0]) == pytest.approx([1.0, 1.0])
