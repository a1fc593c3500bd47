# SPDX-License-Identifier: LGPL-3.0-or-later
"""Drug levels over time: events, sums, units."""

from __future__ import annotations

from math import exp, nan
from types import SimpleNamespace

import pytest

from osteofield.case.types import Doses, TherapySpec
from osteofield.simulation.schedule import Schedule


def make(*therapies, end=28.0):
    return Schedule({"A": 0.5, "B": 0.0}, {"A": 1.0, "B": 1000.0}, therapies, end)


def test_events_are_ascending_unique_and_inside_the_run():
    s = make(
        TherapySpec("A", 1, 7, 14),
        TherapySpec("B", 1, 0, 7),
        TherapySpec("B", 1, 3, 28),
        TherapySpec("A", 1, 9, 99),
    )
    assert s.events == [3, 7, 9, 14]
    assert [s.next_event(t) for t in (0, 3, 6.9, 14, 27)] == [3, 7, 7, 28, 28]
    assert make().events == []
    assert make().next_event(0.0) == 28.0


def test_levels_hold_from_start_until_just_before_stop():
    s = make(TherapySpec("A", 2, 7, 14))
    assert [s.levels(t)["A"] for t in (0, 6.999, 7, 13.999, 14, 20)] == [0.5, 0.5, 2.5, 2.5, 0.5, 0.5]
    assert s.levels(7)["B"] == 0.0


def test_overlapping_courses_add_up():
    s = make(TherapySpec("A", 2, 0, 10), TherapySpec("A", 3, 5, 15))
    assert [s.levels(t)["A"] for t in (0, 5, 10, 15)] == [2.5, 5.5, 3.5, 0.5]
    assert s.defaults["A"] == 0.5  # not changed by asking


@pytest.mark.parametrize(("text", "level"), [("2", 2000.0), ("2.0", 2000.0), ("", 2000.0), ("2 pM/day", 2.0)])
def test_a_plain_number_counts_in_the_unit_of_the_input(text, level):
    assert make(TherapySpec("B", 2.0, 0, 1, text)).levels(0)["B"] == level


def test_levels_between_doses_follow_serum_exactly():
    agent = SimpleNamespace(acts_on="A")
    doses = Doses("bolus", (7.0, 9.0), (100.0, 100.0))
    s = make(TherapySpec("d", nan, 7, 28, agent=agent, doses=doses, elimination=0.5, share=0.02))
    assert s.varies and s.events == [7, 9]
    assert s.levels(6.9)["A"] == 0.5
    assert s.levels(8.0)["A"] == pytest.approx(0.5 + 2.0 * exp(-0.5))
    levels, slopes = s.course(10.0)
    assert levels["A"] == pytest.approx(0.5 + 2.0 * (exp(-1.5) + exp(-0.5)))
    assert slopes == {"A": pytest.approx(-0.5 * (levels["A"] - 0.5))}
