# SPDX-License-Identifier: LGPL-3.0-or-later
"""The reference of case files says what the reader does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from osteofield.case import load_case
from osteofield.case.loader import TABLES
from osteofield.cli.entry import VERBS


@pytest.fixture(scope="module")
def reference(repository: Path) -> str:
    return (repository / "docs" / "cases.md").read_text(encoding="utf-8")


def test_its_example_is_a_right_case(reference: str, tmp_path: Path) -> None:
    example, *_ = re.findall(r"```toml\n(.*?)```", reference, re.S)
    path = tmp_path / "example.toml"
    path.write_text(example, encoding="utf-8")
    assert load_case(path).therapies[0].drug == "antibiotic"


def test_its_defaults_are_those_of_the_reader(reference: str, tmp_path: Path) -> None:
    text = (
        'format = 1\n[sample]\nsynthetic = { size = ["1 mm", "1 mm", "1 mm"] }\ncell_size = "50 um"\n'
        '[model]\nname = "x"\n[time]\nend = "1 day"\n'
    )
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    resolved = load_case(path).resolved
    documented = dict(re.findall(r"^\| `(\"?[\w/]+\"?)` \| `([^`]+)` \|", reference, re.M))
    found = dict(re.findall(r"^(\"?[\w/]+\"?) = (.+)$", resolved, re.M))
    shared = set(documented) & set(found)
    assert len(shared) > 12
    for key in shared - {"smoothing", "voxel"}:  # two tables have these
        assert _value(documented[key]) == _value(found[key]), key


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def test_every_table_and_key_is_documented(reference: str, repository: Path) -> None:
    for table in TABLES:
        assert f"`{table}`" in reference or f"[{table}]" in reference, table
    room = repository / "solver" / "osteofield" / "case"
    code = "".join(path.read_text("utf-8") for path in room.glob("*.py"))
    keys = set(
        re.findall(
            r"\.(?:text|choice|words|flag|integer|number|quantity|quantities|path|table)\(\s*\"([^\"]+)\"",
            code,
        )
    )
    assert len(keys) > 40
    for key in keys - {"from", "to"}:
        assert re.search(rf"\b{re.escape(key)}\b", reference), key


def test_every_verb_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "cli.md").read_text(encoding="utf-8")
    for verb in VERBS:
        assert re.search(rf"^\| `{verb}[ `]", text, re.M), verb
