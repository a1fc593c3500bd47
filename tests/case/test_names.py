# SPDX-License-Identifier: LGPL-3.0-or-later
"""Names of a case held against its model."""

# ruff: noqa: E501 - one fault and its message a line

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from osteofield.case import check_names, load_case
from osteofield.case.names import Model

CASE = """\
format = 1
[sample]
well_mixed = true
[model]
name = "small"
[[focus]]
load = "5 CFU/mm^3"
[[therapy]]
drug = "antibiotic"
from = "0 day"
dose.level = 10
[[therapy]]
drug = "infusion"
from = "0 day"
dose.level = "2 nM/h"
[output]
fields = ["TNF"]
[time]
end = "1 day"
"""


def small(inoculum: str | None = "bacteria") -> Model:
    return SimpleNamespace(  # type: ignore[return-value]
        name="small",
        populations=[
            SimpleNamespace(name="TNF", domain="marrow", unit="pM"),
            SimpleNamespace(name="bacteria", domain="marrow", unit="CFU/mm^3"),
            SimpleNamespace(name="OCa", domain="surface", unit="pM"),
        ],
        inputs=[
            SimpleNamespace(name="antibiotic", unit="1", signed=False),
            SimpleNamespace(name="infusion", unit="pM/day", signed=True),
        ],
        roles=SimpleNamespace(inoculum=inoculum),
    )


def found(tmp_path: Path, text: str, model: Model) -> list[str]:
    path = tmp_path / "a.toml"
    path.write_text(text)
    return [str(p).removeprefix(f"{path}:") for p in check_names(load_case(path), model)]


def test_a_right_case(tmp_path: Path) -> None:
    assert found(tmp_path, CASE, small()) == []
    assert found(tmp_path, CASE.replace("2 nM/h", "-2 nM/h"), small()) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "load =",
            'population = "TFN"\nload =',
            "7: focus[0].population: model 'small' has no population 'TFN'; did",
        ),
        ("load =", 'population = "OCa"\nload =', "7: focus[0].population: 'OCa' lives on the bone surface"),
        (
            "load =",
            'population = "TNF"\nload =',
            "8: focus[0].load: the load is added to 'TNF': '5 CFU/mm^3' is a number",
        ),
        (
            "antibiotic",
            "antibiotics",
            "9: therapy[0].drug: model 'small' has no input 'antibiotics', and there is no such drug file; did you mean 'ant",
        ),
        (
            "antibiotic",
            "x",
            "9: therapy[0].drug: model 'small' has no input 'x', and there is no such drug file; there are: anakinra, antibiotic, ",
        ),
        (
            "2 nM/h",
            "2 nM",
            "15: therapy[1].dose.level: 'infusion': '2 nM' is a concentration, but a concentration per",
        ),
        (
            "level = 10",
            "level = -10",
            "11: therapy[0].dose.level: '-10' is not allowed; 'antibiotic' is 0 or positive.",
        ),
        (
            '"TNF"',
            '"OCa", "tnf"',
            "17: output.fields[1]: model 'small' has no population 'tnf'; did you mean 'TNF'?",
        ),
    ],
)
def test_what_the_model_does_not_have(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CASE
    (problem,) = found(tmp_path, CASE.replace(old, new), small())
    assert problem.startswith(message)


def test_a_model_without_inoculum_needs_a_population(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, CASE, small(inoculum=None))
    assert problem == (
        "6: focus[0].population: model 'small' names no inoculum, so this key is needed; it has: TNF, bacteria."
    )
    named = CASE.replace("load =", 'population = "bacteria"\nload =')
    assert found(tmp_path, named, small(inoculum=None)) == []
