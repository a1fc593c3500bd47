# SPDX-License-Identifier: LGPL-3.0-or-later
"""Loading models and applying what a case changes."""

from __future__ import annotations

import pytest

from osteofield.errors import InputError
from osteofield.kinetics import library, load_network
from osteofield.tomlsource import TomlSource


def test_library_lists_models_with_titles():
    assert dict(library())["osteoimmune"].startswith("Bacterial infection")


def test_unknown_model_suggests_a_near_one():
    with pytest.raises(InputError, match="there is no model 'osteoimune'; did you mean 'osteoimmune'"):
        load_network("osteoimune")


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        load_network("mine", file=tmp_path / "mine.toml")


def test_values_are_taken_with_units_options_and_plain_numbers():
    n = load_network(
        "osteoimmune",
        parameters={"turnover": "rodent", "RANK": "0.02 nM", "phi_m": 0.3, "u_B": "0.5"},
        switches={"OPG_drop": False},
    )
    assert n.numbers["turnover"] == pytest.approx(1.5 / 365.25)
    assert n.numbers["RANK"] == pytest.approx(20.0)
    assert (n.numbers["phi_m"], n.numbers["u_B"], n.numbers["OPG_drop"]) == (0.3, 0.5, 0.0)


CASE = """\
[model]
name = "osteoimmune"

[model.parameters]
turnover = "rodnt"
RANKK = "0 pM"
RANK = "3 um"
OPG_drop = "1"
D_OPG = 3

[model.switches]
OPG_dropp = false
RANK = true
T_cell_RANKL = 1
"""


def test_faults_of_a_case_point_into_the_case():
    origin = TomlSource.parse(CASE, "case.toml")
    model = origin.data["model"]
    with pytest.raises(InputError) as e:
        load_network(
            "osteoimmune",
            parameters=model["parameters"],
            switches=model["switches"],
            origin=origin,
            origin_key=("model",),
        )
    found = {p.key: (p.file, p.line, p.message) for p in e.value.problems}
    for key, line, message in (
        ("model.parameters.turnover", 5, "no option 'rodnt'; did you mean 'rodent'"),
        ("model.parameters.RANKK", 6, "did you mean 'RANK'"),
        ("model.parameters.RANK", 7, "is a length, but a concentration is needed"),
        ("model.parameters.OPG_drop", 8, "is a switch of model"),
        ("model.parameters.D_OPG", 9, "a rate (per time) is needed here"),
        ("model.switches.OPG_dropp", 12, "did you mean 'OPG_drop'"),
        ("model.switches.RANK", 13, "is a parameter of model"),
        ("model.switches.T_cell_RANKL", 14, "true or false"),
    ):
        assert found[key][:2] == ("case.toml", line)
        assert message in found[key][2]
    assert len(found) == 8


def test_hash_follows_the_numbers_in_use():
    plain, changed = load_network("osteoimmune"), load_network("osteoimmune", parameters={"RANK": "0 pM"})
    assert plain.source_hash == load_network("osteoimmune").source_hash != changed.source_hash
