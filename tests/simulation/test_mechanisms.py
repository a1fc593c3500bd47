# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every mechanism of the osteoimmune model, removed or dosed by a case, moves what it is there to move.

Each row states a change of the case, the quantity (a mean over the sample), when it is looked at, and by
how much it must change at least: at least ten times what the tolerance of the run does to that quantity,
which is measured. Every row holds well mixed and on a small resolved sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from ..infected import plate, point

POINT = point(time='end = "60 day"', output='times = ["2 day", "60 day"]')
field = partial(plate, at="190 um", radius="160 um")
PLATE = field(time='end = "14 day"', output='times = ["2 day", "14 day"]')
EARLY, LATE = 0, 1


def without(switch: str) -> tuple[str, ...]:
    return (f"model.switches.{switch}=false",)


def parameter(name: str, value: object = 0) -> tuple[str, ...]:
    return (f"model.parameters.{name}={value}",)


def drug(name: str, level: object) -> tuple[str, ...]:
    return (f"therapy.0.drug={name}", "therapy.0.from=0 day", f"therapy.0.dose.level={level}")


@dataclass(frozen=True)
class Row:
    """A mechanism: what is changed, and the least relative change of what, when."""

    name: str
    change: tuple[str, ...]
    column: str
    least: float
    when: int = LATE
    base: tuple[str, ...] = ()


SHARED = parameter("phi_m", 0.4)
ROWS = [
    # RANKL, RANK, OPG
    Row("RANK on precursors", parameter("RANK", "0 pM"), "OCa", -0.3),
    Row("RANKL of osteoblasts", parameter("beta_RANKL", "0 pM/day"), "OCa", -0.2),
    Row("OPG competes for RANKL", drug("OPG_infusion", "2e5 pM/day"), "OCa", -0.3),
    Row("membrane RANKL", without("membrane_RANKL"), "OCa", -0.02, base=SHARED),
    Row("soluble RANKL", without("soluble_RANKL"), "OCa", -0.02, base=SHARED),
    Row("RANKL on T cells", without("T_cell_RANKL"), "RANKL", -0.02),
    Row("RANK on dendritic cells", without("RANK_on_dendritic"), "dendritic", -0.1),
    Row("OPG from dendritic cells", without("dendritic_OPG"), "OPG", -0.02),
    # cytokines on osteoclasts
    Row("M-CSF, supply of precursors", parameter("p_MCSF_T", "0 pM/day*mm^3/cell"), "OCa", -0.02),
    Row("TNF, formation of osteoclasts", parameter("f_TNF"), "OCa", -0.02),
    Row("TNF, RANKL", parameter("u_TNF"), "RANKL", -0.05),
    Row("IL-1, life of osteoclasts", parameter("l_IL1"), "OCa", -0.02),
    Row("IL-1, RANKL", parameter("u_IL1"), "RANKL", -0.02),
    Row("IL-6, RANKL", parameter("u_IL6"), "OCa", -0.01),
    Row("IL-17, RANKL", parameter("u_IL17"), "OCa", -0.01),
    Row("IFN-g inhibits osteoclasts", parameter("f_IFN"), "OCa", 0.02),
    Row("supply of precursors with TNF", parameter("e", 2), "OCa", 0.1),
    # infection on bone cells
    Row("TNF kills osteoblasts", parameter("a_TNF"), "OBa", 0.02),
    Row("bacteria kill osteoblasts", parameter("a_B"), "OBa", 0.02),
    Row("TNF blocks maturation", parameter("j_TNF"), "OBp", -0.02),
    Row("TNF lowers OPG", without("OPG_drop"), "OPG", 0.05),
    Row("bacteria raise RANKL", without("direct_bacterial_RANKL"), "RANKL", -0.02),
    Row("osteoclasts without RANKL", without("RANKL_independent_osteoclasts"), "OCa", -0.01),
    # defence
    Row("IL-1 recruits neutrophils", without("IL1_recruits_neutrophils"), "neutrophil", -0.1, EARLY),
    Row("IL-17 recruits neutrophils", parameter("r_N_IL17"), "bacteria", 0.02),
    Row("exhaustion", ("model.switches.neutrophil_exhaustion=true",), "bacteria", 0.1),
    # drugs
    Row("antibiotic", drug("antibiotic", 10), "bacteria", -0.9),
    Row("anti-RANKL", drug("anti_RANKL", 1e4), "OCa", -0.5),
    Row("OPG-Fc", drug("OPG_Fc", 1e4), "OCa", -0.5),
    Row("anti-TNF", drug("anti_TNF", 10), "OCa", -0.05),
    Row("anti-IL-1", drug("anti_IL1", 10), "OCa", -0.05),
    Row("bisphosphonate", drug("bisphosphonate", 10), "OCa", -0.3),
]  # fmt: skip


def mean(history: dict[str, np.ndarray], column: str, when: int) -> float:
    (name,) = (c for c in history if c.startswith(f"{column}.mean "))
    return float(history[name][when])


_DONE: dict[tuple[str, ...], dict[str, np.ndarray]] = {}  # the runs that rows share


@pytest.fixture(params=["well mixed", "resolved"])
def history(request, case, simulate):
    text = {"well mixed": POINT, "resolved": PLATE}[request.param]

    def run(*settings: str) -> dict[str, np.ndarray]:
        key = (request.param, *settings)
        if key not in _DONE:
            _DONE[key] = simulate(case(*settings, text=text)).writer.history
        return _DONE[key]

    return run


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.name)
def test_a_mechanism_moves_what_it_is_there_to_move(history, row):
    before = mean(history(*row.base), row.column, row.when)
    change = mean(history(*row.base, *row.change), row.column, row.when) / before - 1.0
    assert change * np.sign(row.least) >= abs(row.least), f"{row.column} changes by {100 * change:.3g} %"


def test_the_least_changes_are_ten_times_what_the_tolerance_does(history):
    fine = history("time.tolerance=1e-5", "time.linear_tolerance=1e-3")
    for row in ROWS:
        if not row.base:
            usual, exact = (mean(h, row.column, row.when) for h in (history(), fine))
            assert abs(usual / exact - 1.0) <= 0.1 * abs(row.least), row.name


def test_membrane_rankl_does_not_spread(case, simulate):
    """In space the share on the membrane gathers RANKL where it is made, beside the focus."""
    spread = []
    for share in (0.0, 0.8):
        r = simulate(case(f"model.parameters.phi_m={share}", "sample.shape.size=['800 um','1200 um']",
                          "focus.0.center=['190 um','0 um']", text=PLATE))  # fmt: skip
        x, y = r.writer.mesh.surface_points.T[:2]
        OCa = r.writer.frames[-1].surface["OCa"]
        left = x < 400
        spread.append(OCa[left & (y > 600)].mean() / OCa[left & (y < 200)].mean())
    assert spread[1] < 0.97 * spread[0]


def test_killing_per_neutrophil_falls_in_exhaustion(case, simulate):
    r = simulate(case("model.switches.neutrophil_exhaustion=true", text=POINT))
    s, kernel = r.simulation.system, r.simulation.system.problem.surface.kernel
    points, y = s.problem.surface, r.simulation._integrator.y

    def value(state):
        return kernel.quantity(
            "k_kill", 0.0, points.node, s.marrow(state), s.surface(state), points.a, points.g, None
        )[0]

    fresh = 0.05 * 2.88e-2  # mm^3 per cell and day
    assert value(np.zeros_like(y)) == pytest.approx(fresh)
    assert value(y) < 0.7 * fresh


@pytest.mark.parametrize(("load", "chronic"), [(4.12, False), (4.14, True)])
def test_a_small_inoculum_is_cleared_and_a_larger_one_becomes_chronic(case, simulate, load, chronic):
    settings = (f"focus.0.load={load} CFU/mm^3", "time.end=120 day")
    r = simulate(case(*settings, text=POINT.replace("60 day", "120 day")))
    assert (mean(r.writer.history, "bacteria", LATE) > 50.0) is chronic
