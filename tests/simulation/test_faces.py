# SPDX-License-Identifier: LGPL-3.0-or-later
"""What comes through a face: the amount that flows in, its profile, layers, and drugs that diffuse."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.api import case_sample
from osteofield.errors import InputError

MARROW = """\
format = 1
[sample]
cell_size = "40 um"
[sample.shape]
kind = "marrow"
size = [{size}]
[initial]
state = "homeostasis"
[model]
name = "osteoimmune"
[time]
end = "{end} day"
tolerance = 1e-5
linear_tolerance = 1e-4
[output]
times = ["0 day", "{end} day"]
"""
BLOCK2, BLOCK3 = '"1600 um", "200 um"', '"320 um", "200 um", "160 um"'


def test_a_flux_holds_the_profile_of_one_dimension(case, simulate):
    """q/sqrt(D d) cosh((L - x)/l)/sinh(L/l): diffusion and loss in a closed slab."""
    text = MARROW.format(size=BLOCK2, end=2) + '[[face]]\nside = "x-"\nsource = { TNF = "2e6 pM um/day" }\n'
    r = simulate(case(text=text))
    frame, points = r.writer.frames[-1], r.writer.mesh.marrow_points
    D, d, L = 30 * 86400.0, 39.6, 1600.0
    length = np.sqrt(D / d)
    want = 2e6 / np.sqrt(D * d) * np.cosh((L - points[:, 0]) / length) / np.sinh(L / length)
    assert frame.marrow["TNF"] == pytest.approx(want, rel=2e-2, abs=1e-3 * want.max())


@pytest.mark.parametrize(("size", "side", "area"), [(BLOCK2, "y+", 1600.0), (BLOCK3, "z-", 320.0 * 200.0)])
def test_what_flows_in_is_flux_times_area(case, simulate, size, side, area):
    """Only its own loss, 2.16 per day, removes IFN here; the ledger knows of the flux."""
    text = MARROW.format(size=size, end=1)
    text += f'[[face]]\nside = "{side}"\nsource = {{ IFN = "1e5 pM um/day" }}\n'
    text += 'from = "0.25 day"\nuntil = "0.5 day"\n'
    r = simulate(case(text=text))
    assert r.simulation.schedule.events == [0.25, 0.5]
    s = r.simulation.system
    total = s.totals(r.simulation._integrator.y)[r.simulation.names.index("IFN")]
    rate = 1e5 * area
    want = rate / 2.16 * (1 - np.exp(-2.16 * 0.25)) * np.exp(-2.16 * 0.5)
    assert total == pytest.approx(want, rel=1e-5)
    assert abs(r.writer.history["IFN.residual [1]"][-1]) < 1e-6


def test_a_layer_is_filled_by_whole_nodes(case, simulate):
    text = MARROW.format(size=BLOCK2, end=0.01)
    text += '[[face]]\nside = "x+"\nlayer = "100 um"\nload = { biofilm = "500 CFU/mm^3", TNF = "7 pM" }\n'
    r = simulate(case(text=text))
    first, points = r.writer.frames[0], r.writer.mesh.marrow_points
    inside = first.marrow["biofilm"] > 0
    assert set(np.unique(first.marrow["biofilm"])) == {0.0, 500.0}
    assert points[inside, 0].min() == pytest.approx(1500.0, abs=25.0)
    assert (first.marrow["TNF"][inside] == 7.0).all()
    volume = r.simulation.equations.faces.facts[0]["marrow_volume"]
    assert volume == pytest.approx(100.0 * 200.0, rel=0.25)
    assert "face x+: 500 CFU/mm^3 of biofilm, 7 pM of TNF in" in r.log


PIN = """[sample.implant]
shape = "cylinder"
diameter = "160 um"
axis = "z"
[initial]"""


@pytest.mark.parametrize("size", ['"600 um", "500 um"', '"600 um", "500 um", "200 um"'])
def test_what_comes_from_an_implant(case, simulate, size):
    """A ring of 40 um around a pin of 160 um; a flux times its area; the box alone is outer."""
    text = MARROW.replace("[initial]", PIN).format(size=size, end=0.02).replace("40 um", "25 um")
    text += '[[face]]\nside = "implant"\nlayer = "40 um"\nload = { biofilm = "500 CFU/mm^3" }\n'
    text += 'source = { IFN = "1e5 pM um/day" }\n'
    r = simulate(case(text=text))
    deep = 200.0 if size.count(",") == 2 else 1.0
    first, points = r.writer.frames[0], r.writer.mesh.marrow_points
    inside = first.marrow["biofilm"] > 0
    radius = np.hypot(points[:, 0] - 300, points[:, 1] - 250)
    assert radius[inside].max() < 135 and radius[~inside].min() > 105 and radius.min() > 75
    volume = r.simulation.equations.faces.facts[0]["marrow_volume"]
    assert volume == pytest.approx(np.pi * (120**2 - 80**2) * deep, rel=0.1)
    assert "implant: 500 CFU/mm^3 of biofilm in" in r.log
    layout = r.simulation.tissue.layout
    assert layout.faces["implant"].sum() == pytest.approx(np.pi * 160 * deep, rel=0.01)
    box = 2 * (600 + 500) * deep + (deep > 1) * 2 * (600 * 500 - np.pi * 80**2)
    assert layout.outer.sum() == pytest.approx(box, rel=0.01)
    system = r.simulation.system
    total = system.totals(r.simulation._integrator.y)[r.simulation.names.index("IFN")]
    assert total == pytest.approx(1e5 * layout.faces["implant"].sum() * 0.02, rel=0.03)  # 2 % is lost


def test_a_drug_from_beads_on_a_face_kills_beside_them(case, simulate):
    text = MARROW.format(size=BLOCK2, end=3)
    text += """
[[focus]]
center = "center"
radius = "3 mm"
load = "1000 CFU/mm^3"
[[face]]
side = "x-"
source = { gentamicin = "2e9 pM um/day" }
"""
    r = simulate(case("time.tolerance=1e-3", text=text))
    frame, x = r.writer.frames[-1], r.writer.mesh.marrow_points[:, 0]
    load = frame.marrow["bacteria"] + frame.marrow["biofilm"]
    assert frame.marrow["gentamicin"][x < 50].mean() > 5 * frame.marrow["gentamicin"][x > 1500].mean() > 0
    assert load[x < 50].mean() < 0.7 * load[x > 1500].mean()


def test_a_drug_that_arrives_by_diffusion_reaches_the_level_of_blood(case, simulate):
    text = MARROW.format(size=BLOCK2, end=1)
    text += '[[therapy]]\ndrug = "vancomycin"\narrival = "by diffusion"\nfrom = "0.5 day"\n'
    r = simulate(case(text=text + 'dose = { level = "10 mg/L", bone_to_serum = 0.3 }\n'))
    level = r.writer.frames[-1].marrow["vancomycin"]
    want = 3e-3 / 1449.3 * 1e12 * (1 - np.exp(-50 * 0.5))
    assert level == pytest.approx(want, rel=1e-4)


@pytest.mark.parametrize(
    ("face", "said"),
    [
        ('side = "x"\nsource = { TNF = "1 pM um/day" }', "'x' is not one of the choices"),
        ('side = "z-"\nsource = { TNF = "1 pM um/day" }', "a section has no faces along z"),
        ('side = "x-"', "a face needs a 'source', or a 'layer' with a 'load', or both"),
        ('side = "x-"\nload = { biofilm = "1 CFU/mm^3" }', "this key is needed, for example layer"),
        ('side = "x-"\nlayer = "60 um"', "'layer' is the depth that a 'load' is put into"),
        ('side = "x-"\nsource = { TNF = "1 pM/day" }', "'1 pM/day' is a concentration per time"),
        ('side = "x-"\nsource = { TFN = "1 pM um/day" }', "no population 'TFN'; did you mean 'TNF'?"),
        ('side = "x-"\nsource = { biofilm = "1 pM um/day" }', "'biofilm' does not move"),
        ('side = "x-"\nlayer = "60 um"\nload = { biofilm = "1 pM" }', "the load is added to 'biofilm'"),
        ('side = "x-"\nlayer = "60 um"\nload = { OCa = "1 pM" }', "no population 'OCa'"),
    ],
)
def test_what_is_wrong_with_a_face(case, face, said):
    from osteofield.api import case_network

    with pytest.raises(InputError) as e:
        case_network(case(text=MARROW.format(size=BLOCK2, end=1) + f"[[face]]\n{face}\n"))
    assert said in str(e.value)


def test_a_face_of_bone_lets_nothing_through(case):
    text = MARROW.format(size=BLOCK2, end=1).replace(
        'kind = "marrow"', 'kind = "plate"\nthickness = "200 um"'
    )
    text = text.replace('thickness = "200 um"', 'thickness = "200 um"\ncenter = ["50 um", "100 um"]')
    text += '[[face]]\nside = "x-"\nsource = { TNF = "1 pM um/day" }\n'
    with pytest.raises(InputError, match="no marrow on its face x-"):
        case_sample(case(text=text))
