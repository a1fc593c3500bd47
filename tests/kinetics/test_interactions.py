# SPDX-License-Identifier: LGPL-3.0-or-later
"""Who acts on whom, read off a model."""

from __future__ import annotations

import pytest

from osteofield.cli import main
from osteofield.kinetics import describe, load_network
from osteofield.kinetics.interactions import interactions


def kinds(network) -> dict[tuple[str, str], set[str]]:
    out: dict[tuple[str, str], set[str]] = {}
    for i in interactions(network):
        out.setdefault((i.source, i.target), set()).add(i.kind)
    return out


@pytest.fixture(scope="module")
def osteoimmune():
    return kinds(load_network("osteoimmune", parameters={"phi_m": 0.4}))


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        ("OBp", "RANKL", "makes"), ("Tcell", "RANKL", "makes"), ("OBa", "OPG", "makes"),
        ("dendritic", "OPG", "makes"), ("OCa", "TGFb", "makes"), ("macrophage", "TNF", "makes"),
        ("OBp", "mRANKL", "makes"), ("OBp", "OBa", "becomes"), ("OCp", "OCa", "becomes"),
        ("bacteria", "biofilm", "becomes"), ("TNF", "RANKL", "raises"), ("IL17", "RANKL", "raises"),
        ("RANKL", "OCa", "raises"), ("RANKL", "OCa", "spares"), ("mRANKL", "OCa", "raises"),
        ("OPG", "OCa", "lowers"), ("IFN", "OCa", "lowers"), ("TGFb", "OCa", "removes"),
        ("TNF", "OPG", "lowers"), ("TNF", "OBa", "removes"), ("bacteria", "OBa", "removes"),
        ("IL1", "OCa", "spares"), ("RANKL", "dendritic", "spares"), ("MCSF", "OCp", "makes"),
        ("neutrophil", "bacteria", "removes"), ("IL1", "neutrophil", "raises"),
        ("anti_RANKL", "OCa", "lowers"), ("antibiotic", "bacteria", "removes"),
        ("bisphosphonate", "OCa", "removes"), ("OCa", "depth", "makes"), ("OBa", "depth", "removes"),
    ],
)  # fmt: skip
def test_what_biology_says_of_the_osteoimmune_model(osteoimmune, source, target, kind):
    assert kind in osteoimmune[source, target]


def test_what_is_not_there_is_not_said(osteoimmune):
    for pair in (("OPG", "RANKL"), ("TNF", "IL6"), ("depth", "OCa"), ("RANKL", "OBa"), ("IFN", "OBp")):
        assert pair not in osteoimmune
    assert not any(source == target for source, target in osteoimmune)


def test_switches_take_interactions_away():
    off = kinds(load_network("osteoimmune", switches={"OPG_drop": False, "T_cell_RANKL": False}))
    assert ("TNF", "OPG") not in off and ("Tcell", "RANKL") not in off
    on = kinds(load_network("osteoimmune", switches={"neutrophil_exhaustion": True}))
    assert "makes" in on["TNF", "exhaustion"]


def test_a_loss_that_is_a_gain_elsewhere_is_said_in_passing(load_text, small):
    text = small.replace('growth = "d*B*h"', 'growth = "d*B*h", turning = "-d*B"')
    text += '[population.E]\ndomain = "surface"\nunit = "pM"\ninitial = "0 pM"\nscale = "1 pM"\n'
    text += 'surface = { coming = "d*B", going = "-d*E" }\n'
    found = {(i.source, i.target): i for i in interactions(load_text(text))}
    assert found["B", "E"].kind == "becomes" and not found["B", "E"].in_passing
    passing = [i for i in interactions(load_network("osteoimmune")) if i.in_passing]
    assert {i.target for i in passing} == {"OBp", "OCp", "bacteria"}


def test_it_is_part_of_what_is_said_about_a_model():
    text = describe(load_network("bone_metastasis"))
    assert "Who acts on whom" in text
    assert "made by tumour (secretion by tumour cells)" in text


def test_the_graph_on_the_command_line(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    for ending in ("png", "svg"):
        out = tmp_path / f"graph.{ending}"
        assert main(["models", "pivonka2008", "--graph", str(out)]) == 0
        assert out.stat().st_size > 5000
    assert main(["models", "pivonka2008", "--graph", str(tmp_path / "graph.bmp")]) == 2
    assert "a graph is written as .png, .svg, .pdf" in capsys.readouterr().err
