# SPDX-License-Identifier: LGPL-3.0-or-later
"""Implants: bodies of simple shapes in foams, shapes and sections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteofield.case import load_case
from osteofield.case.types import FoamSpec, ImplantSpec, SampleSpec, ShapeSpec, SliceSpec
from osteofield.errors import InputError
from osteofield.geometry import build_sample, load_sample, mesh_info, save_sample
from osteofield.geometry.implant import ImplantShape
from osteofield.geometry.morphometry import areas, non_manifold_edges

PLATE = ShapeSpec("plate", (600.0, 500.0, 500.0), thickness=200.0)
PIN = ImplantSpec("cylinder", (300.0, 250.0, 250.0), (1.0, 0.0, 0.0), 200.0)
FOAM = FoamSpec((800.0, 600.0, 700.0), spacing=350.0, voxel=20.0)


def area(sample, face: str) -> float:
    return float(areas(sample.points, sample.faces[face]).sum())


def test_distances_to_simple_bodies():
    rng = np.random.default_rng(1)
    x = rng.uniform(-300, 300, (2000, 3))
    lower, upper = np.full(3, -300.0), np.full(3, 300.0)
    ball = ImplantShape.of(ImplantSpec("sphere", diameter=200.0), lower, upper).distance(x)
    assert ball == pytest.approx(100 - np.linalg.norm(x, axis=1))
    box = ImplantShape.of(ImplantSpec("box", size=(100.0, 200.0, 300.0)), lower, upper)
    assert ((box.level(x) > 0) == (np.abs(x) < [50, 100, 150]).all(1)).all()
    slanted = ImplantSpec("cylinder", (10.0, 0.0, 0.0), (1.0, 1.0, 0.0), 100.0, 200.0)
    rod = ImplantShape.of(slanted, lower, upper)
    r = x - [10, 0, 0]
    along = (r[:, 0] + r[:, 1]) / np.sqrt(2)
    beside = np.sqrt(np.maximum((r**2).sum(1) - along**2, 0))
    assert ((rod.level(x) > 0) == ((beside < 50) & (np.abs(along) < 100))).all()
    for body in (box, rod):  # a distance: its slope is 1 where it has one
        e = 1e-3
        slope = np.stack([body.distance(x + e * a) - body.distance(x - e * a) for a in np.eye(3)], 1) / (
            2 * e
        )
        assert np.median(np.linalg.norm(slope, axis=1)) == pytest.approx(1.0, abs=1e-6)
    assert rod.section(2, 30.0).distance(x[:, :2]) == pytest.approx(
        rod.distance(np.column_stack([x[:, :2], np.full(len(x), 30.0)]))
    )


def test_a_pin_through_a_plate(tmp_path: Path):
    lines: list[str] = []
    s = build_sample(SampleSpec(shape=PLATE, cell_size=25.0, implant=PIN), log=lines.append)
    m, hole = s.morphometry, np.pi * 100.0**2
    assert m.bone_volume == pytest.approx(200 * (500**2 - hole), rel=0.01)
    assert m.marrow_volume == pytest.approx(400 * (500**2 - hole), rel=0.01)
    assert m.bone_surface == pytest.approx(2 * (500**2 - hole), rel=0.01)
    assert area(s, "implant") == pytest.approx(400 * np.pi * 200, rel=0.02)  # not where it touches bone
    assert area(s, "x-") == pytest.approx(500**2 - hole, rel=0.01)
    middle = s.points[s.faces["implant"]].mean(1)[:, 1:] - 250
    assert np.abs(np.linalg.norm(middle, axis=1) - 100.0).max() < 12.5  # half a cell, beside the bone
    x = s.points[s.faces["implant"]]
    normal = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])[:, 1:]
    assert (normal * middle).sum() == pytest.approx(2 * 100 * area(s, "implant"), rel=0.03)  # into the marrow
    assert non_manifold_edges(s.surface) == 0
    assert f"the implant takes {600 * hole * 1e-9:.2g}"[:-1] in lines[-2] and "BV/TV leaves out" in lines[-2]
    assert s.provenance["implant"]["diameter"] == 200.0
    hull = s.implant
    assert hull is not None
    corners = hull.points[hull.facets] - 250
    assert np.linalg.det(corners).sum() / 6 == pytest.approx(600 * hole, rel=0.01)  # closed, normals outwards
    radius = np.linalg.norm(hull.points[:, 1:] - 250, axis=1)
    held = ~hull.at_marrow & (hull.points[:, 0] > 205) & (hull.points[:, 0] < 395)  # by bone, in the plate
    off = np.abs(radius[held] - 100)
    assert held.sum() > 100 and off.max() < 6.0 and np.median(off) < 1e-6
    save_sample(s, tmp_path / "pin.xdmf")
    back = load_sample(tmp_path / "pin.xdmf")
    assert list(back.faces) == list(s.faces) and np.array_equal(back.faces["implant"], s.faces["implant"])
    assert back.implant is not None and np.array_equal(back.implant.facets, hull.facets)
    text, data = mesh_info(back)
    assert data["implant surface that touches marrow [mm^2]"] == pytest.approx(area(s, "implant") * 1e-6)
    assert "leaves the implant out" in text


def test_a_section_through_a_pin():
    """The disc, and the strip, in which planes cut the same cylinder."""
    pin = ImplantSpec("cylinder", (400.0, 300.0, 350.0), (0.0, 0.0, 1.0), 240.0)
    for axis, across, free in (("z", np.pi * 120**2, np.pi * 240), ("y", 240.0 * 700, 2 * 700.0)):
        spec = SampleSpec(foam=FOAM, cell_size=15.0, slice=SliceSpec(axis), implant=pin)  # type: ignore[arg-type]
        s = build_sample(spec)
        size = np.diff(np.array(s.box), axis=0).prod()
        assert size - s.morphometry.total_volume == pytest.approx(across, rel=0.02), axis
        shown = area(s, "implant")
        assert 0.3 * free < shown < free  # the rest of it touches bone
        whole = build_sample(replace(spec, implant=None)).morphometry
        assert s.morphometry.bone_volume < whole.bone_volume


@pytest.mark.parametrize(
    "spec",
    [
        replace(PIN, center=(300.0, 2000.0, 250.0)),  # outside
        ImplantSpec("sphere", (300.0, 250.0, 250.0), diameter=2.0),  # between the nodes
    ],
)
def test_an_implant_that_is_nowhere(spec: ImplantSpec):
    with pytest.raises(InputError, match="no cell of the mesh lies in the implant"):
        build_sample(SampleSpec(shape=PLATE, cell_size=60.0, implant=spec))


def test_an_implant_that_floats_in_the_marrow():
    bead = ImplantSpec("sphere", (150.0, 100.0, 100.0), diameter=100.0)
    floats = build_sample(
        SampleSpec(shape=replace(PLATE, center=(550.0, 250.0, 250.0)), cell_size=25.0, implant=bead)
    )
    assert area(floats, "implant") == pytest.approx(np.pi * 100**2, rel=0.1)  # shapes keep what is loose
    with pytest.raises(InputError, match="dimensions, but this has 2 values"):
        build_sample(SampleSpec(shape=PLATE, cell_size=60.0, implant=replace(PIN, center=(1.0, 2.0))))


CASE = """format = 1
[sample]
cell_size = "40 um"
[sample.synthetic]
size = ["1 mm", "1 mm", "1 mm"]
[sample.implant]
{}
[model]
name = "osteoimmune"
[[face]]
side = "implant"
layer = "60 um"
load = {{ biofilm = "10 CFU/mm^3" }}
[time]
end = "1 day"
"""


def test_implants_in_a_case(tmp_path: Path):
    file = tmp_path / "case.toml"

    def read(keys: str, change: tuple[str, str] = ("", "")) -> SampleSpec:
        file.write_text(CASE.format(keys).replace(*change))
        return load_case(file).sample

    spec = read('shape = "cylinder"\ndiameter = "0.2 mm"\naxis = "x"').implant
    assert spec == ImplantSpec("cylinder", None, (1.0, 0.0, 0.0), 200.0)
    ends = 'from = ["0 mm", "0.5 mm", "0.5 mm"]\nto = ["0.8 mm", "0.5 mm", "1.1 mm"]\n'
    spec = read(f'shape = "cylinder"\ndiameter = "0.2 mm"\n{ends}').implant
    assert spec is not None and spec.center == pytest.approx((400.0, 500.0, 800.0))
    assert spec.length == pytest.approx(1000.0) and spec.axis == pytest.approx((800.0, 0.0, 600.0))
    assert read('shape = "box"\nsize = ["0.1 mm", "0.2 mm", "0.3 mm"]').implant == ImplantSpec(
        "box", size=(100.0, 200.0, 300.0)
    )
    for keys, message in (
        ('shape = "screw"', "'screw' is not one of the choices"),
        ('shape = "cylinder"', "implant.diameter: this key is needed"),
        (
            'shape = "sphere"\ndiameter = "1 mm"\naxis = "x"',
            "'axis' does not belong to a sphere; it has diameter, center",
        ),
        (f'shape = "cylinder"\ndiameter = "1 mm"\nlength = "1 mm"\n{ends}', "it has from, to, diameter"),
        (
            'shape = "cylinder"\ndiameter = "1 mm"\nfrom = ["0 mm", "0 mm", "0 mm"]',
            "implant.to: this key is needed",
        ),
    ):
        with pytest.raises(InputError, match=message):
            read(keys)
    with pytest.raises(InputError, match="cannot move next to an implant yet"):
        read('shape = "sphere"\ndiameter = "1 mm"', ("[sample]", 'surface = "moves"\n[sample]'))
    with pytest.raises(InputError, match=r"face\[0\].side: this sample has no implant; put one into it with"):
        read("", ("[sample.implant]\n", ""))
