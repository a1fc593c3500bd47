# SPDX-License-Identifier: LGPL-3.0-or-later
"""The search for settings, against integrators made of formulas."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.error import LIMIT
from benchmarks.method import Method
from benchmarks.search import RUNG, NoSettings, Search
from benchmarks.worker import Report

METHOD = Method("toy", "toy", lambda *_: None, {"order": (1, 2), "speed": (1.0, 3.0)}, tolerance=1e-1)


def toy(settings, limit):
    tolerance, order = settings["tolerance"], settings["order"]
    cpu = (10 if order == 1 else 2) * tolerance**-0.25 / settings["speed"]
    return Report(error=0.3 * tolerance, cpu=cpu) if cpu < limit else Report(failed="given up")


def test_finds_the_cheapest_that_is_accurate_enough():
    found = Search(METHOD, toy, lambda line: None).run(METHOD.first, tuple(METHOD.space))
    assert (found["order"], found["speed"]) == (2, 3.0)
    assert LIMIT / RUNG**3 < 0.3 * found["tolerance"] <= LIMIT


def test_no_settings_are_accurate_enough():
    search = Search(METHOD, lambda settings, limit: Report(error=1.0, cpu=1.0), lambda line: None)
    with pytest.raises(NoSettings, match="no settings of toy reach an error of 0.001"):
        search.run(METHOD.first, ())


def test_a_method_that_fails_is_passed_over():
    def fails(settings, limit):
        return Report(failed="unstable") if settings["order"] == 2 else toy(settings, limit)

    found = Search(METHOD, fails, lambda line: None).run(METHOD.first, tuple(METHOD.space))
    assert (found["order"], found["speed"]) == (1, 3.0)


@pytest.mark.parametrize(("order", "work"), [(1, {1: 90, 2: 100}), (2, {1: 100, 2: 90})])
def test_counts_decide_between_times_that_are_near(order, work):
    method = replace(METHOD, space={"order": (1, 2)}, work="iterations")

    def near(settings, limit):
        k = settings["order"]
        return Report(error=9e-4, cpu={1: 10.0, 2: 10.3}[k] * 100, facts={"iterations": work[k]})

    assert Search(method, near, lambda line: None).run(method.first, ("order",))["order"] == order
