# SPDX-License-Identifier: LGPL-3.0-or-later
"""A surface that moves on several ranks: the mesh of one rank, bit by bit, and what lives on it."""

import json

import numpy as np
import pytest

CODE = """
import json
import numpy as np
from osteofield.parallel import world
comm = world()
from osteofield.case.types import FoamSpec, SampleSpec
from osteofield.geometry import build_piece
from osteofield.geometry.cloud import Cloud
from osteofield.geometry.fingerprint import fingerprint
from osteofield.geometry.halfthickness import mean_thickness_over
from osteofield.remodelling import Bone, Hats, Phase, Transfer, bone as at
from osteofield.team import Team

team = Team(comm)
foam = FoamSpec((600.0, 500.0, 500.0), spacing=300.0, voxel=20.0)
bone = Bone.at_start(build_piece(SampleSpec(foam=foam, cell_size=40.0), comm, origin=True))
hats, log, out = Hats(bone.grid), [], []

def fields(x):
    return np.column_stack([np.sin(x[:, 0] / 60), 1 + np.cos(x[:, 1] / 40), x[:, 2] > 350]).astype(float)

def everyone(number, values):
    whole = np.empty((int(team.sum(len(number))), values.shape[1]))
    whole[team.together(number)] = team.together(values)
    return whole

marrow, surface = Phase.marrow(bone.sample), Phase.surface(bone.sample)
u, w = fields(marrow.own_points), fields(surface.own_points)
signed, stays = np.array([True, False, False]), np.array([False, False, True])
boxes = [bone.level.nodes.own]
for k, step in enumerate((12.0, 25.0, 20.0, -10.0)):
    at.UNEVEN = 1.0 if k < 2 else -1.0  # boxes of the grid stay, and are made anew each time
    x = surface.own_points
    depth = step * (1 + 0.5 * np.sin(x[:, 0] / 90))
    due = bone.due(0.15 * depth, 0.1)
    bone = bone.recut(depth, log.append).bone
    boxes.append(bone.level.nodes.own)
    old, marrow = marrow, Phase.marrow(bone.sample)
    u = Transfer(old, marrow, hats).conserved(u, signed, stays=stays)
    old, surface = surface, Phase.surface(bone.sample)
    w = Transfer(old, surface, hats).conserved(w, signed)
    p = bone.sample
    name = fingerprint(team, p.number, p.points, p.own,
                       dict(marrow=p.marrow[:p.own_cells], surface=p.surface[:p.own_facets]))
    m, n = p.morphometry, bone.level.nodes
    on_bone = Cloud(team, surface.own_points, surface.own_keys)
    out.append(dict(
        due=due, hash=name, books=bone.books.to_dict(), volume=bone.contour.volume, area=bone.contour.area,
        numbers=[m.bone_volume, m.marrow_volume, m.bone_surface],
        pieces=[m.bone_pieces, m.marrow_pieces, m.connectivity],
        thickness=mean_thickness_over(bone.level.phi, bone.grid, n, on_bone),
        spacing=mean_thickness_over(-bone.level.phi, bone.grid, n, on_bone),
        phi=float(team.sum(np.abs(bone.level.phi).sum())),
        u=everyone(marrow.number[:marrow.own], u).tolist(),
        w=everyone(surface.number[:surface.own], w).tolist(),
    ))
stays = [bool(team.least(int(a == b))) for a, b in zip(boxes, boxes[1:])]
if comm.rank == 0:
    print(json.dumps(dict(steps=out, log=log, stays=stays)))
"""


@pytest.mark.mpi
def test_three_ranks_move_the_surface_as_one_does(run_mpi):
    """Bone recedes until pieces come loose, then grows."""
    one, three = (json.loads(run_mpi(n, CODE).splitlines()[-1]) for n in (1, 3))
    last = one["steps"][-1]
    assert last["books"]["detached"] > 0 and last["books"]["perforations"] > 3 and one["log"]
    assert three["stays"][:2] == [True, True] and False in three["stays"]
    assert three["log"] == one["log"]
    for a, b in zip(one["steps"], three["steps"], strict=True):
        for key in ("hash", "due", "pieces"):
            assert a[key] == b[key], key
        assert a["books"] == pytest.approx(b["books"], rel=1e-11, abs=1e-3)
        for key in ("volume", "area", "numbers", "thickness", "spacing", "phi"):
            assert a[key] == pytest.approx(b[key], rel=1e-11), key
        for key in ("u", "w"):
            assert np.abs(np.array(a[key]) - np.array(b[key])).max() < 1e-9, key
