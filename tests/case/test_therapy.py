# SPDX-License-Identifier: LGPL-3.0-or-later
"""Doses of drugs as a case file writes them, and drug files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from osteofield.case import load_case
from osteofield.case.drug import FOLDER, concentration, describe_drug, drug_file, drugs, read_drug
from osteofield.errors import InputError
from osteofield.units import quantity

from ..infected import point

CASE = point(load="", time='end = "28 day"')
THERAPY = """\
[[therapy]]
drug = "{drug}"
from = "7 day"
dose = {dose}
"""


@pytest.fixture
def therapy(tmp_path: Path):
    """``therapy(drug, dose)``: the therapy of a case with that dose."""

    def read(drug: str, dose: str, extra: str = ""):
        path = tmp_path / "case.toml"
        path.write_text(CASE + THERAPY.format(drug=drug, dose=dose) + extra)
        return load_case(path).therapies[0]

    return read


def test_a_level_in_serum_becomes_half_effects_in_marrow(therapy):
    """20 mg/L of vancomycin, of which 30 % reach bone, over 1 mg/L: 6 half effects."""
    x = therapy("vancomycin", '{ level = "20 mg/L", bone_to_serum = 0.3 }')
    assert x.target == "antibiotic"
    assert x.level == pytest.approx(20e-3 / 1449.3 * 1e12)  # g/L over g/mol, as pM
    assert x.level * x.share == pytest.approx(6.0)
    molar = therapy("vancomycin", '{ level = "13.8 uM" }')
    assert molar.level == pytest.approx(13.8e6)


def test_a_dose_is_spread_over_the_volume_of_distribution(therapy):
    """15 mg/kg of vancomycin in 0.7 L/kg: 21.4 mg/L."""
    x = therapy("vancomycin", '{ bolus = "15 mg/kg", every = "12 hour", count = 6 }')
    assert x.doses.times == pytest.approx([7, 7.5, 8, 8.5, 9, 9.5])
    assert x.doses.rise[0] * quantity("1449.3 g/mol", "g/mol") == pytest.approx(
        quantity("21.428571 mg/L", "mg/L")
    )
    assert x.elimination == pytest.approx(math.log(2) / 0.25)
    whole = therapy("vancomycin", '{ bolus = "1.05 g", weight = "70 kg", every = "12 hour", count = 6 }')
    assert whole.doses.rise == pytest.approx(x.doses.rise)


def test_doses_stop_before_the_end_of_the_therapy(therapy):
    x = therapy("gentamicin", '{ bolus = "5 mg/kg", every = "1 day" }', 'until = "10 day"\n')
    assert x.doses.times == (7.0, 8.0, 9.0)


def test_infusions_injections_and_tables(therapy):
    x = therapy("cefazolin", '{ infusion = "30 mg/kg", over = "1 hour", half_life = "3 hour" }')
    assert x.doses.over == pytest.approx(1 / 24) and x.elimination == pytest.approx(math.log(2) * 8)
    x = therapy("denosumab", '{ injection = "1 mg/kg" }')
    assert x.doses.rise[0] == pytest.approx(0.6 * 1e-3 / 0.06 / 147e3 * 1e12)
    x = therapy("infliximab", '{ bolus = ["5 mg/kg", "3 mg/kg"], times = ["7 day", "21 day"] }')
    assert x.doses.times == (7.0, 21.0)
    assert x.doses.rise[1] == pytest.approx(0.6 * x.doses.rise[0])


@pytest.mark.parametrize(
    ("drug", "dose", "said"),
    [
        ("vancomycin", "{ level = 10 }", "a text in quotes is needed, but this is the number 10."),
        ("vancomycin", '{ level = "10 um" }', "'10 um' is no concentration in serum, for example '20 mg/L'"),
        ("vancomycin", "{}", "a dose needs exactly one of level, bolus, infusion, injection"),
        ("vancomycin", '{ bolus = "1 g" }', "'1 g' is a dose of a whole body; give it per body weight"),
        ("vancomycin", '{ bolus = "15" }', "'15' is not a dose such as '15 mg/kg' or '1 g'."),
        ("vancomycin", '{ bolus = "0 mg/kg" }', "a dose is positive"),
        ("vancomycin", '{ injection = "1 mg/kg" }', "does not say how an injection is absorbed"),
        ("vancomycin", '{ infusion = "1 mg/kg" }', "this key is needed, for example over = \"1 hour\""),
        ("vancomycin", '{ bolus = "1 mg/kg", count = 3 }', "several doses need 'every'"),
        ("vancomycin", '{ bolus = "1 mg/kg", every = "7 day", count = 9 }', "only 3 doses fit between day 7"),
        ("vancomycin", '{ bolus = "1 mg/kg", times = ["3 day"] }', "day 3 is not within the therapy"),
        ("vancomycin", '{ bolus = ["1 mg/kg"], times = ["8 day", "9 day"] }', "1 doses, but 2 times"),
        ("vancomycin", '{ bolus = "1 mg/kg", evry = "1 day" }', "not known; did you mean 'every'?"),
        ("missing.toml", '{ bolus = "1 mg/kg" }', "there is no drug file 'missing.toml'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_dose(therapy, drug, dose, said):
    with pytest.raises(InputError) as e:
        therapy(drug, dose)
    assert said in str(e.value)


def test_a_therapy_with_nothing_is_not_asked_for_its_dose(tmp_path: Path):
    (tmp_path / "case.toml").write_text(CASE + "[[therapy]]\n")
    with pytest.raises(InputError) as e:
        load_case(tmp_path / "case.toml")
    assert [p.key for p in e.value.problems] == ["therapy[0].drug", "therapy[0].from"]


def test_all_drugs_of_the_library_read_well():
    assert len(drugs()) >= 8
    for name, title in drugs():
        drug = read_drug(drug_file(name))
        assert drug.name == name and drug.title == title
        text = describe_drug(drug)
        assert all(n.source in text for n in drug.numbers.values())


def test_a_drug_file_says_everything_that_is_wrong(tmp_path: Path):
    text = (FOLDER / "denosumab.toml").read_text("utf-8")
    for old, new in (
        ("half_life =", "half_live ="),
        ('"147 kg/mol"', '"147 kg"'),
        ('source = "assumed: plasma', 'source = "guessed: plasma'),
        ("value = 0.6", "value = 1.6"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "d.toml").write_text(text)
    with pytest.raises(InputError) as e:
        read_drug(tmp_path / "d.toml")
    said = str(e.value)
    for part in (
        "half_live: this key is not known; did you mean 'half_life'?",
        "half_life: the half-life of elimination is",
        "molar_mass.value: '147 kg' is", "does not begin with 'assumed'", "'1.6' is not possible",
    ):  # fmt: skip
        assert part in said


def test_concentrations_by_mass_and_by_amount():
    mass = quantity("147 kg/mol", "g/mol")
    assert concentration("0.147 mg/L", mass) == pytest.approx(1000.0)
    assert concentration("1 nM", mass) == pytest.approx(1000.0)
