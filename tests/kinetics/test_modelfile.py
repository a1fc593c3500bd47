# SPDX-License-Identifier: LGPL-3.0-or-later
"""Faults of form in a model file are found, all of them, with their place."""

from __future__ import annotations

import pytest

from osteofield.errors import InputError
from osteofield.kinetics.value import is_number, read_value


def faults(load_text, text):
    with pytest.raises(InputError) as e:
        load_text(text)
    return e.value.problems


CASES = [
    ('title = "A', 'titel = "A', "titel", "did you mean 'title'"),
    ("format = 1", "format = 7", "format", "reads format 1"),
    ('value = "2 1/day"', 'value = "2 1/dya"', "parameter.d.value", "is not a unit"),
    ('value = "2 1/day"', 'value = "fast"', "parameter.d.value", "not a number with a unit"),
    ('source = "Someone2000"\n', "", "parameter.d.source", "the key 'source' is missing"),
    ('source = "Someone2000"\n', 'source = "Somone2000"\n', "parameter.d.source",
     "did you mean 'Someone2000'"),
    ("on = true", 'on = "yes"', "switch.feedback.on", "true or false is needed"),
    ("[input.drug]", "[input.exp]", "input.exp", "a function in formulas"),
    ("[parameter.K]", "[parameter.x]", "parameter.x", "the position in formulas"),
    ("[parameter.K]", "[parameter.lambda]", "parameter.lambda", "reserved"),
    ('h = "C/(K + C)"', 'h = "C/(K + C"', "quantity.h", "cannot be read"),
    (
        'h = "C/(K + C)"',
        'h = { value = "C/(K + C)", unit = "1", meaning = "h", column = "ES/BS" }',
        "quantity.h.column",
        "'ES/BS' is a column of every history",
    ),
    ('h = "C/(K + C)"', "h = true", "quantity.h", "a formula in quotes is needed"),
    ('domain = "surface"', 'domain = "bone"', "population.B.domain", "'marrow' or 'surface' is needed"),
    ('initial = "1 nM"', 'initial = "1 um"', "population.C.initial", "is a length, but a concentration"),
    ('diffusivity = "10 um^2/s"', 'diffusivity = "10 um/s"', "population.C.diffusivity", "is a speed"),
    ('diffusivity = "10 um^2/s"', 'diffusivity = "-1 um^2/s"', "population.C.diffusivity",
     "cannot be negative"),
    ('scale = "1 pM"\nvolume', 'scale = "0 pM"\nvolume', "population.C.scale", "must be positive"),
    ('scale = "1 pM"\nvolume', "volume", "population.C.scale", "the key 'scale' is missing"),
    ("surface = { growth", "volume = { growth", "population.B.volume.growth", "has no volume terms"),
    ('unit = "pM"\ninitial = "1 pM"', 'unit = "pM"\ndiffusivity = "1 um^2/s"\ninitial = "1 pM"',
     "population.B.diffusivity", "does not diffuse"),
    ('format = 1\n', 'format = 1\nroles = { depth = "B" }\n', "roles.depth", "must be a length"),
    ('format = 1\n', 'format = 1\nroles = { bacteria = ["D"] }\n', "roles.bacteria[0]",
     "there is no population 'D'"),
    ('format = 1\n', 'format = 1\nsteady = { guess = { CC = "1 pM" } }\n', "steady.guess.CC",
     "there is no population"),
    ('format = 1\n', 'format = 1\nfield = { f = { unit = "1" } }\n', "field.f", "exactly one of"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "message"), CASES, ids=[f"{c[2]}: {c[3]}" for c in CASES])
def test_fault_is_located(load_text, small, old, new, key, message):
    assert old in small
    text = small.replace(old, new, 1)
    found = [p for p in faults(load_text, text) if p.key == key]
    assert len(found) == 1, [str(p) for p in faults(load_text, text)]
    assert message in found[0].message
    last = key.split(".")[-1].partition("[")[0]
    if "is missing" not in message:
        assert last in text.splitlines()[found[0].line - 1]


def test_all_faults_at_once(load_text, small):
    text = small.replace("on = true", "on = 1").replace('"2 1/day"', '"x"').replace("title", "titel")
    assert {p.key for p in faults(load_text, text)} == {
        "switch.feedback.on",
        "parameter.d.value",
        "titel",
        "title",
    }


def test_not_toml(load_text):
    (problem,) = faults(load_text, "format = \n")
    assert problem.line == 1 and "not valid TOML" in problem.message


@pytest.mark.parametrize(
    ("raw", "yes"),
    [
        ("20 um^2/s", True),
        ("20um", True),
        (3, True),
        ("-1e-3 1/day", True),
        ("K", False),
        ("2*K", False),
        ("1 - K", False),
    ],
)
def test_number_or_formula(raw, yes):
    assert is_number(raw) is yes


def test_values_are_read_in_internal_units():
    assert read_value("3 nM").number == pytest.approx(3000.0)
    assert read_value("1 um^2/s").number == pytest.approx(86400.0)
