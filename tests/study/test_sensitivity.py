# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sensitivities: what is assumed, changes in closed form, and the table of the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from osteofield.api import case_network
from osteofield.case import load_case
from osteofield.study import Response, assumed, sensitivities, table

from ..infected import RODENT, point

CASE = point(parameters=RODENT, time='end = "7 day"\ntolerance = 1e-5', output='times = ["7 day"]')
RESULTS = ("bone_loss [%]", "TNF.mean")


@pytest.fixture
def case(tmp_path: Path):
    path = tmp_path / "case.toml"
    path.write_text(CASE)
    return load_case(path)


def test_what_is_known_in_closed_form(case):
    """Bone loss is in proportion to turnover; TNF to what makes it, all else equal in the first days."""
    found = {r.parameter: r for r in sensitivities(case, RESULTS, ["turnover", "diff_TNF", "p_TNF_M"])}
    assert found["turnover"].less == pytest.approx((-0.2, 0.0), abs=1e-3)
    assert found["turnover"].more == pytest.approx((0.2, 0.0), abs=1e-3)
    assert found["diff_TNF"].less == found["diff_TNF"].more == (0.0, 0.0)  # nothing diffuses here
    assert found["p_TNF_M"].more[1] == pytest.approx(0.18, abs=0.03)
    assert next(iter(found)) == "turnover"  # the most important first


def test_only_assumptions_are_asked_about(case):
    network = case_network(case)
    names = assumed(network)
    assert {"u_TNF", "K_TNF", "P0", "turnover"} <= set(names)
    assert not {"D_OBp", "beta_RANKL", "d_TNF", "e", "phi_m"} & set(names)  # published, or 0


def test_the_table():
    rows = [
        Response("a", "first", (-0.5, 0.1), (0.25, float("nan"))),
        Response("b", "second", (0.0, 0.0), (0.0001, 0.0)),
    ]
    text = table(rows, RESULTS, least=1e-3)
    assert text.splitlines()[0] == "| parameter | meaning | bone loss -20 %, +20 % | TNF -20 %, +20 % |"
    assert text.splitlines()[2] == "| `a` | first | -50.0, +25.0 | +10.0, stopped |"
    assert len(text.splitlines()) == 3


def test_the_page_of_the_docs_is_about_this_model(repository, case):
    page = (repository / "docs" / "sensitivity.md").read_text(encoding="utf-8")
    network = case_network(case)
    count = int(re.search(r"all (\d+) assumed", page)[1])
    assert count == len(assumed(network))
    for name in re.findall(r"^\| `(\w+)` \|", page, re.M):
        assert name in network.model.parameters
