# SPDX-License-Identifier: LGPL-3.0-or-later
"""The text of a model names everything in it."""

from __future__ import annotations

from osteofield.kinetics import describe, load_network


def test_everything_is_named():
    n = load_network("osteoimmune")
    lines = describe(n).splitlines()
    text = "\n".join(lines)
    for names in (
        n.model.parameters,
        n.model.switches,
        n.model.inputs,
        n.model.quantities,
        n.model.fields,
        n.stars,
    ):
        for name in names:
            assert any(line.split()[:1] == [name] for line in lines), name
    for p in n.model.populations.values():
        assert f"d {p.name} / dt" in text
        for term in p.terms:
            assert term.expression.text.lstrip("-") in text
    assert max(map(len, lines)) < 140


def test_changes_are_shown():
    n = load_network("osteoimmune", parameters={"turnover": "rodent"}, switches={"OPG_drop": False})
    text = describe(n)
    assert "1.5 1/year (changed from 0.25 1/year)" in text
    assert "off (changed)" in text
    assert "(changed" not in describe(load_network("osteoimmune"))


def test_signs_and_surface_marks(load_text, small):
    text = describe(load_text(small))
    assert "- d*C*(1 + drug)" in text
    assert "+ feedback*d*B    secretion (s)" in text


def test_events_and_conserved_totals_are_shown(load_text, small):
    text = describe(
        load_text(
            small
            + '[event.dose]\nwhen = "C > K"\nset = { drug = "1" }\nmeaning = "a drug is given"\n'
            + '[population.D]\ndomain = "surface"\nunit = "pM"\ninitial = "0 pM"\nscale = "1 pM"\n'
            + 'surface = { death = "-d*B*h" }\n[conserved.cells]\ntotal = "B + D"\nmeaning = "all cells"\n'
        )
    )
    assert "dose: when C > K   # a drug is given\n    drug becomes 1" in text
    assert "cells  B + D  all cells" in text
