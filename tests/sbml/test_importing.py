# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a model file made of SBML looks like: names, sources, notes."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from osteofield.sbml import import_sbml
from osteofield.sbml.verify import load_text

from .conftest import to_sbml, with_local

RESERVED = """
model reserved
  compartment c = 1
  species t in c, x in c, sigma0 in c, _k in c, lambda in c, J in c
  t = 1; x = 2; sigma0 = 3; _k = 4; lambda = 5; k = 0.5; d0 = 2; step = 1.5; where = 1
  J1: t -> x; k*t*d0
  J2: x -> sigma0; k*x*step
  J3: sigma0 -> _k; k*sigma0*where
  J4: _k -> lambda + J; k*_k
  per_time: lambda -> ; 0.1*lambda
  lambda is "Phage <lambda> \\"wild\\""
end
"""


def test_reserved_names_are_changed_and_noted(sbml_file: Callable[..., Path]) -> None:
    sbml = with_local(to_sbml(RESERVED), J1_k=7, J2_k=8, J3_where=9)
    made = import_sbml(sbml_file(sbml=sbml))
    network = load_text(made.toml)
    names = {p.name for p in network.populations}
    assert names == {"t_", "x_", "sigma0_2", "k_", "lambda_2", "J"}
    (note,) = (n for n in made.notes if n.startswith("names that model files cannot have"))
    for change in ("t is t_", "sigma0 is sigma0_2", "_k is k_", "d0 is d0_2", "step is step_2"):
        assert change in note
    assert network.model.populations["lambda_2"].label == 'Phage <lambda> "wild"'
    parameters = network.model.parameters
    local = [parameters[n].value.number for n in ("k", "J1_k", "J2_k", "J3_where")]
    assert local == [0.5, 7, 8, 9]  # parameters of reactions whose names something else has
    assert parameters["per_time_2"].value.text == "1 1/s"  # the reaction keeps the name


def test_numbers_name_their_source(sbml_file: Callable[..., Path]) -> None:
    text = "model small\n compartment c = 1\n species S in c\n S = 2; k = 3*q; q = 0.1\n J: S -> ; k*S\nend"
    file = sbml_file(text)
    sbml = file.read_text("utf-8").replace(
        '<model metaid="small" id="small"', '<model id="small" name="A small one"'
    )
    file.write_text(sbml)
    made = import_sbml(file)
    data = tomllib.loads(made.toml)
    assert data["title"] == "A small one"
    assert data["sources"]["SBML"] == "A small one, small (model.xml, SBML Level 3 Version 2)"
    assert data["parameter"]["k"]["value"] == "0.3"  # not 0.30000000000000004
    assert data["parameter"]["k"]["source"] == "SBML, computed as 3*q"
    assert made.toml.startswith("# Imported from model.xml (SBML Level 3 Version 2, model 'small')")
    assert all(p["source"].startswith(("SBML", "assumed")) for p in data["parameter"].values())
    assert "parameter 'q'" in " ".join(made.notes)  # used for nothing else


def test_publications_of_the_annotation_are_kept(sbml_file: Callable[..., Path]) -> None:
    text = "model m\n compartment c = 1\n species S in c\n S = 2\n J: S -> ; S\nend"
    annotation = """<annotation><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
      xmlns:bqmodel="http://biomodels.net/model-qualifiers/"><rdf:Description rdf:about="#m">
      <bqmodel:isDescribedBy><rdf:Bag><rdf:li rdf:resource="urn:miriam:pubmed:1833774"/></rdf:Bag>
      </bqmodel:isDescribedBy></rdf:Description></rdf:RDF></annotation>"""
    file = sbml_file(text)
    file.write_text(file.read_text("utf-8").replace('id="m">', f'id="m">{annotation}', 1))
    assert "described by urn:miriam:pubmed:1833774" in import_sbml(file).toml


def test_a_compartment_that_drops_out_is_noted(sbml_file: Callable[..., Path]) -> None:
    laws = "J: S => ; c*k*S\n K: => S; c*0.1 - c*S"
    made = import_sbml(
        sbml_file(f"model m\n compartment c = 3\n species S in c\n S = 2; k = 1\n {laws}\nend")
    )
    assert 'J = { value = "k*S", meaning = "S ->, per volume" }' in made.toml
    assert 'K = { value = "0.1 - S", meaning = "-> S, per volume" }' in made.toml
    assert "[parameter.c]" not in made.toml
    assert "the size of compartment 'c' (3) drops out of all rates" in made.notes


def test_a_compartment_that_matters_is_a_parameter(sbml_file: Callable[..., Path]) -> None:
    made = import_sbml(
        sbml_file("model m\n compartment c = 3\n species S in c\n S = 2; k = 1\n J: S -> ; k*S\nend")
    )
    assert 'J = "-J*per_time/c"' in made.toml
    assert 'meaning = "size of compartment c"' in made.toml


def test_populations_that_can_turn_negative_are_signed(sbml_file: Callable[..., Path]) -> None:
    text = """
model m
  compartment c = 1
  species S in c, P in c, V in c
  S = 2; P = 0; V = -60
  J: S -> P; 1
  V' = -V
end"""
    data = tomllib.loads(import_sbml(sbml_file(text)).toml)["population"]
    assert data["S"]["signed"] is True  # taken away even where there is none left
    assert data["V"]["signed"] is True
    assert "signed" not in data["P"]


def test_values_that_are_not_given(sbml_file: Callable[..., Path]) -> None:
    text = "model m\n species S in c, P in c\n compartment c\n P = 1\n J: S -> P; S\nend"
    notes = import_sbml(sbml_file(text)).notes
    assert "no initial value is given for species 'S'; 0 was assumed" in notes
    assert "no size is given for compartment 'c'; 1 was assumed" in notes


def test_a_whole_exponent_of_what_may_be_negative_is_written_out(sbml_file: Callable[..., Path]) -> None:
    """A negative base to a power in a parameter would count as zero."""
    start = "compartment c = 1\n species S in c\n S = 2; n = 2; p = 2"
    made = import_sbml(sbml_file(f"model m\n {start}\n J: S -> ; (S - 3)^n*S + S^p\nend"))
    assert "(S - 3)^2*S + S^p" in made.toml
    assert "parameter 'n' is an exponent and was written into the formulas as 2" in made.notes


@pytest.mark.parametrize("size", ["1", "60"])
def test_numbers_with_units_become_parameters(sbml_file: Callable[..., Path], size: str) -> None:
    text = f"""
model m
  unit substance = mole; unit extent = mole; unit volume = litre; unit time_unit = {size} second
  unit per = 1/({size} second)
  compartment c = 1; c has volume
  species S in c
  S = 2
  J: S -> ; c*(0.3 per)*S
end"""
    made = import_sbml(sbml_file(text))
    assert made.units
    unit = {"1": "s", "60": "min"}[size]
    assert f'value = "0.3 1/{unit}"' in made.toml
    assert 'J = { value = "J_number*S"' in made.toml
