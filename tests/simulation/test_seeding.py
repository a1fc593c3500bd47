# SPDX-License-Identifier: LGPL-3.0-or-later
"""Foci: the amount is load times marrow volume, whatever the mesh; faults are told."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.api import case_sample
from osteofield.errors import InputError
from osteofield.geometry import build_piece
from osteofield.kinetics import Kernels, load_network
from osteofield.parallel import world
from osteofield.simulation.seeding import check_foci, marrow_volume, place_foci
from osteofield.tissue import WellMixed, build_tissue

BOX = """\
format = 1
[sample]
cell_size = "80 um"
[sample.shape]
kind = "plate"
size = ["600 um", "400 um", "400 um"]
thickness = "200 um"
[model]
name = "osteoimmune"
[[focus]]
center = ["200 um", "190 um", "210 um"]
radius = "110 um"
load = "1000 CFU/mm^3"
[time]
end = "1 day"
"""
HALF_BALL = {2: np.pi * 110.0**2 / 2, 3: 2 / 3 * np.pi * 110.0**3}


def settings(dimension):
    if dimension == 3:
        return []
    return ['sample.shape.size=["600 um", "400 um"]', 'focus.0.center=["200 um", "190 um"]']


@pytest.fixture
def placed(case):
    def place(*changes):
        c = case(*changes, text=BOX)
        spec = c.sample
        sample = WellMixed(0.005, 100.0) if spec.well_mixed else build_piece(spec, world())
        network = load_network("osteoimmune")
        tissue = build_tissue(sample, network, Kernels(network), world())
        return tissue, place_foci(c, tissue, network.roles.inoculum)

    return place


@pytest.mark.parametrize("cell", ["80 um", "130 um"])
@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize(("load", "number"), [("1000 CFU/mm^3", 1000.0), ("3 nM", 3000.0)])
def test_amount_is_load_times_marrow_in_the_ball(placed, dimension, load, number, cell):
    """The centre lies on the bone surface: half of the ball is marrow, and no bone is infected."""
    population = "bacteria" if "CFU" in load else "TNF"
    tissue, (focus,) = placed(
        *settings(dimension),
        f'focus.0.load="{load}"',
        f'focus.0.population="{population}"',
        f'sample.cell_size="{cell}"',
    )
    assert focus.population == population
    assert focus.volume == pytest.approx(HALF_BALL[dimension], rel=1e-4)
    assert focus.density @ tissue.layout.volumes == pytest.approx(number * focus.volume, rel=1e-12)
    assert focus.density.min() >= 0.0
    assert focus.density.max() <= number * (1 + 1e-9)
    points = tissue.layout.points
    far = np.linalg.norm(points - focus.center, axis=1) > 110.0 + 2.5 * float(cell.split()[0])
    assert not focus.density[far].any()


def test_what_stays_in_place_fills_whole_nodes(placed):
    """Bacteria: full nodes, at most one with a share; a solute is spread by shares."""
    _, (bacteria,) = placed()
    assert ((bacteria.density > 1e-9) & (bacteria.density < 1000.0 * (1 - 1e-9))).sum() <= 1
    _, (solute,) = placed('focus.0.population="TNF"', 'focus.0.load="1000 pM"')
    assert ((solute.density > 1e-9) & (solute.density < 999.0)).sum() > 3


def test_well_mixed_focus_is_everywhere(case, placed):
    text = BOX[: BOX.index("cell_size")] + "well_mixed = true\n" + BOX[BOX.index("[model]") :]
    text = text.replace('center = ["200 um", "190 um", "210 um"]\nradius = "110 um"\n', "")
    c = case(text=text)
    network = load_network("osteoimmune")
    tissue = build_tissue(WellMixed(0.005, 100.0), network, Kernels(network), world())
    (focus,) = place_foci(c, tissue, network.roles.inoculum)
    assert focus.density == pytest.approx([1000.0])
    assert focus.volume == 1e9


def test_center_and_volume(case):
    """ "center" is the centre of the box, here inside the bone; a large ball reaches the marrow."""
    c = case('focus.0.center="center"', 'focus.0.radius="1 mm"', text=BOX)
    sample = build_piece(c.sample, None)
    assert check_foci(c, sample) == []
    assert marrow_volume(sample, np.array([300.0, 200, 200]), 1000.0) == pytest.approx(4 * 4 * 4e6, rel=1e-9)


def test_focus_in_bone(case):
    text = BOX.replace('"200 um", "190 um", "210 um"', '"300 um", "200 um", "200 um"')
    with pytest.raises(InputError) as e:
        case_sample(case(text=text.replace('radius = "110 um"', 'radius = "60 um"')))
    (problem,) = e.value.problems
    assert problem.key == "focus[0].radius"
    assert problem.line == 12
    assert "60 um around (300, 200, 200) um holds no marrow, only bone" in problem.message
    assert "the nearest marrow is 102 um away" in problem.message  # the nearest vertex


def test_every_faulty_focus_is_told(case):
    """A sample file tells its box only when it is read, so these are found with the sample at hand."""
    from dataclasses import replace

    c = case(text=BOX)
    spec = c.foci[0]
    foci = (
        replace(spec, center=(200.0, 900.0, 210.0)),
        replace(spec, center=(200.0, 190.0)),
        spec,
        replace(spec, center=(300.0, 200.0, 200.0), radius=30.0),
    )
    problems = check_foci(replace(c, foci=foci), build_piece(c.sample, None))
    assert len(problems) == 3
    assert (
        "(200, 900, 210) um is outside the sample, which spans 0..600 um x 0..400 um" in problems[0].message
    )
    assert "2 coordinates were given, but the sample has 3 dimensions" in problems[1].message
    assert "only bone" in problems[2].message
