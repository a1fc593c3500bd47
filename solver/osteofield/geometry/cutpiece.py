# SPDX-License-Identifier: LGPL-3.0-or-later
"""From what a rank has of a cut to its piece: sums over all ranks, numbers over all ranks, the hash."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..team import Team
from .boxes import Partition
from .cut import Cut
from .fingerprint import fingerprint
from .grid import Grid
from .morphometry import Morphometry, areas, connectivity_density, total_volume
from .piece import Piece
from .sample import Origin


def measure(mesh: Cut, grid: Grid, nodes: Partition, bone: np.ndarray | None = None) -> Morphometry:
    """Collective: sums over all ranks.

    Args:
        mesh: What this rank has of the mesh.
        grid: The background grid.
        nodes: Which of its nodes are whose.
        bone: Positive at the nodes of this rank that lie in bone; by default what was cut.
    """
    team, phi = nodes.team, mesh.phi if bone is None else bone
    volumes = team.sum([
        total_volume(mesh.points, mesh.bone[: mesh.own_bone]),
        total_volume(mesh.points, mesh.marrow[: mesh.own_marrow]),
        float(areas(mesh.points, mesh.surface[: mesh.own_surface]).sum()),
    ])  # fmt: skip
    q = mesh.quality
    cells, below_5, below_10 = team.sum([q.cells, q.below_5, q.below_10]).tolist()
    quality = replace(
        q, cells=cells, below_5=below_5, below_10=below_10,
        smallest=float(team.least(q.smallest)), largest=float(team.most(q.largest)),
    )  # fmt: skip
    return Morphometry(
        bone_volume=float(volumes[0]),
        marrow_volume=float(volumes[1]),
        bone_surface=float(volumes[2]),
        bone_pieces=mesh.components[0],
        marrow_pieces=mesh.components[1],
        quality=quality,
        connectivity=connectivity_density(phi, grid, nodes) if grid.dimension == 3 else None,
    )


def piece_of(
    mesh: Cut,
    grid: Grid,
    nodes: Partition,
    numbers: Morphometry,
    half: np.ndarray,
    facts: dict[str, Any],
    *,
    origin: bool,
) -> Piece:
    """Collective: number the marrow points over all ranks; bone cells are left behind.

    Args:
        mesh: What this rank has of the mesh.
        grid: The background grid.
        nodes: Which of its nodes are whose.
        numbers: Of the whole.
        half: ``(N,)`` half thickness of bone at the surface points of this rank, nan at others; um.
        facts: For the provenance.
        origin: Whether the piece keeps what it was cut out of.
    """
    team, mine, keys = nodes.team, mesh.mine, mesh.keys
    member = np.zeros((len(keys), 2), bool)  # of marrow, of the bone surface
    member[mesh.marrow, 0] = True
    member[mesh.surface, 1] = True
    number = _numbers(team, keys, mine, member)
    here = member[:, 0]
    order = np.concatenate([np.flatnonzero(mine & here), np.flatnonzero(~mine & here)])
    row = np.full(len(keys), -1, np.int32)
    row[order] = np.arange(len(order), dtype=np.int32)
    counts = member[mine].sum(0).tolist()
    marrow_points, surface_points, cells = team.sum([*counts, mesh.own_marrow]).tolist()
    surface, volume = numbers.bone_surface, numbers.marrow_volume
    return Piece(
        team=team,
        dimension=grid.dimension,
        points=mesh.points[order],
        own=int((mine & here).sum()),
        number=number[order, 0],
        surface_number=number[order, 1],
        marrow=row[mesh.marrow],
        own_cells=mesh.own_marrow,
        surface=row[mesh.surface],
        own_facets=mesh.own_surface,
        faces={f: row[rows] for f, rows in mesh.faces.items()},
        half_thickness=half[order],
        marrow_points=marrow_points,
        marrow_cells=cells,
        surface_points=surface_points,
        box=(grid.origin, grid.upper),
        morphometry=numbers,
        provenance=facts,
        hash="",
        sigma0=surface / volume,
        d0=numbers.bone_volume / surface if surface else float("nan"),
        origin=Origin(grid, mesh.phi, keys[order], nodes) if origin else None,
    )


def hash_of(mesh: Cut, team: Team) -> str:
    """Collective: `Sample.hash` of the mesh of all ranks, bone included."""
    mine = mesh.mine
    number = _numbers(team, mesh.keys, mine, np.ones((len(mine), 1), bool))[:, 0]
    order = np.concatenate([np.flatnonzero(mine), np.flatnonzero(~mine)])
    row = np.empty(len(order), np.int32)
    row[order] = np.arange(len(order), dtype=np.int32)
    return fingerprint(
        team, number[order], mesh.points[order], int(mine.sum()),
        {
            "marrow": row[mesh.marrow[: mesh.own_marrow]],
            "bone": row[mesh.bone[: mesh.own_bone]],
            "surface": row[mesh.surface[: mesh.own_surface]],
        },
    )  # fmt: skip


def _numbers(team: Team, keys: np.ndarray, mine: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Collective: place of every point among those of all ranks, per column of `member`; -1: not in it."""
    number = np.full(member.shape, -1, np.int64)
    for k in range(member.shape[1]):
        at = np.flatnonzero(member[:, k] & mine)
        number[at, k] = team.places(keys[at])
    number[~mine] = team.look_up(keys[mine], number[mine], keys[~mine])
    return number
