# SPDX-License-Identifier: LGPL-3.0-or-later
"""What bone holds: set free with the volume resorbed, used up, booked to the last digit."""

from __future__ import annotations

import numpy as np
import pytest

WALL = """\
format = 1
name = "wall"
title = "A wall of bone that recedes; what it sets free stays"
[roles]
depth = "depth"
resorption = "retreat"
[parameter]
D = { value = "20 um^2/s", meaning = "diffusivity", source = "assumed" }
v = { value = "2 um/day", meaning = "speed of resorption", source = "assumed" }
w = { value = "0 um/day", meaning = "speed of formation", source = "assumed" }
g = { value = "0 um/day", meaning = "the same while there is no resorption", source = "assumed" }
t1 = { value = "1000 day", meaning = "its beginning", source = "assumed" }
t2 = { value = "2000 day", meaning = "its end", source = "assumed" }
[quantity]
pause = "step(t - t1)*step(t2 - t)"
[population.solute]
domain = "marrow"
unit = "pM"
diffusivity = "D"
initial = "0 pM"
scale = "1 pM"
[population.depth]
domain = "surface"
unit = "um"
initial = "0 um"
scale = "1 um"
signed = true
surface = { retreat = "v*(1 - pause)", advance = "-w - g*pause" }
"""

CASE = """\
format = 1
surface = "{surface}"
[sample]
{sample}
[initial]
state = "model"
[model]
name = "wall.toml"
[[bone_holds]]
population = "solute"
concentration = "7 pM"
{holds}
[time]
end = "{days} day"
linear_tolerance = 1e-8
[output]
every = "{days} day"
"""

PLATE = 'cell_size = "40 um"\nshape = {{ kind = "plate", size = {size}, thickness = "200 um" }}'
FLAT = PLATE.format(size='["400 um", "400 um"]')
SOLID = PLATE.format(size='["400 um", "160 um", "160 um"]')
MIXED = 'well_mixed = true\nbone_thickness = "100 um"'
AREA = 2 * 400.0 * 1000.0  # um^2, of both sides of the flat plate, a millimetre thick


@pytest.fixture
def wall(case, case_file, simulate):
    def run(*settings, sample=FLAT, surface="records depth", holds="", days=20):
        case_file(WALL, "wall")
        return simulate(
            case(*settings, text=CASE.format(sample=sample, surface=surface, holds=holds, days=days))
        )

    return run


def booked(run, name="solute in bone") -> dict[str, float]:
    return {r["what"]: r["amount"] for r in run.writer.last["budget"] if r["population"] == name}


@pytest.mark.parametrize("surface", ["records depth", "moves"])
@pytest.mark.parametrize("new_bone", ["the same", "none"])
def test_a_wall_that_recedes_sets_free_what_was_in_its_volume(wall, surface, new_bone):
    """c A v t, exactly, in place and across re-cuts; what is left is what was in the rest."""
    r = wall(surface=surface, holds=f'new_bone = "{new_bone}"')
    books, last = booked(r), {k: v[-1] for k, v in r.writer.history.items()}
    free = 7e-9 * AREA * 2.0 * 20.0  # amol
    assert last["solute.total [amol]"] == pytest.approx(free, rel=1e-7)
    assert -books["set free by resorption"] == pytest.approx(free, rel=1e-7)
    assert last["solute_in_bone.total [amol]"] == pytest.approx(7e-9 * AREA * 100.0 - free, rel=1e-7)
    assert abs(books["explained by nothing"]) < 1e-10 * free


def test_a_plate_in_three_dimensions(wall):
    r = wall(sample=SOLID, surface="moves", holds='new_bone = "none"', days=10)
    free = 7e-9 * 2 * 160.0**2 * 2.0 * 10.0
    assert r.writer.history["solute.total [amol]"][-1] == pytest.approx(free, rel=1e-7)
    assert abs(booked(r)["explained by nothing"]) < 1e-10 * free


@pytest.mark.parametrize(("sample", "area"), [(FLAT, AREA), (MIXED, 4.86e6)])
def test_bone_of_day_0_is_used_up(wall, sample, area):
    """Turnover in place, r = f: the rest of it falls as exp(-r t/d0); nothing ever comes back."""
    r = wall("model.parameters.w=2 um/day", sample=sample, holds='new_bone = "none"', days=150)
    history, books = r.writer.history, booked(r)
    left, whole = history["solute_in_bone.total [amol]"], 7e-9 * area * 100.0
    assert left[0] == pytest.approx(whole, rel=1e-12)
    assert left[-1] == pytest.approx(whole * _left(150.0), rel=2e-3)
    assert history["solute.total [amol]"][-1] + left[-1] == pytest.approx(whole, rel=1e-9)
    assert abs(history["old_bone.residual [1]"][-1]) < 1e-9
    assert abs(books["explained by nothing"]) < 2e-4 * whole  # terms are integrated as steps are wide


def _left(days: float) -> float:
    """Bone keeps its thickness, of which 2 um a day of 100 um are renewed."""
    return float(np.exp(-2.0 * days / 100.0))


def test_what_is_gone_is_not_set_free_again(wall):
    """80 of 100 um resorbed, as much formed, and resorbed again: of bone of day 0 there are 4 um left."""
    times = ("v=4 um/day", "g=4 um/day", "t1=20 day", "t2=40 day")
    r = wall(*(f"model.parameters.{x}" for x in times), holds='new_bone = "none"', days=60)
    assert r.writer.history["old_bone.mean [um]"][-1] == pytest.approx(4.0, rel=1e-3)
    assert r.writer.history["new_bone.mean [um]"][-1] == pytest.approx(16.0, rel=1e-3)
    assert r.writer.history["solute.total [amol]"][-1] == pytest.approx(7e-9 * AREA * 96.0, rel=1e-3)
