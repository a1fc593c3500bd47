# SPDX-License-Identifier: LGPL-3.0-or-later
"""Step-size control: the ladder, events, growth after acceptance, cuts after rejection, the floor."""

from __future__ import annotations

import math

import pytest

from osteofield.integrator import StepControl


def on_ladder(h: float) -> bool:
    rung = 16 * math.log2(h)
    return abs(rung - round(rung)) < 1e-9


@pytest.mark.parametrize("h", [1e-9, 1e-4, 0.3, 1.0, 7.0])
def test_rung_is_the_largest_ladder_step_not_above(h):
    r = StepControl(1.0, 1e-9).rung(h)
    assert on_ladder(r)
    assert r <= h * (1 + 1e-7) < r * 2 ** (1 / 4) * (1 + 1e-6)


def test_rung_does_not_see_round_off():
    """Runs on another number of ranks differ by round-off; they must take the same steps."""
    c = StepControl(1.0, 1e-9)
    for k in (-40, -7, 0, 5):
        h = 2.0 ** (k / 16)
        assert c.rung(h * (1 - 1e-12)) == c.rung(h) == c.rung(h * (1 + 1e-12))


def test_first_step_is_on_the_ladder_and_not_above_the_longest():
    assert on_ladder(StepControl(0.3, 1e-9).step)
    assert StepControl(10.0, 1e-9, 0.5).step == 0.5


@pytest.mark.parametrize(
    ("left", "taken"),
    [(0.3, 0.3), (1.0, 1.0), (1.0 + 1e-12, 1.0 + 1e-12), (1.2, 0.6), (1.99, 0.995), (2.0, 1.0), (5.0, 1.0)],
)
def test_fit_hits_the_stop_without_a_sliver(left, taken):
    assert StepControl(1.0, 1e-9).fit(0.0, left) == taken


def test_accept_follows_the_elementary_controller():
    c = StepControl(1.0, 1e-9)
    c.accept(1.0, 0.5)
    assert c.step == c.rung(0.9 * 0.5**-0.25)
    c = StepControl(1.0, 1e-9)
    c.accept(1.0, 1.0)
    assert c.step == c.rung(0.9)


def test_growth_is_bounded_and_stops_at_the_longest():
    c = StepControl(1.0, 1e-9)
    c.accept(1.0, 0.0)
    assert c.step == c.rung(3.0)
    c = StepControl(1.0, 1e-9, 2.0)
    c.accept(1.0, 0.0)
    assert c.step == 2.0


def test_step_cut_short_by_an_event_does_not_shorten_the_next():
    c = StepControl(1.0, 1e-9)
    c.accept(0.01, 1e-3)
    assert c.step > 0.03  # a mere threefold growth
    short = StepControl(1.0, 1e-9)
    short.accept(0.01, 1e-16)
    assert short.step == 1.0  # nothing speaks against the step planned


def test_no_growth_right_after_a_rejection():
    c = StepControl(1.0, 1e-9)
    assert c.reject(1.0, 16.0)
    assert c.step == c.rung(0.45)
    tried = c.step
    c.accept(tried, 1e-8)
    assert c.step == tried
    c.accept(tried, 1e-8)
    assert c.step == c.rung(3 * tried)


@pytest.mark.parametrize(("error", "factor"), [(1.0001, 0.8), (1e9, 0.2), (math.inf, 0.25)])
def test_cut_after_a_rejection(error, factor):
    c = StepControl(1.0, 1e-9)
    c.reject(1.0, error)
    assert c.step == c.rung(factor)


def test_floor():
    c = StepControl(1e-3, 1e-4)
    assert c.reject(1e-3, math.inf)
    assert not c.reject(c.step, 1e9)
