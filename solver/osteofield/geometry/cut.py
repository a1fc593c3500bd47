# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cut the background grid along the zero level of a signed distance: one conforming two-phase mesh.

Every vertex is a grid node or the crossing on a grid edge, so it has a global key
``node * 8 + direction`` (0 for a node) and nothing has to be searched. Cubes without surface keep
their Kuhn simplices; the others are split by sign pattern, quadrilaterals along the diagonal of
their smallest vertex, grid nodes counting as smaller than crossings. The grid is worked off in blocks
(`snap.Block`); what a block produces depends on its own nodes and a halo only, so any number of blocks
and of ranks gives the same mesh, vertex by vertex. A vertex belongs to the rank that has its grid
node, a cell to the rank that has its smallest vertex; each rank also gets the cells of others that
touch its vertices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import ComputationStopped
from ..team import ALONE
from .blockcut import Part, cut_block, nothing
from .boxes import Partition
from .grid import Grid
from .kuhn import kuhn
from .pieces import pieces
from .quality import Quality
from .snap import CLIP, LEAST_VOLUME, SNAP, settle, split

BLOCK_NODES = 250_000  # a block of this size keeps the temporaries in tens of MB
MOST_ROUNDS = 20

Islands = Literal["remove", "detached", "keep"]


@dataclass(frozen=True)
class Cut:
    """Bone and marrow cells with their common surface: of the whole grid, or what a rank has of them.

    Attributes:
        keys: ``(N,)`` global keys of the points, ascending: neighbours in space stay close.
        points: ``(N, d)`` um.
        mine: ``(N,)`` whether a point belongs to this rank.
        marrow: ``(n, d+1)`` positively oriented simplices; those of this rank, then those of others
            that touch its points.
        bone: The same.
        surface: ``(n, d)`` facets between the phases, their normal pointing into the marrow.
        faces: ``x-``, ``x+``, ... to ``(n, d)`` facets of the marrow cells on that face of the box.
        own_marrow, own_bone, own_surface: How many of the first rows belong to this rank.
        phi: Signed distance at this rank's nodes with islands filled in (otherwise as given).
        bone_removed: Grid nodes of bone islands that became marrow, over all ranks.
        marrow_removed: Grid nodes of marrow pockets that became bone, over all ranks.
        components: Number of pieces of (bone, marrow), over all ranks.
        quality: Shape of the cells of this rank.
    """

    keys: np.ndarray
    points: np.ndarray
    mine: np.ndarray
    marrow: np.ndarray
    bone: np.ndarray
    surface: np.ndarray
    faces: dict[str, np.ndarray]
    own_marrow: int
    own_bone: int
    own_surface: int
    phi: np.ndarray
    bone_removed: int
    marrow_removed: int
    components: tuple[int, int]
    quality: Quality


def cut(
    phi: np.ndarray,
    grid: Grid,
    *,
    islands: Islands = "keep",
    slabs: int | None = None,
    snap: float = SNAP,
    clip: float = CLIP,
    least_volume: float = LEAST_VOLUME,
    log: Callable[[str], None] = lambda _: None,
) -> Cut:
    """See `cut_over`; the whole grid on one process."""
    nodes = Partition.even(ALONE, grid.shape)
    return cut_over(
        phi, grid, nodes, islands=islands, slabs=slabs, snap=snap, clip=clip, least_volume=least_volume,
        log=log,
    )  # fmt: skip


def cut_over(
    phi: np.ndarray,
    grid: Grid,
    nodes: Partition,
    *,
    islands: Islands = "keep",
    slabs: int | None = None,
    snap: float = SNAP,
    clip: float = CLIP,
    least_volume: float = LEAST_VOLUME,
    log: Callable[[str], None] = lambda _: None,
) -> Cut:
    """Collective: cut the grid at phi = 0.

    Args:
        phi: Signed distance at the grid nodes of this rank, um, positive in bone; not modified.
        grid: The background grid.
        nodes: Which of its nodes are whose.
        islands: ``remove`` leaves one piece of bone and one of marrow, the largest; ``detached`` leaves
            also the pieces that reach the box.
        slabs: In how many blocks each rank works off its part; does not change the result.
        snap: Nodes nearer to a crossing than this fraction of an edge are moved onto it.
        clip: Least distance, in cells, that a node which may not be moved is given.
        least_volume: Least volume, as fraction, that a simplex may keep when its nodes are moved.
        log: Receives one line per round of island removal.

    Raises:
        ComputationStopped: Islands could not be removed (not seen in any sample).
    """
    if slabs is None:
        slabs = max(1, round(phi.size / BLOCK_NODES))
    phi = np.array(phi, float)
    structure = kuhn(grid.dimension).connectivity
    near = nodes.halo(nodes.own.grown(1, 1, grid.shape))
    removed = {1: 0, -1: 0}
    sign = np.where(phi > 0, 1, -1).astype(np.int8)
    for _ in range(MOST_ROUNDS):
        if islands != "keep":
            small = {
                s: pieces(sign == s, nodes, near, structure, keep_cut=islands == "detached").small
                for s in (1, -1)
            }
            for s, at in small.items():
                phi[at] = -s * np.maximum(np.abs(phi[at]), clip * grid.h)
                removed[s] += int(nodes.team.sum(int(at.sum())))
        region = split(phi, grid, nodes, slabs, snap=snap, clip=clip, least_volume=least_volume)
        zero = settle(region)
        sign = np.where(zero, 0, np.where(phi > 0, 1, -1)).astype(np.int8)
        found = {s: pieces(sign == s, nodes, near, structure, keep_cut=True) for s in (1, -1)}
        left = max(
            int(nodes.team.sum(int(f.small.sum()))) if islands == "detached" else f.count - 1
            for f in found.values()
        )
        if islands == "keep" or left <= 0:
            break
    else:
        raise ComputationStopped(
            f"the surface still has {found[1].count} pieces of bone and {found[-1].count} of marrow after "
            f"{MOST_ROUNDS} rounds of island removal; use another cell size."
        )
    parts = []
    while region.blocks:
        parts.append(cut_block(region.blocks.pop(0), nodes))
    return _merge(parts, nodes, phi, removed, (found[1].count, found[-1].count))


def _merge(
    parts: list[Part],
    nodes: Partition,
    phi: np.ndarray,
    removed: dict[int, int],
    components: tuple[int, int],
) -> Cut:
    """Number the vertices of all blocks; those of a block's last plane belong to the next block."""
    d = phi.ndim
    if not parts:
        parts = [nothing(d)]
    start = np.cumsum([0, *(p.owned for p in parts)])
    last = parts[-1]
    last.owned = len(last.keys)
    keys = np.concatenate([p.keys[: p.owned] for p in parts])
    points = np.concatenate([p.points[: p.owned] for p in parts])
    mine = np.concatenate([p.mine[: p.owned] for p in parts])
    number = []
    for i, p in enumerate(parts):
        tail = np.searchsorted(keys, p.keys[p.owned :])
        if (keys[np.minimum(tail, len(keys) - 1)] != p.keys[p.owned :]).any():
            raise ComputationStopped(
                "two blocks of the grid disagree on their common vertices; this is a bug."
            )
        number.append(np.concatenate([np.arange(start[i], start[i] + p.owned), tail]))

    def rows(name: str) -> tuple[np.ndarray, int]:
        pairs = [getattr(p, name) for p in parts]
        both = [n[pair[k]] for k in (0, 1) for n, pair in zip(number, pairs, strict=True)]
        return np.concatenate(both), sum(len(pair[0]) for pair in pairs)

    (marrow, own_marrow), (bone, own_bone), (surface, own_surface) = map(rows, ("marrow", "bone", "surface"))
    faces = {
        f: np.concatenate([n[p.faces[f]] for n, p in zip(number, parts, strict=True)]) for f in parts[0].faces
    }
    if nodes.team.size > 1:
        used = np.zeros(len(keys), bool)
        used[marrow], used[bone] = True, True
        row = np.cumsum(used) - 1
        keys, points, mine = keys[used], points[used], mine[used]
        marrow, bone, surface = row[marrow], row[bone], row[surface]
        faces = {f: row[r] for f, r in faces.items()}
    return Cut(
        keys, points, mine, marrow, bone, surface, faces, own_marrow, own_bone, own_surface,
        phi=phi,
        bone_removed=removed[1],
        marrow_removed=removed[-1],
        components=components,
        quality=sum((p.quality for p in parts), Quality.none()),
    )  # fmt: skip
