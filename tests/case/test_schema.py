# SPDX-License-Identifier: LGPL-3.0-or-later
"""The JSON schema for editors says what the reader does."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest

from osteofield.case import load_case
from osteofield.case.schema import case_schema, descriptions, schema_text
from osteofield.errors import InputError

BASE = """\
format = 1
[sample]
synthetic = { size = ["1 mm", "1 mm", "1 mm"] }
cell_size = "50 um"
[model]
name = "osteoimmune"
[[focus]]
center = "center"
radius = "300 um"
load = "1000 CFU/mm^3"
[time]
end = "7 day"
"""


@pytest.fixture(scope="module")
def schema(repository: Path) -> dict[str, Any]:
    return json.loads((repository / "docs" / "case.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def accept(schema: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    return fastjsonschema.compile(schema)


def test_the_published_file_is_that_of_the_reader(repository: Path) -> None:
    published = (repository / "docs" / "case.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(repository), "the keys of a case have changed: run 'make schema'"


def test_every_shipped_case_is_accepted_and_so_is_what_it_resolves_to(repository: Path, accept) -> None:
    resolved = 0
    for path in sorted((repository / "cases").glob("*.toml")):
        accept(tomllib.loads(path.read_text(encoding="utf-8")))
        try:
            case = load_case(path)
        except InputError:  # its image is the user's
            continue
        accept(tomllib.loads(case.resolved))
        resolved += 1
    assert resolved > 10


def test_what_the_reader_refuses_by_form_is_refused(accept) -> None:
    accept(tomllib.loads(BASE))
    for old, new in (
        ("[time]", "[tiem]"),
        ('end = "7 day"', "end = 7"),
        ('end = "7 day"', 'end = "7"'),
        ('end = "7 day"', ""),
        ('name = "osteoimmune"', "name = 3"),
        ("format = 1\n", ""),
        ("radius", "radus"),
        ("[[focus]]", "[focus]"),
        ('load = "1000 CFU/mm^3"', ""),
        ("[time]", "[initial]\nstate = 'healthy'\n[time]"),
        ("[time]", "[model.switches]\nOPG_drop = 'on'\n[time]"),
        ("[time]", "[time]\ntolerance = 0.5"),
        ('"1 mm", "1 mm", "1 mm"', '"1 mm", "1 mm"'),
        ('cell_size = "50 um"', 'cell_size = "50 um"\nslice = { axis = "w" }'),
    ):
        assert old in BASE
        with pytest.raises(fastjsonschema.JsonSchemaException):
            accept(tomllib.loads(BASE.replace(old, new, 1)))


def test_every_way_to_give_a_key_is_accepted(accept) -> None:
    for old, new in (
        ('center = "center"', 'center = ["0.5 mm", "0.5 mm", "0.5 mm"]'),
        ("[time]", "[model.parameters]\nturnover = 'rodent'\nanything = 3\nelse = '1 pM'\n[time]"),
        ("[time]", "[[therapy]]\ndrug = 'antibiotic'\nfrom = '1 day'\ndose = { level = 10 }\n[time]"),
        ("[time]", "[[therapy]]\ndrug = 'vancomycin'\nfrom = '1 day'\ndose = { bolus = '15 mg/kg' }\n[time]"),
        ("[time]", "[output]\ntimes = ['0 day', '7 day']\nfields = ['TNF']\n[time]"),
        ("[time]", "[[arm]]\nname = 'a'\nmodel.parameters.x = 1\n[[arm]]\nname = 'b'\n[time]"),
        ('synthetic = { size = ["1 mm", "1 mm", "1 mm"] }', 'image = "a.nrrd"\nthreshold = "otsu"'),
    ):
        assert old in BASE
        accept(tomllib.loads(BASE.replace(old, new, 1)))


def test_a_new_key_of_the_reader_is_found_without_further_ado(monkeypatch: pytest.MonkeyPatch) -> None:
    """Optional, inside a table that only another optional key leads to."""
    from osteofield.case import loader

    known = loader.read_checkpoint

    def reading(table):
        if table.has("copy") and table.choice("copy", ("never", "always"), "never") == "always":
            table.table("where").quantities("far", "um", (2,), example='["1 um", "2 um"]')
        return known(table)

    monkeypatch.setattr(loader, "read_checkpoint", reading)
    found = case_schema([])["properties"]["checkpoint"]["properties"]
    assert found["copy"]["enum"] == ["never", "always"]
    far = found["where"]["properties"]["far"]
    assert (far["type"], far["minItems"], far["maxItems"]) == ("array", 2, 2)
    assert found["where"]["required"] == ["far"]


def test_keys_are_explained_in_the_words_of_the_reference(schema: dict[str, Any]) -> None:
    sample = schema["properties"]["sample"]["properties"]
    assert sample["threshold"]["description"].startswith("Grey value above which a voxel is bone")
    focus = schema["properties"]["focus"]["items"]["properties"]
    assert "Position" in focus["center"]["description"]
    assert schema["properties"]["time"]["properties"]["tolerance"]["default"] == 1e-3
    text = (
        "## `[time]`\n\n| key | default | meaning |\n|---|---|---|\n| `a`, `b` | `1` | see [x](x.md), `c` |\n"
    )
    assert descriptions(text)[("time", "b")] == "See x, c"
