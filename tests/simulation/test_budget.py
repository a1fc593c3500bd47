# SPDX-License-Identifier: LGPL-3.0-or-later
"""The budget of a run: terms against closed forms, closing, boundaries, what is bound."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping

import numpy as np
import pytest

from osteofield import api


def entries(rows: Iterable[Mapping], population: str) -> dict[str, float]:
    return {r["what"]: float(r["amount"]) for r in rows if r["population"] == population}


@pytest.fixture
def plate(case, simulate):
    return lambda *settings, **text: simulate(case("time.end=2 day", *settings, **text))


def test_the_budget_of_an_infected_plate_closes(plate):
    """Every population but for 2e-4 of its turnover, at the tolerance that cases have."""
    rows = plate().writer.last["budget"]
    residuals = {r["population"]: r["share of turnover"] for r in rows if r["kind"] == "residual"}
    assert len(residuals) == 22
    assert max(map(abs, residuals.values())) < 2e-4
    assert any(abs(r) > 0 for r in residuals.values())


def test_it_closes_better_with_smaller_steps(plate):
    worst = []
    for settings in ((), ("time.tolerance=1e-5", "time.linear_tolerance=1e-3")):
        rows = plate(*settings).writer.last["budget"]
        worst.append(max(abs(r["share of turnover"]) for r in rows if r["kind"] == "residual"))
    assert worst[1] < 0.1 * worst[0]


def test_terms_are_what_the_model_says(plate):
    """TNF: production over loss rate as cells; growth of biofilm and what is attached to it."""
    r = plate()
    rows, history = r.writer.last["budget"], r.writer.history
    tnf, days = entries(rows, "TNF"), history["time [day]"]
    assert tnf["at the end"] == pytest.approx(history["TNF.total [amol]"][-1], rel=1e-9)
    made = tnf["secretion by macrophages"] + tnf["secretion by neutrophils"]
    assert made + tnf["loss"] == pytest.approx(tnf["at the end"] - tnf["at the beginning"], rel=1e-3)
    fine = plate("output.every=0.02 day").writer.history
    held = np.trapezoid(fine["TNF.total [amol]"], fine["time [day]"])
    assert tnf["loss"] == pytest.approx(-39.6 * held, rel=2e-3)
    assert days[-1] == 2.0
    assert entries(rows, "bacteria")["attachment"] == pytest.approx(
        -entries(rows, "biofilm")["attachment"], rel=1e-12
    )
    depth = entries(rows, "depth")
    net = depth["resorption"] + depth["formation"]
    assert net == pytest.approx(history["bone_loss [mm^3]"][-1], rel=1e-3)


def test_what_crosses_the_faces_is_in_it(plate, case):
    from .conftest import PLATE

    text = PLATE + '[boundary]\nouter = "open"\n[[face]]\nside = "x-"\nsource = { IL6 = "1e5 pM um/day" }\n'
    rows = plate(text=text).writer.last["budget"]
    il6 = entries(rows, "IL6")
    assert il6["from a face"] == pytest.approx(1e5 * 400 * 2 * 1e-6, rel=1e-9)  # per mm of thickness
    assert il6["through open faces"] < -0.1 * il6["from a face"]
    residuals = [r["share of turnover"] for r in rows if r["kind"] == "residual"]
    assert max(map(abs, residuals)) < 2e-4
    assert "from a face" not in entries(rows, "TNF")


def test_bound_rankl_is_part_of_it(plate):
    """In health 1/(1 + 0.34 + 18.4) of RANKL is free; the rest is on OPG and RANK."""
    rkl = entries(plate("focus.0.load=1e-6 CFU/mm^3").writer.last["budget"], "RANKL")
    assert rkl["bound to OPG"] / rkl["at the end"] == pytest.approx(0.931, abs=0.01)
    assert rkl["bound to RANK"] / rkl["at the end"] == pytest.approx(0.0173, abs=0.002)


def test_a_cleared_infection_is_booked(case, simulate):
    r = simulate(case("time.end=8 day", "focus.0.load=100 CFU/mm^3", "therapy.0.drug=antibiotic",
                      "therapy.0.from=0 day", "therapy.0.dose.level=10"))  # fmt: skip
    assert r.writer.last["cleared_at"] is not None
    bacteria = entries(r.writer.last["budget"], "bacteria")
    assert -1.0 <= bacteria["events and clearing"] < 0.0
    assert bacteria["at the end"] == 0.0


def test_the_table_of_a_results_folder(case, tmp_path):
    api.run(case("time.end=0.5 day"), tmp_path / "out")
    with (tmp_path / "out" / "budget.csv").open() as f:
        rows = list(csv.DictReader(f))
    assert list(rows[0]) == ["population", "kind", "what", "amount", "unit", "share of turnover"]
    rankl = entries(rows, "RANKL")
    assert {"secretion by osteoblast precursors", "loss", "at the end", "bound to OPG"} <= set(rankl)
    assert "budget: of the turnover" in (tmp_path / "out" / "log.txt").read_text("utf-8")
