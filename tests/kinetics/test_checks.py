# SPDX-License-Identifier: LGPL-3.0-or-later
"""Faults of sense in a model: symbols, cycles, who depends on whom, dimensions, unused names."""

from __future__ import annotations

import pytest

from osteofield.errors import InputError

CASES = [
    ('"C/(K + C)"', '"C/(KK + C)"', "quantity.h", "'KK' is not defined; did you mean 'K'?"),
    ('"C/(K + C)"', '"C/(K + C) + u"\nu = "h"', "quantity.h", "'h' depends on itself: h -> u -> h"),
    ('"C/(K + C)"', '"C/(d + C)"', "quantity.h", "adds unlike things"),
    ('"C/(K + C)"', '{ value = "C/(K + C)", unit = "pM" }', "quantity.h.value", "must be a concentration"),
    ("d*B*h", "d*B", "quantity.h", "'h' is used nowhere"),
    (
        "d*B*h",
        "d*h",
        "population.B.surface.growth",
        "is a rate (per time), but surface term 'growth' of 'B' must be",
    ),
    ("*(1 + drug)", "", "input.drug", "'drug' is used nowhere"),
    ("feedback*d*B", "d*B", "switch.feedback", "is used nowhere"),
    ("-d*C*(1", "-d*B*(1", "population.C.volume.loss", "cannot use the surface population 'B'"),
    ('"-d*C*(1 + drug)"', '"-d*C*q*(1 + drug)"', "population.C.volume.loss", "'B' (through 'q')"),
    ('diffusivity = "10 um^2/s"\n', "", "population.C.surface.secretion", "does not move"),
    (
        'diffusivity = "10 um^2/s"\n',
        'diffusivity = "0 um^2/s"\n',
        "population.C.surface.secretion",
        "does not move",
    ),
    (
        'diffusivity = "10 um^2/s"\n',
        'diffusivity = "K"\n',
        "population.C.diffusivity",
        "must be a diffusivity",
    ),
    ('diffusivity = "10 um^2/s"\n', 'diffusivity = "d*x^2"\n', "population.C.diffusivity", "'x' varies"),
    ('initial = "1 nM"', 'initial = "B"', "population.C.initial", "cannot use 'B'"),
    ('initial = "1 nM"\n', "", "population.C", "the key 'initial' is missing"),
    ("[input.drug]", "[input.K]", "input.K", "already taken by parameter.K"),
    (
        '"C/(K + C)"',
        '"C/(K + C)"\nr = { value = "C", report = true }',
        "quantity.r",
        "needs 'unit' and 'meaning'",
    ),
    (
        '"C/(K + C)"',
        '"C/(K + C)"\nr = { value = "C", unit = "pM", meaning = "C", column = "C.mean" }',
        "quantity.r.column",
        "columns 'C....' are those of the population",
    ),
]


@pytest.mark.parametrize(("old", "new", "key", "message"), CASES, ids=[f"{c[2]}: {c[3]}" for c in CASES])
def test_fault_is_located(load_text, small, old, new, key, message):
    assert old in small
    text = small.replace(old, new, 1)
    if "(through" in message:
        text = text.replace('h = "C', 'q = "B/K"\nh = "C')
    with pytest.raises(InputError) as e:
        load_text(text)
    found = [p for p in e.value.problems if p.key == key and message in p.message]
    assert len(found) == 1, [str(p) for p in e.value.problems]
    assert key.split(".")[-1] in text.splitlines()[found[0].line - 1] or key.endswith(".value")


def test_starred_quantity_of_itself_is_found(load_text, small):
    text = small.replace('h = "C/(K + C)"', 'h = "C/(K + C)/(1 + star)"') + '\n[steady.value]\nstar = "h"\n'
    with pytest.raises(InputError, match="in the healthy state 'h' would depend on itself"):
        load_text(text)


def test_problems_come_in_the_order_of_the_file(load_text, small):
    text = small.replace("C/(K + C)", "C/(KK + C)").replace("d*B*h", "d*B*hh").replace("*(1 + drug)", "")
    with pytest.raises(InputError) as e:
        load_text(text)
    lines = [p.line for p in e.value.problems]
    assert lines == sorted(lines) and len(lines) >= 4
