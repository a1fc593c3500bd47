# SPDX-License-Identifier: LGPL-3.0-or-later
"""Arms: several cases in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteofield.case import load_case
from osteofield.errors import InputError

from ..infected import RODENT, point

CASE = point(
    """
[[therapy]]
drug = "antibiotic"
from = "2 day"
dose = { level = 1 }
[[arm]]
name = "one"
[[arm]]
name = "two"
[arm.model.parameters]
e = 2
[arm.model.switches]
OPG_drop = false
[[arm.therapy]]
drug = "denosumab"
from = "1 day"
dose = { injection = "1 mg/kg" }
""",
    head='title = "Trial"',
    parameters=RODENT,
    time='end = "4 day"',
)


@pytest.fixture
def load(tmp_path: Path):
    def read(text: str = CASE, *settings: str):
        path = tmp_path / "case.toml"
        path.write_text(text)
        return load_case(path, settings)

    return read


def test_an_arm_is_the_case_with_its_changes(load):
    case = load()
    one, two = case.arms
    assert (one.name, two.name, two.title) == ("one", "two", "Trial: two")
    assert one.model.parameters == {"turnover": "rodent"}
    assert two.model.parameters == {"turnover": "rodent", "e": 2.0}
    assert two.model.switches == {"OPG_drop": False}
    assert [t.drug for t in one.therapies] == ["antibiotic"]
    assert [t.drug for t in two.therapies] == ["antibiotic", "denosumab"]
    assert one.sample == two.sample == case.sample and not one.arms


def test_the_resolved_case_says_the_same_again(load):
    case = load()
    again = load(case.resolved, "name=case")
    assert again.arms == case.arms
    arm = load(case.arms[1].resolved)
    assert arm == case.arms[1]


def test_settings_reach_all_arms_and_single_ones(load):
    case = load(CASE, "time.end=6 day", "arm.1.model.parameters.e=3")
    assert {a.time.end for a in case.arms} == {6.0}
    assert case.arms[1].model.parameters["e"] == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "two"', 'name = "one"', "20: arm[1].name: there is an arm 'one' already."),
        ('name = "two"', 'name = "a/b"', "20: arm[1].name: the name of an arm also names a folder"),
        ('name = "two"', "", "arm[1].name: this key is needed"),
        ('[[arm]]\nname = "one"\n', "", "17: arm[0]: one arm alone compares nothing"),
        ("[[arm.therapy]]", "[[arm.therapie]]", "arm[1].therapie: this key is not known; did you mean"),
        ('injection = "1 mg/kg"', 'injektion = "1 mg/kg"', "28: arm[1].therapy[0].dose.injektion: this key"),
        ('end = "4 day"', 'end = "4 mm"', "12: time.end: '4 mm' is a length"),
        ('from = "1 day"', 'from = "9 day"', "27: arm[1].therapy[0].from: the run ends at 4 day"),
    ],
)
def test_problems_point_into_the_arm_and_are_told_once(load, old, new, said):
    assert CASE.count(old) == 1
    with pytest.raises(InputError) as e:
        load(CASE.replace(old, new))
    found = [str(p).split("case.toml:", 1)[1].lstrip() for p in e.value.problems]
    assert sum(said in f for f in found) == 1, found
    assert len(set(found)) == len(found)
