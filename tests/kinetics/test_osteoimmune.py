# SPDX-License-Identifier: LGPL-3.0-or-later
"""The osteoimmune model, well mixed, gives the numbers it was published with in this project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from osteofield.kinetics import Held, Kernels, load_network
from osteofield.kinetics.library import FOLDER
from osteofield.units import unit

CHRONIC = {
    "bacteria": "109.392", "biofilm": "1365.95", "TNF": "274.04", "IL1": "72.671", "IL6": "228.22",
    "IL17": "31.363", "IFN": "58.080", "MCSF": "16.534", "macrophage": "5212.0", "neutrophil": "4282.2",
    "dendritic": "255.52", "Tcell": "627.26", "RANKL": "109.247", "OPG": "10583", "OBp": "4.6543e-3",
    "OBa": "4.3103e-4", "OCp": "5.4606e-4", "OCa": "3.1148e-3",
}  # fmt: skip
HEALTHY = {
    "OBp": "6.196391e-4", "OBa": "5.583932e-4", "OCp": "1.000000e-3", "OCa": "8.069635e-4",
    "RANKL": "10.9216",
    "OPG": "18435.91", "TGFb": "8.069635e-4", "MCSF": "10.0000",
}  # fmt: skip


def printed(text: str) -> pytest.approx:
    """A number to the digits printed: half a unit of the last one."""
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return pytest.approx(float(text), rel=0, abs=0.5001 * 10.0 ** (int(exponent or 0) - decimals))


@pytest.fixture(scope="module")
def model(well_mixed):
    return well_mixed()


@pytest.fixture(scope="module")
def chronic(well_mixed):
    """Chronic state for given changes."""

    def state(**changes):
        m = well_mixed(**changes)
        return m.named(m.run(m.healthy(bacteria=1000.0), 180.0))

    return state


@pytest.fixture(scope="module")
def untreated(chronic):
    return chronic()


@pytest.fixture
def infected(model):
    """State on day 28 after 1000 CFU/mm^3; inputs are put back afterwards."""
    yield model.run(model.healthy(bacteria=1000.0), 28.0)
    model.kernels.set_inputs({i.name: i.default for i in model.network.inputs})


def test_healthy_state_is_that_of_pivonka_and_at_rest(model):
    for name, value in HEALTHY.items():
        assert model.network.healthy[name] == printed(value), name
    assert np.abs(model.rates(0.0, model.healthy()) / model.scale).max() < 1e-13
    absent = set(model.names) - set(HEALTHY)
    assert {model.network.healthy[n] for n in absent} == {0.0}


def test_slowest_healthy_eigenvalue_of_cells_and_cytokines(model):
    J = model.jacobian(0.0, model.healthy())
    keep = [k for k, n in enumerate(model.names) if n not in ("depth", "exhaustion", "bacteria", "biofilm")]
    values = np.linalg.eigvals(J[np.ix_(keep, keep)])
    slowest = values[np.argmax(values.real)]
    assert slowest.real == printed("-0.06371")
    assert abs(slowest.imag) == printed("0.10313")


@pytest.mark.parametrize("name", CHRONIC)
def test_chronic_state(untreated, name):
    assert untreated[name] == printed(CHRONIC[name])


def test_inoculum_threshold_is_4_1283(model):
    end = [model.named(model.run(model.healthy(bacteria=b), 120.0))["bacteria"] for b in (4.12825, 4.12835)]
    assert end[0] < 1e-3
    assert end[1] == printed("109.392")


@pytest.mark.parametrize(("days", "cured"), [(4.0, False), (6.0, True)])
def test_antibiotic_from_day_28(model, infected, days, cured):
    model.kernels.set_inputs({"antibiotic": 10.0})
    y = model.run(infected, days)
    model.kernels.set_inputs({"antibiotic": 0.0})
    end = model.named(model.run(y, 170.0))
    assert (end["bacteria"] + end["biofilm"] < 1e-3) is cured


def test_healthy_bone_under_anti_rankl(model):
    model.kernels.set_inputs({"anti_RANKL": 1e4})
    try:
        course = model.run(model.healthy(), 28.0, at=[1.0, 3.0, 7.0, 14.0, 28.0])[:, model.names.index("OCa")]
    finally:
        model.kernels.set_inputs({"anti_RANKL": 0.0})
    ratio = course / model.network.healthy["OCa"]
    for got, want in zip(ratio, ("0.660", "0.340", "0.144", "0.0515", "0.0096"), strict=True):
        assert got == printed(want)


@pytest.mark.parametrize(
    ("switch", "population", "percent"),
    [
        ("T_cell_RANKL", "RANKL", "-11"),
        ("dendritic_OPG", "OPG", "-33"),
        ("RANK_on_dendritic", "dendritic", "-31"),
    ],
)
def test_what_immune_cells_add(chronic, untreated, switch, population, percent):
    without = chronic(switches={switch: False})
    assert 100 * (without[population] / untreated[population] - 1) == printed(percent)


def test_membrane_share_changes_no_healthy_number(well_mixed):
    with_membrane = well_mixed(parameters={"phi_m": 0.4}).network.healthy
    without = well_mixed().network.healthy
    assert with_membrane["mRANKL"] == pytest.approx(0.4 * without["RANKL"], rel=1e-12)
    assert with_membrane.pop("RANKL") + with_membrane.pop("mRANKL") == pytest.approx(
        without["RANKL"], rel=1e-12
    )
    assert with_membrane == pytest.approx({n: without[n] for n in with_membrane}, rel=1e-11)


def test_membrane_share_changes_no_chronic_number_of_bone(chronic):
    # dendritic cells float in marrow and see soluble RANKL only: with RANK on them they feel the share
    off = {"RANK_on_dendritic": False}
    with_membrane, without = chronic(parameters={"phi_m": 0.4}, switches=off), chronic(switches=off)
    total = with_membrane.pop("RANKL") + with_membrane.pop("mRANKL")
    assert total == pytest.approx(without["RANKL"], rel=1e-8)
    assert with_membrane == pytest.approx({n: without[n] for n in with_membrane}, rel=1e-7, abs=1e-9)


def test_dendritic_cells_alone_feel_where_rankl_is(chronic, untreated):
    shared = chronic(parameters={"phi_m": 0.4})
    assert shared["dendritic"] == pytest.approx(untreated["dendritic"], rel=0.02)
    assert shared["OCa"] == pytest.approx(untreated["OCa"], rel=1e-3)


def test_cell_numbers_are_an_exact_symmetry(well_mixed, untreated):
    lb, lc = 4.8, 0.028
    scaled = {"D_OBu": lb, "beta_OPG": 1 / lb, "R_L": 1 / lb, "D_OCp": lc, "P0": lc, "alpha_TGFb": 1 / lc}
    plain = load_network("osteoimmune")
    units = {n: p.value.unit for n, p in plain.model.parameters.items()}
    changes = {n: f"{plain.numbers[n] * s / units[n].factor!r} {units[n]}" for n, s in scaled.items()}
    m = well_mixed(parameters=changes)
    factor = {"OBp": lb, "OBa": lb, "OCp": lc, "OCa": lc}
    y = m.healthy(bacteria=1000.0) * [factor.get(n, 1.0) for n in m.names]
    end = m.named(m.run(y, 180.0))
    want = {n: untreated[n] * factor.get(n, 1.0) for n in end if n != "depth"}
    assert {n: end[n] for n in want} == pytest.approx(want, rel=1e-6, abs=1e-12)


def test_exhaustion_is_off_and_lets_the_load_rise_when_on(chronic, untreated):
    assert untreated["exhaustion"] == 0.0
    tired = chronic(switches={"neutrophil_exhaustion": True})
    assert 0.0 < tired["exhaustion"] < 1.0
    assert tired["bacteria"] > 1.5 * untreated["bacteria"]


def test_turnover_moves_the_surface_and_nothing_else(chronic, untreated):
    rodent = chronic(parameters={"turnover": "rodent"})
    assert rodent.pop("depth") == pytest.approx(6 * untreated["depth"], rel=1e-6)
    assert rodent == pytest.approx({n: untreated[n] for n in rodent}, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("drug", "level", "population", "falls"),
    [
        ("anti_TNF", 10.0, "OCa", True), ("anti_IL1", 10.0, "OCa", True), ("OPG_Fc", 1e4, "OCa", True),
        ("OPG_infusion", 2e5, "OCa", True), ("bisphosphonate", 10.0, "OCa", True), ("anti_TNF", 10.0,
         "OBa", False),
    ],
)  # fmt: skip
def test_drugs_act_in_the_known_direction(model, infected, drug, level, population, falls):
    before = model.named(model.run(infected, 28.0))[population]
    model.kernels.set_inputs({drug: level})
    assert (model.named(model.run(infected, 28.0))[population] < before) is falls


@pytest.mark.parametrize(
    ("population", "raised", "up"),
    [("MCSF", 10.0, True), ("TNF", 100.0, True), ("IL1", 20.0, True), ("IL6", 100.0, True),
    ("IL17", 50.0, True),
     ("IFN", 100.0, False)],
)  # fmt: skip
def test_each_cytokine_moves_osteoclasts_its_way(model, population, raised, up):
    """A cytokine held at a raised level for a week, all else left to itself."""
    held = model.names.index(population)
    y = model.healthy(**{population: raised})

    def rates(t, v):
        f = model.rates(t, v)
        f[held] = 0.0
        return f

    end = solve_ivp(rates, (0.0, 7.0), y, "LSODA", rtol=1e-6, atol=1e-9 * model.scale).y[:, -1]
    assert (model.named(end)["OCa"] > model.network.healthy["OCa"]) is up


def test_disease_leaves_the_healthy_state_alone():
    plain = load_network("osteoimmune")
    changed = load_network("osteoimmune", parameters={"RANK": "0 pM"})
    assert changed.numbers["RANK"] == 0.0
    assert changed.healthy == plain.healthy and changed.stars == plain.stars
    assert changed.in_health().numbers == plain.numbers
    moved = load_network("osteoimmune", parameters={"diff_TNF": "3e5 um^2/s", "turnover": "rodent"})
    assert moved.in_health().numbers == moved.numbers


def test_geometry_enters_resorption_and_counts():
    network = load_network("osteoimmune").bind(sigma0=0.00486, d0=50.0)
    c = network.constants
    assert c["k_res"] * network.healthy["OCa"] == pytest.approx(0.25 / 365.25 * 50.0)
    assert {f.name: f.initial for f in network.fields} == pytest.approx(
        {"half_thickness": 50.0, "rho": network.healthy["OCa"] / network.healthy["OBa"]}
    )
    kernels = Kernels(network)
    node, one = np.zeros(1, np.int32), np.ones(1)
    ym = np.array([[network.healthy[p.name] for p in network.marrow]])
    ys = np.array([[network.healthy[p.name] for p in network.surface]])
    g = np.array([[f.initial for f in network.fields]])
    counts = [kernels.surface.quantity(q, 0.0, node, ym, ys, one, g, None)[0] for q in ("N_Oc_BS", "N_Ob_BS")]
    assert np.array(counts) / unit("cells/mm^2").factor == pytest.approx([2.8, 332.0], rel=2e-3)


def test_resorption_ends_where_the_bone_does():
    network = load_network("osteoimmune")
    kernels = Kernels(network)
    depth = np.array([0.0, 98.0, 99.5, 100.0, 130.0])
    n = len(depth)
    ym = np.array([[network.healthy[p.name] for p in network.marrow]] * n)
    ys = np.array([[network.healthy[p.name] for p in network.surface]] * n)
    ys[:, -1] = depth
    g = np.array([[100.0, network.fields[1].initial]] * n)
    node = np.arange(n, dtype=np.int32)
    v = kernels.surface.quantity("resorption", 0.0, node, ym, ys, np.ones(n), g, None)
    full = network.constants["k_res"] * network.healthy["OCa"]
    assert v == pytest.approx(full * np.array([1.0, 1.0, 0.5, 0.0, 0.0]), abs=1e-15)


IL10 = """
[parameter.p_IL10]
value = "0.05 pM/day*mm^3/cell"
meaning = "IL-10 by macrophages"
source = "assumed"

[parameter.d_IL10]
value = "6 1/day"
meaning = "loss of IL-10"
source = "assumed"

[parameter.K_IL10]
value = "20 pM"
meaning = "IL-10 for half inhibition of TNF"
source = "assumed"

[population.IL10]
label = "IL-10"
domain = "marrow"
unit = "pM"
diffusivity = "30 um^2/s"
scale = "20 pM"
volume = { "secretion by macrophages" = "p_IL10*macrophage", loss = "-d_IL10*IL10" }
"""


def test_a_user_adds_a_cytokine_by_adding_lines(tmp_path: Path, at_one_point, untreated):
    """IL-10 made by macrophages inhibits their TNF: one block of lines, one term changed."""
    text = (FOLDER / "osteoimmune.toml").read_text("utf-8")
    term = '"p_TNF_M*macrophage"'
    assert text.count(term) == 1
    file = tmp_path / "with_il10.toml"
    file.write_text(text.replace(term, '"p_TNF_M*macrophage/(1 + IL10/K_IL10)"') + IL10)
    m = at_one_point(load_network("with_il10", file=file))
    assert m.network.n_diffusing == 10
    end = m.named(m.run(m.healthy(bacteria=1000.0), 180.0))
    assert end["IL10"] == pytest.approx(0.05 * end["macrophage"] / 6.0, rel=1e-6)
    assert end["TNF"] < 0.6 * untreated["TNF"]
    assert end["OCa"] < untreated["OCa"]


def test_tgf_b_from_matrix_is_that_from_osteoclasts_at_human_turnover():
    """Set free with the volume resorbed instead: the same in health on the reference sample."""
    held = [Held("TGFb", 2.404, in_new_bone=True, instead_of="release by osteoclasts")]
    plain, matrix = load_network("osteoimmune"), load_network("osteoimmune", held=held)
    for name in ("TGFb", "OCa", "OBa", "OPG"):
        assert matrix.healthy[name] == pytest.approx(plain.healthy[name], rel=1e-3)
    rodent = load_network("osteoimmune", parameters={"turnover": "rodent"}, held=held)
    assert rodent.healthy["TGFb"] > 1.5 * plain.healthy["TGFb"]  # six times as much bone a day
