# SPDX-License-Identifier: LGPL-3.0-or-later
"""The same sample cut by one and by several ranks is the same mesh."""

import json

import numpy as np
import pytest

from osteofield.case.types import FoamSpec, ImageSpec, ImplantSpec, SampleSpec, ShapeSpec, SliceSpec
from osteofield.geometry import Sample, build_piece, build_sample, part_of
from osteofield.team import ALONE

FOAM = FoamSpec((800.0, 600.0, 700.0), spacing=350.0, voxel=20.0)
SPECS = {
    "foam": SampleSpec(foam=FOAM, cell_size=36.0),
    "section": SampleSpec(foam=FOAM, cell_size=20.0, slice=SliceSpec("y", 150.0)),
    "sphere": SampleSpec(shape=ShapeSpec("sphere", (600.0, 500.0, 400.0), radius=150.0), cell_size=50.0),
    "pin": SampleSpec(
        foam=FOAM,
        cell_size=40.0,
        implant=ImplantSpec("cylinder", (400.0, 300.0, 350.0), (1.0, 0.3, 0.2), 200.0, 500.0),
    ),
    "marrow": SampleSpec(shape=ShapeSpec("marrow", (100.0, 100.0)), cell_size=25.0),
}

CODE = """
import json, sys
import numpy as np
from osteofield.parallel import world
comm = world()
from osteofield.geometry import build_piece
from osteofield.team import Team
from pathlib import PosixPath
from osteofield.case.types import *

team = Team(comm)
out = {{}}
for name, spec in {specs}.items():
    lines = []
    p = build_piece(spec, comm, log=lines.append)
    own, cells, facets = p.own, p.marrow[:p.own_cells], p.surface[:p.own_facets]
    assert np.array_equal(np.sort(team.together(p.number[:own])), np.arange(p.marrow_points))
    at_bone = np.flatnonzero(p.surface_number[:own] >= 0)
    assert np.array_equal(np.sort(team.together(p.surface_number[at_bone])), np.arange(p.surface_points))
    # everything touches a point of this rank, and belongs to the rank of its first point
    assert (p.marrow < own).any(1).all() and (p.surface < own).any(1).all()
    first = np.take_along_axis(p.marrow, p.number[p.marrow].argmin(1)[:, None], 1)[:, 0]
    assert np.array_equal(first < own, np.arange(len(first)) < p.own_cells)
    assert len(np.unique(p.marrow)) == len(p.points)
    half = np.empty(p.surface_points)
    half[team.together(p.surface_number[at_bone])] = team.together(p.half_thickness[at_bone])
    area = {{}}
    for face, rows in p.faces.items():
        mine = rows[np.take_along_axis(rows, p.number[rows].argmin(1)[:, None], 1)[:, 0] < own]
        area[face] = int(team.sum(len(mine)))
    m = p.morphometry
    out[name] = dict(
        hash=p.hash, points=p.marrow_points, at_bone=p.surface_points, cells=p.marrow_cells, faces=area,
        numbers=m.to_dict(), facts=p.provenance, half=half.tolist(), own=comm.allgather(own), log=lines,
        hull=comm.bcast(p.implant and p.implant.points[p.implant.facets].tolist(), 0),
        cells_in_all=int(team.sum(len(cells))), facets_in_all=int(team.sum(len(facets))),
    )
if comm.rank == 0:
    print(json.dumps(out))
"""


def on_ranks(run_mpi, ranks, specs):
    return json.loads(run_mpi(ranks, CODE.format(specs=specs)).splitlines()[-1])


def check(got: dict, whole: Sample) -> None:
    assert got["hash"] == whole.hash
    assert got["points"] == len(np.unique(whole.marrow))
    assert got["cells"] == got["cells_in_all"] == len(whole.marrow)
    assert got["facets_in_all"] == len(whole.surface)
    assert got["faces"] == {f: len(rows) for f, rows in whole.faces.items()}
    want = whole.morphometry.to_dict()
    for key in ("bone_volume", "marrow_volume", "bone_surface"):
        assert got["numbers"].pop(key) == pytest.approx(want.pop(key), rel=1e-12, abs=0)
    assert got["numbers"] == want
    hull = whole.implant
    assert got["hull"] == (hull and hull.points[hull.facets].tolist())
    assert got["facts"] == json.loads(json.dumps(whole.provenance))
    at = np.unique(whole.surface)
    assert got["at_bone"] == len(at)
    assert got["half"] == whole.half_thickness[at].tolist()


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_any_number_of_ranks_cuts_the_same_mesh(run_mpi, ranks):
    got = on_ranks(run_mpi, ranks, SPECS)
    for name, spec in SPECS.items():
        lines = []
        check(got[name], build_sample(spec, log=lines.append))
        assert got[name]["log"] == lines
    own = got["foam"]["own"]
    assert max(own) <= 1.15 * sum(own) / ranks  # planes of this small grid hold 5 % of it


@pytest.mark.mpi
def test_real_bone_on_ranks(run_mpi, shared_data):
    corner = np.array([1000.0, 1000.0, 1000.0])
    crop = (tuple(corner.tolist()), tuple((corner + 48 * 19.5).tolist()))
    image = ImageSpec(shared_data / "lhdl_3155_D_4_200.nrrd", "otsu", crop=crop)
    specs = {"bone": SampleSpec(image=image, cell_size=39.0)}
    check(on_ranks(run_mpi, 3, specs)["bone"], build_sample(specs["bone"]))


@pytest.mark.mpi
def test_an_image_that_cannot_be_used_ends_every_rank(run_mpi, tmp_path):
    code = f"""
from osteofield.parallel import world
comm = world()
from pathlib import Path
from osteofield.case.types import ImageSpec, SampleSpec
from osteofield.errors import InputError
from osteofield.geometry import build_piece
image = ImageSpec(Path({str(tmp_path / "none.nrrd")!r}), 63.0)
try:
    build_piece(SampleSpec(image=image, cell_size=39.0), comm)
except InputError as e:
    assert "there is no such image file" in str(e)
    if comm.allreduce(1) == 2 and comm.rank == 0:
        print("refused by both")
"""
    assert "refused by both" in run_mpi(2, code)


@pytest.mark.parametrize("name", SPECS)
def test_the_piece_of_one_rank_is_the_whole(name):
    whole = build_sample(SPECS[name])
    piece, part = build_piece(SPECS[name], None), part_of(whole, ALONE)
    for p in (piece, part):
        assert p.own == len(p.points) == p.marrow_points
        assert p.hash == whole.hash
        assert (p.sigma0, p.morphometry) == (whole.sigma0, whole.morphometry)
    assert np.array_equal(piece.points, part.points)
    assert np.array_equal(piece.number, part.number)
    assert np.array_equal(piece.surface_number, part.surface_number)
    assert np.array_equal(piece.marrow, part.marrow)
    assert np.array_equal(piece.surface, part.surface)
