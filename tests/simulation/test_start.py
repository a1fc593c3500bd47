# SPDX-License-Identifier: LGPL-3.0-or-later
"""The state at day 0: how homeostasis is found, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.errors import ComputationStopped
from osteofield.simulation.start import with_names

from ..infected import ball, point

HOUR = {"time": 'end = "1 hour"', "output": 'every = "1 hour"'}
POINT = point(load="", **HOUR)


@pytest.fixture
def found(case, simulate):
    """``found(text, model=)``: the run, and the line of its log that says how homeostasis was found."""

    def run(text, model="osteoimmune"):
        r = simulate(case(f"model.name={model}", text=text))
        return r, r.log.split("homeostasis: ")[1].split("\n")[0]

    return run


def test_bone_is_brought_to_rest_without_a_course_in_time(found):
    """Without infection cells stay where homeostasis has put them, which differs from point to point."""
    r, how = found(ball(load="", **HOUR))
    assert how.split()[1:3] == ["Newton", "iterations,"]
    first, last = r.writer.frames[0].surface, r.writer.frames[-1].surface
    for name in ("OBp", "OBa", "OCp", "OCa"):
        assert np.ptp(first[name]) > 1e-3 * first[name].max(), name
        assert last[name] == pytest.approx(first[name], rel=1e-7), name


def test_course_in_time_decides_where_initial_values_are_not_at_rest(found):
    """Reynolds et al. 2006 begin with pathogens, for which there are several states of rest."""
    _, how = found(POINT, "reynolds2006")
    assert how.split()[1] == "steps"


def test_no_homeostasis_is_said(found):
    with pytest.raises(ComputationStopped, match=r"^homeostasis: no steady state within 1e\+05 days"):
        found(POINT, "jarrett2015")


def test_messages_name_populations():
    names = ("TNF", "OCa")
    assert with_names("population 1 is below population 0.", names) == "OCa is below TNF."
