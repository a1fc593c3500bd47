# SPDX-License-Identifier: LGPL-3.0-or-later
"""Model files that extend others, and drugs that become diffusing solutes."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteofield.errors import InputError
from osteofield.kinetics import Solute, load_network

MORE = """\
format = 1
name = "more"
title = "The small model with another loss"
extends = "small.toml"

[parameter.k]
value = "5 1/day"
meaning = "another loss"
source = "Someone2000"

[population.C]
volume = { "another loss" = "-k*C" }
"""


@pytest.fixture
def write(tmp_path: Path, small: str):
    def make(text: str) -> Path:
        (tmp_path / "small.toml").write_text(small)
        file = tmp_path / "more.toml"
        file.write_text(text)
        return file

    return make


def test_tables_are_merged_and_values_replaced(write):
    file = write(MORE + '\n[parameter.d]\nvalue = "4 1/day"\n')
    network = load_network("more", file=file)
    assert network.name == "more" and network.numbers["d"] == 4.0
    assert [t.name for t in network.model.populations["C"].terms] == ["loss", "another loss", "secretion"]
    assert network.model.parameters["d"].meaning == "loss"


def test_something_can_be_left_out(write):
    text = MORE.replace('extends = "small.toml"', 'extends = "small.toml"\nremove = ["input.drug"]')
    text = text.replace('{ "another', '{ loss = "-d*C", "another')
    network = load_network("more", file=write(text))
    assert not network.inputs


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("small.toml", "smal.toml", "more.toml:4: extends: there is no model 'smal.toml'"),
        ("small.toml", "more.toml", "extends: these model files extend each other without end"),
        ('"-k*C"', '"-k*D"', "more.toml:12: population.C.volume.another loss: 'D' is not defined"),
        ("[parameter.k]", "[parameter.K]", "'k' is not defined"),
        (
            'extends = "small.toml"',
            'extends = "small.toml"\nremove = ["input.drag"]',
            "'input.drag' is not in",
        ),
    ],
)
def test_problems_point_into_the_file_that_says_it(write, old, new, said):
    with pytest.raises(InputError) as e:
        load_network("more", file=write(MORE.replace(old, new)))
    assert said in str(e.value)


def test_a_fault_of_the_extended_file_points_there(write, tmp_path):
    file = write(MORE)
    (tmp_path / "small.toml").write_text(
        (tmp_path / "small.toml").read_text("utf-8").replace("d*B*h", "d*B*q")
    )
    with pytest.raises(InputError, match=r"small.toml:42: population.B.surface.growth: 'q' is not defined"):
        load_network("more", file=file)


def test_the_healthy_state_of_the_extended_models_is_that_of_the_osteoimmune_model():
    plain = load_network("osteoimmune").healthy
    for name in ("bone_metastasis", "viral_infection"):
        healthy = load_network(name).healthy
        assert {n: healthy[n] for n in plain} == pytest.approx(plain, rel=1e-12)
        assert {healthy[n] for n in set(healthy) - set(plain)} == {0.0}


@pytest.fixture
def antibody() -> Solute:
    return Solute("antibody", "anti_RANKL", 3.0, 1e5, 2.0)


def test_a_solute_in_balance_with_blood_is_the_input_it_replaces(at_one_point, antibody):
    """c/Kd at the supply for all time, next to the same level as an input: the same osteoclasts."""
    plain = at_one_point(load_network("osteoimmune"))
    plain.kernels.set_inputs({"anti_RANKL": 100.0})
    m = at_one_point(load_network("osteoimmune", solutes=[antibody]))
    m.kernels.set_inputs({"antibody_supply": 300.0})
    assert m.network.n_diffusing == plain.network.n_diffusing + 1
    want = plain.named(plain.run(plain.healthy(), 20.0))
    got = m.named(m.run(m.healthy(antibody=300.0), 20.0))
    assert got.pop("antibody") == pytest.approx(300.0)
    assert got == pytest.approx(want, rel=1e-7, abs=1e-12)


def test_a_solute_and_an_even_level_add_up(at_one_point, antibody):
    m = at_one_point(load_network("osteoimmune", solutes=[antibody]))
    m.kernels.set_inputs({"anti_RANKL": 40.0, "antibody_supply": 180.0})
    plain = at_one_point(load_network("osteoimmune"))
    plain.kernels.set_inputs({"anti_RANKL": 100.0})
    got = m.rates(0.0, m.healthy(antibody=180.0))[m.names.index("OCa")]
    assert got == pytest.approx(plain.rates(0.0, plain.healthy())[plain.names.index("OCa")], rel=1e-12)


def test_a_solute_needs_an_input_to_drive():
    with pytest.raises(InputError, match="acts on 'anti_IL8', which model 'osteoimmune' has no input for"):
        load_network("osteoimmune", solutes=[Solute("a", "anti_IL8", 1.0, 1.0, 1.0)])
    with pytest.raises(InputError, match="'TNF' cannot diffuse"):
        load_network("osteoimmune", solutes=[Solute("TNF", "anti_TNF", 1.0, 1.0, 1.0)])
