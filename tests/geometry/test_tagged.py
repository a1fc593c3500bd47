# SPDX-License-Identifier: LGPL-3.0-or-later
"""Meshes from elsewhere: tags, units, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteofield.case import load_case
from osteofield.case.types import SampleSpec, ShapeSpec, TagSpec
from osteofield.errors import InputError
from osteofield.geometry import Sample, build_piece, build_sample
from osteofield.geometry.morphometry import areas

meshio = pytest.importorskip("meshio")

TAGS = TagSpec(1000.0, 1, 2)


def ball(d: int = 3) -> Sample:
    shape = ShapeSpec("sphere", (300.0,) * d, radius=100.0)
    return build_sample(SampleSpec(shape=shape, cell_size=30.0), thickness=True)


def write(path: Path, sample: Sample, *, name: str = "gmsh:physical", surface: int = 0, **more: Any) -> Path:
    """As other programs would: millimetres, cells in no order and of any orientation, a stray point."""
    kind, facet = {3: ("tetra", "triangle"), 2: ("triangle", "line")}[sample.dimension]
    rng = np.random.default_rng(0)
    cells = np.concatenate([sample.bone, sample.marrow])
    tags = np.repeat([1, 2], [len(sample.bone), len(sample.marrow)])
    order = rng.permutation(len(cells))
    cells, tags = cells[order], tags[order]
    cells[::3] = cells[::3][:, [1, 0, *range(2, cells.shape[1])]]
    points = np.vstack([sample.points, np.full(sample.dimension, 999.0)]) / 1000
    if sample.dimension == 2:
        points = np.column_stack([points, np.full(len(points), 0.2)])
    blocks, data = [(kind, cells)], [tags]
    if surface:
        blocks, data = [(facet, sample.surface), *blocks], [np.full(len(sample.surface), surface), tags]
    mesh = meshio.Mesh(points, blocks, cell_data={name: data}, **more)
    if path.suffix == ".msh":
        mesh.cell_data.setdefault("gmsh:geometrical", data)
        meshio.write(path, mesh, file_format="gmsh22", binary=False)
    else:
        meshio.write(path, mesh)
    return path


@pytest.mark.parametrize(("d", "name"), [(3, "m.msh"), (2, "m.msh"), (3, "m.xdmf"), (3, "m.vtu")])
def test_the_same_sample_comes_back(tmp_path: Path, d: int, name: str) -> None:
    sample = ball(d)
    path = write(tmp_path / name, sample, name="gmsh:physical" if name.endswith("msh") else "region")
    got = build_sample(SampleSpec(mesh=path, tags=TAGS), thickness=True)
    a, b = sample.morphometry, got.morphometry
    assert (got.dimension, len(got.points)) == (d, len(sample.points))
    for key in ("bone_volume", "marrow_volume", "bone_surface", "bone_pieces", "marrow_pieces"):
        assert getattr(b, key) == pytest.approx(getattr(a, key), rel=1e-6), key
    assert b.connectivity == (pytest.approx(a.connectivity) if d == 3 else None)
    assert b.thickness == pytest.approx(a.thickness, rel=0.15)
    assert b.separation == pytest.approx(a.separation, rel=0.15)
    np.testing.assert_allclose(got.box, sample.box, atol=1e-3)
    for face, facets in sample.faces.items():
        size = areas(got.points, got.faces[face]).sum()
        assert size == pytest.approx(areas(sample.points, facets).sum(), rel=1e-6), face
    half = got.half_thickness[np.unique(got.surface)]
    assert np.median(half) == pytest.approx(100, rel=0.15) and np.isfinite(half).all()
    x = got.points[got.surface]
    n = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]) if d == 3 else (x[:, 1] - x[:, 0])[:, ::-1] * [1, -1]
    assert ((x.mean(1) - 150) * n).sum(1).min() > 0  # into the marrow
    assert got.provenance["source"] == "tagged mesh" and len(got.provenance["sha256"]) == 64
    assert build_piece(SampleSpec(mesh=path, tags=TAGS), None).hash == got.hash


def test_groups_by_name_and_a_checked_surface(tmp_path: Path) -> None:
    names = {"spongiosa": np.array([1, 3]), "marrow": np.array([2, 3]), "interface": np.array([10, 2])}
    sample = ball()
    path = write(tmp_path / "m.msh", sample, surface=10, field_data=names)
    got = build_sample(SampleSpec(mesh=path, tags=TagSpec(1000.0, "spongiosa", "marrow", None, "interface")))
    assert len(got.surface) == len(sample.surface)
    part = write(tmp_path / "p.msh", sample, surface=10, field_data=names)
    lines = part.read_text("utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[1:4] == ["2", "2", "10"])
    lines[at] = lines[at].replace(" 2 2 10 10 ", " 2 2 11 11 ")
    part.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"facets are tagged 10 .*; 1 of these are untagged, 0 tagged"):
        build_sample(SampleSpec(mesh=part, tags=TagSpec(1000.0, 1, 2, None, 10)))
    for tags, message in (
        (TagSpec(1000.0, "spongosa", "marrow"), "no group 'spongosa' in this file; did you mean 'spongiosa'"),
        (TagSpec(1000.0, 1, 2, None, 11), "no triangle has the tag 11 of the bone surface"),
        (TagSpec(1000.0, 1, 7), r"no cell has the tag 7 of marrow; there are: 1 .spongiosa. on \d+ cells"),
    ):
        with pytest.raises(InputError, match=message):
            build_sample(SampleSpec(mesh=path, tags=tags))


def test_an_implant_is_left_out(tmp_path: Path) -> None:
    sample = ball()
    middle = sample.points[sample.bone].mean(1)
    tags = np.concatenate([np.where(middle[:, 0] < 150, 5, 1), np.full(len(sample.marrow), 2)])
    cells = np.concatenate([sample.bone, sample.marrow])
    meshio.write(tmp_path / "m.vtu", meshio.Mesh(sample.points, [("tetra", cells)], cell_data={"t": [tags]}))
    got = build_sample(SampleSpec(mesh=tmp_path / "m.vtu", tags=TagSpec(1.0, 1, 2, 5)))
    assert got.morphometry.bone_volume == pytest.approx(sample.morphometry.bone_volume / 2, rel=0.05)
    assert got.morphometry.bone_surface == pytest.approx(sample.morphometry.bone_surface / 2, rel=0.05)
    size = {face: areas(got.points, f).sum() for face, f in got.faces.items()}
    assert size.pop("implant") == pytest.approx(sample.morphometry.bone_surface / 2, rel=0.05)
    assert sum(size.values()) == pytest.approx(6 * 300**2)  # the implant's side is not outer
    assert got.implant is not None
    corners = got.implant.points[got.implant.facets] - 150
    half = sample.morphometry.bone_volume / 2
    assert np.linalg.det(corners).sum() / 6 == pytest.approx(half, rel=0.05)  # closed, normals outwards
    shown = got.implant.facets[got.implant.at_marrow[got.implant.facets].all(1)]
    assert areas(got.implant.points, shown).sum() == pytest.approx(
        areas(got.points, got.faces["implant"]).sum()
    )
    x = got.points[got.faces["implant"]]
    normal = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
    assert (normal * (x.mean(1) - 150)).sum(1).min() > 0  # into the marrow
    with pytest.raises(InputError, match=r"\d+ of \d+ cells are neither bone nor marrow nor implant"):
        build_sample(SampleSpec(mesh=tmp_path / "m.vtu", tags=TagSpec(1.0, 1, 2)))


def test_what_cannot_be_a_sample(tmp_path: Path) -> None:
    sample = ball()
    both = np.concatenate([sample.bone, sample.marrow])
    tags = np.repeat([1, 2], [len(sample.bone), len(sample.marrow)])

    def refused(message: str, points: np.ndarray, blocks: Any, spec: TagSpec = TAGS, **data: Any) -> None:
        meshio.write(tmp_path / "m.vtu", meshio.Mesh(points, blocks, cell_data=data))
        with pytest.raises(InputError, match=message) as e:
            build_sample(SampleSpec(mesh=tmp_path / "m.vtu", tags=spec))
        assert e.value.problems[0].file == tmp_path / "m.vtu"

    whole = [("tetra", both)]
    refused("its cells have no tags: cells must say", sample.points, whole)
    refused("several sets of them .a, b.; choose one", sample.points, whole, a=[tags], b=[tags])
    refused("no whole numbers 'c' of its cells; there are: a, b",
            sample.points, whole, TagSpec(1.0, 1, 2, array="c"), a=[tags], b=[tags])  # fmt: skip
    apart = np.concatenate([sample.points, sample.points]), [("tetra", np.concatenate(
        [sample.bone, sample.marrow + len(sample.points)]))]  # fmt: skip
    refused(
        r"\d+ points lie where another one does: the meshes of bone and marrow are not joined",
        *apart,
        t=[tags],
    )
    far = np.concatenate([sample.points, sample.points + 5000]), apart[1]
    refused("no facet lies between a bone and a marrow cell", *far, t=[tags])
    cube = np.array(list(np.ndindex(2, 2, 2)), float)
    refused("the file has 1 hexahedron", cube, [("hexahedron", np.arange(8)[None])], t=[np.ones(1, int)])
    bent = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 1], [1, 1, 0]])
    flat = [("triangle", np.array([[0, 1, 2], [1, 3, 2]]))]
    refused("not lie in a plane", bent, flat, t=[np.array([1, 2])])
    sliver = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [1, 1, 0]])
    refused(
        "1 cells have no volume",
        sliver,
        [("triangle", np.array([[0, 1, 2], [0, 1, 3]]))],
        t=[np.array([1, 2])],
    )
    (tmp_path / "m.msh").write_text("hello")
    with pytest.raises(InputError, match="cannot be read as a mesh"):
        build_sample(SampleSpec(mesh=tmp_path / "m.msh", tags=TAGS))


CASE = """format = 1
[sample]
mesh = "m.msh"
{}
[model]
name = "osteoimmune"
[time]
end = "1 day"
"""


def test_in_a_case(tmp_path: Path) -> None:
    write(tmp_path / "m.msh", ball())
    file = tmp_path / "case.toml"
    file.write_text(CASE.format('unit = "mm"\nbone = 1\nmarrow = "fat"\ntags = "region"'))
    assert load_case(file).sample.tags == TagSpec(1000.0, 1, "fat", array="region")
    for text, message in (
        ("bone = 1\nmarrow = 2", 'unit: this key is needed, for example unit = "mm"'),
        ('unit = "mm"\nbone = 1', "marrow: this key is needed, for example marrow = 2"),
        ('unit = "day"\nbone = 1\nmarrow = 2', "unit: '1 day' is a time, but a length is needed"),
        ('unit = "mm"\nbone = [1, 3]\nmarrow = 2', "one tag is needed"),
    ):
        file.write_text(CASE.format(text))
        with pytest.raises(InputError, match=message):
            load_case(file)
    file.write_text(CASE.format(""))
    with pytest.raises(InputError, match="from elsewhere needs its unit and tags"):
        build_sample(load_case(file).sample)
