# SPDX-License-Identifier: LGPL-3.0-or-later
"""Problems of a case, its model and its sample come together and point into the case."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteofield.cli.casefile import located_in, read
from osteofield.errors import InputError, Problem

from ..infected import point

CASE = point(load="", time='end = "1 day"')


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


def test_a_problem_of_the_image_points_to_the_line_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.nrrd").touch()
    path = tmp_path / "a.toml"
    path.write_text(
        CASE.replace("well_mixed = true", 'image = "scan.nrrd"\nthreshold = 1\ncell_size = "9 um"')
    )
    for settings, where in [
        ([], f"{path}:3: sample.image"),
        (["sample.image=scan.nrrd"], "--set sample.image=scan.nrrd"),
    ]:
        case = read(str(path), settings)
        with pytest.raises(InputError) as caught, located_in(case):
            raise InputError(Problem("it has no bone.", tmp_path / "scan.nrrd"))
        assert str(caught.value) == f"{where}: it has no bone."
