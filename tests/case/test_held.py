# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a case says of bone matrix: read in full, held against the model, every fault told."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteofield.api import case_network
from osteofield.case import load_case
from osteofield.case.types import HeldSpec
from osteofield.errors import InputError

BASE = 'format = 1\n[sample]\nwell_mixed = true\n[model]\nname = "osteoimmune"\n[time]\nend = "1 day"\n'
TGFB = 'population = "TGFb"\nconcentration = "2.4 pM"'


@pytest.fixture
def loaded(tmp_path: Path):
    def load(*tables: str, model: str = "osteoimmune"):
        path = tmp_path / "case.toml"
        text = BASE.replace("osteoimmune", model) + "".join(f"[[bone_holds]]\n{t}\n" for t in tables)
        path.write_text(text)
        return load_case(path)

    return load


def test_a_solute_and_a_drug(loaded):
    instead = f'{TGFB}\ninstead_of = "release by osteoclasts"'
    case = loaded(instead, 'drug = "vancomycin"\nconcentration = "50 mg/L"')
    tgfb, drug = case.held
    assert tgfb == HeldSpec("TGFb", 2.4, True, "release by osteoclasts", None, "2.4 pM")
    assert (drug.name, drug.in_new_bone, drug.drug.name) == ("vancomycin", False, "vancomycin")
    assert drug.concentration == pytest.approx(50e-3 / 1449.3 * 1e12)  # pM
    network = case_network(case)
    assert {"vancomycin", "old_bone", "new_bone"} <= {p.name for p in network.populations}
    assert 'instead_of = "release by osteoclasts"' in case.resolved


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('concentration = "1 pM"', "does not say what bone holds"),
        (f'{TGFB}\ndrug = "vancomycin"', "either 'population' or 'drug', not both"),
        ('drug = "vancomicin"\nconcentration = "1 uM"', "did you mean 'vancomycin'?"),
        ('population = "TGFb"', "concentration: this key is needed"),
        ('population = "TGFb"\nconcentration = "50 mg/L"', "is a mass per volume, but a concentration"),
        ('drug = "vancomycin"\nconcentration = "50 mg"', "or '50 mg/L'"),
        ('population = "TGFb"\nconcentration = "0 pM"', "it must be positive"),
        (f'{TGFB}\nnew_bone = "some"', "not one of the choices; allowed: none, the same"),
        (f'{TGFB}\nnew_bone = "none"\ninstead_of = "x"', 'this goes with new_bone = "the same"'),
        (f"{TGFB}\nwhere = 1", "this key is not known"),
    ],
)
def test_faults_of_form(loaded, table, said):
    with pytest.raises(InputError) as e:
        loaded(table)
    assert said in str(e.value)


@pytest.mark.parametrize(
    ("table", "model", "said"),
    [
        (TGFB.replace("TGFb", "TGF"), "osteoimmune", "no population 'TGF'; did you mean 'TGFb'?"),
        (TGFB.replace("TGFb", "bacteria"), "osteoimmune", "'bacteria' does not diffuse"),
        (TGFB.replace("TGFb", "OCa"), "osteoimmune", "'OCa' does not diffuse"),
        (
            f'{TGFB}\ninstead_of = "release"',
            "osteoimmune",
            "no term 'release'; it has: release by osteoclasts",
        ),
        (f"{TGFB}\n[[bone_holds]]\n{TGFB}", "osteoimmune", "bone_holds[1].population: what bone holds of"),
        (TGFB, "lemaire2004", "its [roles] name no depth"),
    ],
)
def test_faults_against_the_model(loaded, table, model, said):
    with pytest.raises(InputError) as e:
        case_network(loaded(table, model=model))
    assert said in str(e.value) and "bone_holds" in str(e.value)
