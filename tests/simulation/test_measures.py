# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rows of history.csv from fields made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import build_sample
from osteofield.integrator import System
from osteofield.kinetics import Kernels
from osteofield.parallel import world
from osteofield.simulation.measures import Measures, _mean_positive_part
from osteofield.tissue import WellMixed, build_tissue

SHAPES = {
    "plate": (ShapeSpec("plate", (800.0, 500.0), thickness=200.0), 50.0),
    "slab": (ShapeSpec("plate", (600.0, 300.0, 200.0), thickness=200.0), 80.0),
    "marrow": (ShapeSpec("marrow", (300.0, 200.0, 200.0)), 60.0),
}


@pytest.fixture(scope="module")
def setting(network):
    made = {}

    def get(name):
        if name not in made:
            if name == "well mixed":
                sample = WellMixed(0.005, 80.0)
            else:
                shape, cell = SHAPES[name]
                sample = build_sample(SampleSpec(shape=shape, cell_size=cell))
            made[name] = build_tissue(sample, network, Kernels(network), world())
        return made[name]

    return get


class Fields:
    """Zero fields of a tissue with some populations set."""

    def __init__(self, tissue):
        self.t, self.system = tissue, System(tissue.problem)
        n, where = tissue.network, tissue.layout
        self.marrow = np.zeros((where.marrow_count, len(n.marrow)))
        self.surface = np.zeros((where.surface_count, len(n.surface)))
        self.x, self.s = np.zeros((where.marrow_count, 3)), np.zeros((where.surface_count, 3))
        self.x[where.owned] = where.position
        self.s[where.owned_surface] = where.position[where.on_surface]

    def set(self, name, values):
        for array, populations in (
            (self.marrow, self.t.network.marrow),
            (self.surface, self.t.network.surface),
        ):
            for k, p in enumerate(populations):
                if p.name == name:
                    array[:, k] = values
        return self

    def row(self, residuals=None, eroded=2.0, infected=50.0):
        t, y = self.t, self.system.vector()
        self.system.marrow(y)[:] = self.marrow[t.layout.owned]
        self.system.surface(y)[:] = self.surface[t.layout.owned_surface]
        return Measures(t, self.system, eroded, infected).row(3.0, y, residuals or {})


def test_columns_are_those_promised(setting, network):
    t = setting("plate")
    row = Fields(t).row({"RANKL": 1e-15, "OCa": -2e-16})
    names = list(row)
    assert names[:10] == [
        "time [day]", "BV/TV [1]", "bone_loss [mm^3]", "bone_loss [%]", "depth.mean [um]", "E.De.mean [um]",
        "E.De.max [um]", "ES/BS [1]", "infected_marrow [mm^3]", "bacteria_total [CFU]",
    ]  # fmt: skip
    rest, units = names[10:], {"pM": "amol", "cells/mm^3": "cells", "CFU/mm^3": "CFU"}
    wanted = []
    for p in network.populations:
        if p.name == "depth":
            wanted += ["depth.max [um]", "depth.total [mm^3]"]  # its mean stands in front
            continue
        wanted += [f"{p.name}.mean [{p.unit}]", f"{p.name}.max [{p.unit}]"]
        wanted += [f"{p.name}.total [{units.get(p.unit, 'mm^3')}]"]
    wanted += ["TNF_free [pM]", "IL1_free [pM]"]
    wanted += ["N.Oc/BS [cells/mm^2]", "N.Ob/BS [cells/mm^2]", "Oc.S/BS [1]"]
    assert rest == [*wanted, "RANKL.residual [1]", "OCa.residual [1]"]
    assert row["time [day]"] == 3.0
    assert row["OCa.residual [1]"] == -2e-16
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "area", "bone"), [("plate", 1.0, 0.1), ("slab", 0.12, 0.012)])
def test_uniform_depth(setting, name, area, bone):
    """Two faces of 0.5 mm (times 1 mm of thickness), or of 0.3 x 0.2 mm^2."""
    row = Fields(setting(name)).set("depth", 5.0).row()
    total = 0.4 if name == "plate" else 0.036
    assert row["depth.mean [um]"] == pytest.approx(5.0)
    assert row["depth.max [um]"] == pytest.approx(5.0)
    assert row["E.De.mean [um]"] == pytest.approx(5.0)
    assert row["E.De.max [um]"] == pytest.approx(5.0)
    assert row["ES/BS [1]"] == pytest.approx(1.0)
    assert row["bone_loss [mm^3]"] == pytest.approx(area * 5e-3)
    assert row["bone_loss [%]"] == pytest.approx(100 * area * 5e-3 / bone)
    assert row["BV/TV [1]"] == pytest.approx((bone - area * 5e-3) / total)


@pytest.mark.parametrize("name", ["plate", "slab"])
def test_depth_that_grows_along_the_surface(setting, name):
    """0 to 10 um along y: eroded (> 2 um) is 80 % of it, 6 um deep on average, cut inside cells."""
    f = Fields(setting(name))
    row = f.set("depth", 10.0 * f.s[:, 1] / f.s[:, 1].max()).row()
    assert row["depth.mean [um]"] == pytest.approx(5.0)
    assert row["ES/BS [1]"] == pytest.approx(0.8)
    assert row["E.De.mean [um]"] == pytest.approx(6.0)
    assert row["E.De.max [um]"] == pytest.approx(10.0)
    row = f.row(eroded=7.3)
    assert row["ES/BS [1]"] == pytest.approx(0.27)
    assert row["E.De.mean [um]"] == pytest.approx(8.65)


def test_shallow_depth_and_gain_are_not_eroded(setting):
    row = Fields(setting("plate")).set("depth", 1.9).row()
    assert row["depth.mean [um]"] == pytest.approx(1.9)
    assert row["E.De.mean [um]"] == row["E.De.max [um]"] == row["ES/BS [1]"] == 0.0
    row = Fields(setting("plate")).set("depth", -1.0).row()
    assert row["depth.mean [um]"] == pytest.approx(-1.0)
    assert row["bone_loss [mm^3]"] == pytest.approx(-1e-3)
    assert row["BV/TV [1]"] == pytest.approx(0.101 / 0.4)
    assert row["ES/BS [1]"] == row["E.De.max [um]"] == 0.0


def test_infected_marrow_and_amounts(setting):
    f = Fields(setting("marrow"))  # 0.3 x 0.2 x 0.2 mm
    x = f.x[:, 0] / 300.0
    row = f.set("bacteria", 60.0 * x).set("biofilm", 40.0 * x).set("TNF", 7.0).row()
    assert row["infected_marrow [mm^3]"] == pytest.approx(0.006)
    assert row["bacteria_total [CFU]"] == pytest.approx(50 * 0.012)
    assert row["bacteria.total [CFU]"] == pytest.approx(30 * 0.012)
    assert row["bacteria.mean [CFU/mm^3]"] == pytest.approx(30.0)
    assert row["bacteria.max [CFU/mm^3]"] == pytest.approx(60.0)
    assert row["TNF.mean [pM]"] == pytest.approx(row["TNF.max [pM]"]) == pytest.approx(7.0)
    assert row["TNF.total [amol]"] == pytest.approx(7 * 0.012)  # 1 pM = 1 amol/mm^3
    # every node speaks for its own volume: the one at x = 120 um of six begins at 90 um
    assert f.row(infected=25.0)["infected_marrow [mm^3]"] == pytest.approx(0.7 * 0.012)
    # no bone here
    assert row["BV/TV [1]"] == row["depth.mean [um]"] == row["ES/BS [1]"] == row["bone_loss [%]"] == 0.0
    assert row["OCa.mean [pM]"] == 0.0


def test_two_dimensions_are_per_millimetre_of_thickness(setting):
    f = Fields(setting("plate"))  # 0.6 x 0.5 mm of marrow
    row = f.set("bacteria", 100.0).set("TNF", 2.0).row()
    assert row["infected_marrow [mm^3]"] == pytest.approx(0.3)
    assert row["bacteria_total [CFU]"] == pytest.approx(30.0)
    assert row["TNF.total [amol]"] == pytest.approx(0.6)


@pytest.mark.parametrize(("name", "marrow"), [("plate", 0.3), ("slab", 0.024)])
def test_bone_cells_count_in_the_volume_of_the_well_mixed_model(setting, name, marrow):
    """X pM on the surface is X / sigma0 per area, which adds up to X times the marrow volume."""
    row = Fields(setting(name)).set("OCa", 4.0).row()
    assert row["OCa.mean [pM]"] == pytest.approx(row["OCa.max [pM]"]) == pytest.approx(4.0)
    assert row["OCa.total [amol]"] == pytest.approx(4.0 * marrow)


@pytest.mark.parametrize("name", ["plate", "slab", "well mixed"])
def test_cells_on_bone_are_counted_and_cover_it(setting, name):
    """By hand: 1e-3 pM are 602.214e-3/sigma0 cells per mm^2 of the model's scale, times 0.028 as counted,
    times 2500 um^2 each; where osteoclasts increase along y, the mean counts."""
    t = setting(name)
    f = Fields(t)
    y = f.s[:, 1] / f.s[:, 1].max() if name != "well mixed" else 0.5
    row = f.set("OCa", 2e-3 * y).set("OBa", 5e-4).row()
    sigma0 = {"plate": 2 / 600.0, "slab": 2 / 400.0, "well mixed": 0.005}[
        name
    ]  # 1/um: two faces of the marrow
    osteoclasts = 0.028 * 602.214076 * 1e-3 / sigma0
    assert row["N.Oc/BS [cells/mm^2]"] == pytest.approx(osteoclasts, rel=1e-6)
    assert row["Oc.S/BS [1]"] == pytest.approx(osteoclasts * 2500e-6, rel=1e-6)
    assert row["N.Ob/BS [cells/mm^2]"] == pytest.approx(4.8 * 602.214076 * 5e-4 / sigma0, rel=1e-6)


def test_bone_without_surface_has_no_cells(setting):
    row = Fields(setting("marrow")).row()
    assert row["Oc.S/BS [1]"] == row["N.Oc/BS [cells/mm^2]"] == 0.0


def test_well_mixed(setting):
    row = Fields(setting("well mixed")).set("depth", 8.0).set("bacteria", 60.0).row()
    assert row["depth.mean [um]"] == row["E.De.mean [um]"] == row["E.De.max [um]"] == pytest.approx(8.0)
    assert row["ES/BS [1]"] == 1.0
    assert row["bone_loss [%]"] == pytest.approx(10.0)  # of 80 um
    assert row["BV/TV [1]"] == pytest.approx(0.36 / 1.4)
    assert row["bacteria_total [CFU]"] == pytest.approx(60.0)
    assert row["infected_marrow [mm^3]"] == pytest.approx(1.0)  # all of its cubic millimetre
    low = Fields(setting("well mixed")).set("depth", 1.0).set("bacteria", 40.0).row()
    assert low["ES/BS [1]"] == low["infected_marrow [mm^3]"] == 0.0


@pytest.mark.parametrize("k", [1, 2])
def test_mean_positive_part_against_monte_carlo(k):
    rng = np.random.default_rng(k)
    v = rng.normal(size=(12, k + 1))
    inside = rng.dirichlet(np.ones(k + 1), 400_000)
    assert _mean_positive_part(v) == pytest.approx(np.maximum(inside @ v.T, 0).mean(axis=0), abs=4e-3)
    assert _mean_positive_part(np.abs(v)) == pytest.approx(np.abs(v).mean(axis=1))
    assert not _mean_positive_part(-np.abs(v)).any()
