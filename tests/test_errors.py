# SPDX-License-Identifier: LGPL-3.0-or-later
"""Problems as text, and suggestions."""

import pytest

from osteofield.errors import InputError, Problem, did_you_mean


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("wrong."), "wrong."),
        (Problem("wrong.", "a.toml"), "a.toml: wrong."),
        (Problem("wrong.", "a.toml", 3), "a.toml:3: wrong."),
        (Problem("wrong.", "a.toml", 3, "time.end"), "a.toml:3: time.end: wrong."),
        (Problem("wrong.", key="time.end"), "time.end: wrong."),
    ],
)
def test_problem_is_located_as_far_as_known(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_input_error_carries_all_problems() -> None:
    error = InputError(Problem(f"problem {i}.") for i in range(3))
    assert len(error.problems) == 3
    assert str(error) == "problem 0.\nproblem 1.\nproblem 2."
    assert InputError(Problem("one.")).problems == (Problem("one."),)


def test_did_you_mean_suggests_near_words_and_lists_others() -> None:
    known = ["RANKL", "OPG", "TNF"]
    assert did_you_mean("RANLK", known) == "; did you mean 'RANKL'?"
    assert did_you_mean("rankl", known) == "; did you mean 'RANKL'?"
    assert did_you_mean("xyz", known) == "; known: OPG, RANKL, TNF."
    assert did_you_mean("xyz", known, otherwise="allowed") == "; allowed: OPG, RANKL, TNF."
    assert did_you_mean("xyz", []) == "."
