# SPDX-License-Identifier: LGPL-3.0-or-later
"""Problems of a case, its model and its sample come together and point into the case."""

from __future__ import annotations

from pathlib import Path

import pytest
from osteofield.cli.casefile import located_in, read
from osteofield.errors import InputError, Problem

CASE = """\
format = 1
[sample]
well_mixed = true
[model]
name = "osteoimmune"
[time]
end = "1 day"
"""


def test_problems_of_case_and_model_come_together_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    text = CASE.replace("[time]", "[model.parameters]\nturnvr = 1\n[time]").replace("1 day", "1 um")
    path.write_text(text.replace("[sample]", "[sample]\nvoxel = 3"))
    with pytest.raises(InputError) as caught:
        read(str(path), [])
    assert [p.line for p in caught.value.problems] == [3, 8, 10]
    assert "did you mean 'turnover'?" in caught.value.problems[1].message


def test_a_right_case_is_returned(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(CASE)
    assert read(str(path), ["time.end=3 day"]).time.end == 3.0


def test_a_problem_that_names_only_a_key_gets_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(CASE)
    case = read(str(path), [])
    others = [Problem("elsewhere.", "scan.nrrd"), Problem("nowhere.")]
    with pytest.raises(InputError) as caught, located_in(case):
        raise InputError([Problem("too large.", key="sample.cell_size"), *others])
    assert list(map(str, caught.value.problems)) == [
        f"{path}:2: sample.cell_size: too large.",
        "scan.nrrd: elsewhere.",
        "nowhere.",
    ]
