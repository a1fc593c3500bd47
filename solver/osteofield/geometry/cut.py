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
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Literal

import numpy as np

from ..errors import ComputationStopped
from ..team import ALONE
from .boxes import Partition
from .grid import Grid
from .kuhn import kuhn
from .pieces import pieces
from .quality import Quality
from .snap import CLIP, LEAST_VOLUME, SNAP, Block, determinant, settle, split

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
        parts.append(_cut_block(region.blocks.pop(0), nodes))
    return _merge(parts, nodes, phi, removed, (found[1].count, found[-1].count))


@dataclass
class _Part:
    """What one block contributes; cells and facets number the rows of `keys`.

    Cells and facets come in pairs: those of this rank, and those of others that touch its vertices.
    """

    keys: np.ndarray
    points: np.ndarray
    mine: np.ndarray
    owned: int
    marrow: tuple[np.ndarray, np.ndarray]
    bone: tuple[np.ndarray, np.ndarray]
    surface: tuple[np.ndarray, np.ndarray]
    faces: dict[str, np.ndarray]
    quality: Quality


@dataclass
class _Cells:
    """Cells and facets being collected in block ids: nodes first, then crossings."""

    strides: np.ndarray
    nodes: int
    direction: np.ndarray
    marrow: list[np.ndarray] = field(default_factory=list)
    bone: list[np.ndarray] = field(default_factory=list)
    surface: list[np.ndarray] = field(default_factory=list)

    def crossing(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Id of the crossing on the edge between nodes a and b."""
        return self.nodes + np.minimum(a, b) * 8 + self.direction[np.abs(a - b)]


def _cut_block(block: Block, nodes: Partition) -> _Part:
    grid, tables = block.grid, kuhn(block.grid.dimension)
    d, strides = grid.dimension, block.strides
    direction = np.zeros(int(strides.sum()) + 1, np.int64)
    direction[tables.corners[1:] @ strides] = np.arange(1, 2**d)
    cells = _Cells(strides, block.phi.size, direction)
    sign = np.where(block.zero, 0, block.sign)
    band, pure = _cubes(block, sign)
    # simplices of the cubes at the surface
    path = tables.corners[tables.simplices] @ strides
    t = (band[:, None, None] + path[None]).reshape(-1, d + 1)
    s = sign.ravel()[t]
    code = (s.astype(np.int64) + 1) @ 3 ** np.arange(d + 1)
    plus, minus = (s > 0).sum(1, dtype=np.int8), (s < 0).sum(1, dtype=np.int8)
    cells.bone.append(t[minus == 0])
    cells.marrow.append(t[plus == 0])
    both = (plus > 0) & (minus > 0)
    t2, code2, plus2, minus2 = t[both], code[both], plus[both], minus[both]
    for phase, a, b in product((1, -1), range(1, d + 1), range(1, d + 1)):
        if a + b > d + 1:
            continue
        at = np.flatnonzero((plus2 == a) & (minus2 == b) if phase > 0 else (plus2 == b) & (minus2 == a))
        if len(at):
            v = np.take_along_axis(t2[at], _order(d, phase)[code2[at]], 1)
            _split(
                v,
                a,
                b,
                cells.bone if phase > 0 else cells.marrow,
                cells.surface if phase > 0 else None,
                cells,
            )
    cells.surface.append(_zero_facets(t[(plus == 1) & (minus == 0)], block, sign))
    # all band cells come before the pure ones, whose orientation is known
    bone, marrow = np.concatenate(cells.bone), np.concatenate(cells.marrow)
    facets = np.concatenate(cells.surface)
    keys, ids, points = _points(block, [bone, marrow, facets], pure[1], pure[-1])
    bone, marrow, facets = (ids[_key(c, cells.nodes)] for c in (bone, marrow, facets))
    surface = facets[:, :d].copy()
    for c in (bone, marrow):
        _orient(points, c)
    _orient_facets(points, surface, facets[:, d])
    node = block.index(keys >> 3)
    mine = ((node >= nodes.own.lo) & (node < nodes.own.hi)).all(1)
    alone = nodes.team.size == 1
    split_up = _all_mine if alone else _by_owner
    quality, both_phases = Quality.none(), {}
    for phase, c in ((1, bone), (-1, marrow)):
        own, others = split_up(c, mine)
        quality += Quality.of(points, own)
        base = pure[phase]
        flipped = np.where(tables.negative[:, None], path[:, [*range(d - 1), d, d - 1]], path)
        whole = ids[(base[:, None, None] + flipped[None]).reshape(-1, d + 1) * 8]
        whole_own, whole_others = split_up(whole, mine)
        if len(whole_own):
            quality += Quality.of(points, whole_own[: len(path)]).times(len(whole_own) // len(path))
        both_phases[phase] = np.concatenate([own, whole_own]), np.concatenate([others, whole_others])
    owned = int((node[:, 0] < block.cubes.hi[0]).sum())
    faces = _box_facets(block, keys, np.concatenate(both_phases[-1]))
    if not alone:
        faces = {f: rows[mine[rows].any(1)] for f, rows in faces.items()}
    key = np.ravel_multi_index(tuple(node.T), grid.shape) * 8 + (keys & 7)
    return _Part(
        key, points, mine, owned, both_phases[-1], both_phases[1], split_up(surface, mine), faces, quality
    )


def _all_mine(rows: np.ndarray, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return rows, rows[:0]


def _by_owner(rows: np.ndarray, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells or facets of this rank, which has their smallest vertex, and others that touch its vertices."""
    own = mine[rows.min(1)] if len(rows) else np.zeros(0, bool)
    return rows[own], rows[~own & mine[rows].any(1)]


def _key(ids: np.ndarray, nodes: int) -> np.ndarray:
    """Block ids to block keys ``node * 8 + direction``."""
    return np.where(ids < nodes, ids * 8, ids - nodes)


def _cubes(block: Block, sign: np.ndarray) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Low corners of the block's cubes at the surface, and of the pure bone (1) and marrow (-1) ones."""
    tables, shape = kuhn(block.grid.dimension), block.phi.shape
    start = tuple(s.start for s in block.cubes.within(block.held))
    views = [
        sign[tuple(slice(a + q, a + q + n) for q, a, n in zip(o, start, block.cubes.shape, strict=True))]
        for o in tables.corners
    ]
    least, most = views[0].copy(), views[0].copy()
    for v in views[1:]:
        np.minimum(least, v, out=least)
        np.maximum(most, v, out=most)

    def low(mask: np.ndarray) -> np.ndarray:
        at = np.nonzero(mask)
        return np.ravel_multi_index(tuple(i + a for i, a in zip(at, start, strict=True)), shape)

    return low((least != most) | (least == 0)), {1: low(least > 0), -1: low(most < 0)}


@lru_cache(8)
def _order(d: int, phase: int) -> np.ndarray:
    """Per sign code: vertices of the phase first, then of the other one, then zero ones."""
    rank = {phase: 0, -phase: 1, 0: 2}
    table = np.zeros((3 ** (d + 1), d + 1), np.int64)
    for code in range(3 ** (d + 1)):
        signs = [code // 3**i % 3 - 1 for i in range(d + 1)]
        table[code] = sorted(range(d + 1), key=lambda i: (rank[signs[i]], i))
    return table


def _split(
    v: np.ndarray, a: int, b: int, out: list[np.ndarray], facets: list[np.ndarray] | None, cells: _Cells
) -> None:
    """The part of simplices that belongs to one phase, and its facets towards the other.

    Args:
        v: ``(n, d+1)`` nodes: `a` of the phase, `b` of the other one, then the zero ones.
        out: Receives cells.
        facets: Receives ``(m, d+1)``: facets, and in the last column a node of the phase; or None.
    """
    d = v.shape[1] - 1
    m = cells.crossing
    z = v[:, a + b :]
    if a == 1:
        f = np.column_stack([*(m(v[:, 0], v[:, 1 + j]) for j in range(b)), z])
        out.append(np.column_stack([v[:, 0], f]))
    elif b == 1 and a == d:
        x = [m(v[:, i], v[:, a]) for i in range(a)]
        f = np.column_stack(x)
        out.append(_quad(np.column_stack([v[:, 0], v[:, 1], x[1], x[0]])) if d == 2
                   else _prism(np.column_stack([v[:, :3], *x])))  # fmt: skip
    elif b == 1:  # two of the phase, one of the other, one zero: a pyramid
        x = [m(v[:, i], v[:, 2]) for i in range(2)]
        f = np.column_stack([*x, z])
        base = _quad(np.column_stack([v[:, 0], v[:, 1], x[1], x[0]]))
        out.append(np.column_stack([base, np.tile(z, (2, 1))]))
    else:  # two and two: a wedge
        x = [m(v[:, i], v[:, j]) for i in (0, 1) for j in (2, 3)]
        out.append(_prism(np.column_stack([v[:, 0], x[0], x[1], v[:, 1], x[2], x[3]])))
        f = _quad(np.column_stack([x[0], x[1], x[3], x[2]]))
    if facets is not None:
        facets.append(np.column_stack([f, np.tile(v[:, 0], len(f) // len(v))]))


def _quad(q: np.ndarray) -> np.ndarray:
    """Quadrilaterals to triangles along the diagonal of the smallest id."""
    q = np.take_along_axis(q, (np.arange(4) + q.argmin(1)[:, None]) % 4, 1)
    return np.concatenate([q[:, [0, 1, 2]], q[:, [0, 2, 3]]])


_TURN = np.array(
    [(0, 1, 2, 3, 4, 5), (1, 2, 0, 4, 5, 3), (2, 0, 1, 5, 3, 4),
     (3, 5, 4, 0, 2, 1), (4, 3, 5, 1, 0, 2), (5, 4, 3, 2, 1, 0)]
)  # fmt: skip


def _prism(v: np.ndarray) -> np.ndarray:
    """Prisms to tetrahedra, each side along the diagonal of its smallest id (Dompierre et al. 1999)."""
    v = np.take_along_axis(v, _TURN[v.argmin(1)], 1)
    c = np.minimum(v[:, 1], v[:, 5]) < np.minimum(v[:, 2], v[:, 4])
    a, b = v[c], v[~c]
    return np.concatenate(
        [a[:, [0, 1, 2, 5]], a[:, [0, 1, 5, 4]], a[:, [0, 4, 5, 3]],
         b[:, [0, 1, 2, 4]], b[:, [0, 4, 2, 5]], b[:, [0, 4, 5, 3]]]
    )  # fmt: skip


def _zero_facets(t: np.ndarray, block: Block, sign: np.ndarray) -> np.ndarray:
    """Facets of moved nodes only, with bone on one side and marrow on the other.

    Args:
        t: ``(n, d+1)`` paths with one bone node, the others zero.

    Returns:
        ``(m, d+1)``: the facets, and in the last column the bone node.
    """
    d = t.shape[1] - 1
    out = [np.zeros((0, d + 1), np.int64)]
    shape = np.array(block.phi.shape)
    for i in range(d + 1):
        u = t[sign.ravel()[t[:, i]] > 0]
        ijk = np.stack(np.unravel_index(u, block.phi.shape), -1)
        if i == 0:  # the vertex opposite vertex i in the neighbouring Kuhn simplex
            other = ijk[:, d] + ijk[:, 1] - ijk[:, 0]
        elif i == d:
            other = ijk[:, 0] - (ijk[:, d] - ijk[:, d - 1])
        else:
            other = ijk[:, i - 1] + ijk[:, i + 1] - ijk[:, i]
        inside = ((other >= 0) & (other < shape)).all(1)
        far = np.where(inside[:, None], other, 0) @ block.strides
        found = inside & (sign.ravel()[far] < 0)
        out.append(np.column_stack([np.delete(u[found], i, 1), u[found, i]]))
    return np.concatenate(out)


def _points(
    block: Block, used: list[np.ndarray], *pure: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Block keys in use (ascending), row of every key, and coordinates."""
    tables, grid, n = kuhn(block.grid.dimension), block.grid, block.phi.size
    mark = np.zeros(8 * n, bool)
    for c in used:
        mark[_key(c, n)] = True
    for base in pure:
        for o in tables.corners:
            mark[(base + int(o @ block.strides)) * 8] = True
    keys = np.flatnonzero(mark)
    ids = np.zeros(8 * n, np.int64)
    ids[keys] = np.arange(len(keys))
    node, way = keys >> 3, keys & 7
    offset = np.zeros((len(keys), grid.dimension))
    moved = way == 0
    offset[moved] = block.moves(node[moved]) / np.array(grid.spacing)
    lo, hi = node[~moved], node[~moved] + tables.corners[way[~moved]] @ block.strides
    phi = block.working_phi().ravel()
    offset[~moved] = (phi[lo] / (phi[lo] - phi[hi]))[:, None] * tables.corners[way[~moved]]
    points = np.array(grid.origin) + np.array(grid.spacing) * (block.index(node) + offset)
    return keys, ids, points


def _orient(points: np.ndarray, cells: np.ndarray) -> None:
    """Swap two vertices of cells of negative volume, in place."""
    p = points[cells]
    wrong = determinant(p[:, 1:] - p[:, :1]) < 0
    cells[wrong] = cells[wrong][:, [*range(cells.shape[1] - 2), -1, -2]]


def _orient_facets(points: np.ndarray, facets: np.ndarray, apex: np.ndarray) -> None:
    """Turn facets, in place, so that their normal points away from the bone vertex `apex`.

    In 2-D the normal of edge (a, b) is to the right of a to b.
    """
    p = points[facets]
    side = determinant(np.concatenate([p[:, 1:] - p[:, :1], (points[apex] - p[:, 0])[:, None]], 1))
    wrong = side < 0 if facets.shape[1] == 2 else side > 0
    facets[wrong] = facets[wrong][:, [*range(facets.shape[1] - 2), -1, -2]]


def _box_facets(block: Block, keys: np.ndarray, marrow: np.ndarray) -> dict[str, np.ndarray]:
    """Marrow facets on the faces of the sample box."""
    grid, d = block.grid, block.grid.dimension
    ijk, way = block.index(keys >> 3), keys & 7
    on = np.zeros(len(keys), np.uint8)
    for k in range(d):
        along = kuhn(d).corners[way][:, k] == 0
        on |= ((ijk[:, k] == 0) & along).astype(np.uint8) << (2 * k)
        on |= ((ijk[:, k] == grid.cells[k]) & along).astype(np.uint8) << (2 * k + 1)
    bits = on[marrow]
    near = (bits > 0).sum(1) >= d
    cells, bits = marrow[near], bits[near]
    out = {}
    for f in range(2 * d):
        hit = (bits >> f & 1).astype(bool)
        at = np.flatnonzero(hit.sum(1) == d)
        rows = cells[at][hit[at]].reshape(-1, d)
        out["xyz"[f // 2] + "-+"[f % 2]] = rows
    return out


def _merge(
    parts: list[_Part],
    nodes: Partition,
    phi: np.ndarray,
    removed: dict[int, int],
    components: tuple[int, int],
) -> Cut:
    """Number the vertices of all blocks; those of a block's last plane belong to the next block."""
    d = phi.ndim
    if not parts:
        parts = [_nothing(d)]
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


def _nothing(d: int) -> _Part:
    """What a rank without nodes contributes."""
    none = np.zeros(0, np.int64)
    cells, facets = np.zeros((0, d + 1), np.int64), np.zeros((0, d), np.int64)
    faces = {"xyz"[f // 2] + "-+"[f % 2]: facets for f in range(2 * d)}
    empty = np.zeros((0, d))
    return _Part(none, empty, none > 0, 0, (cells,) * 2, (cells,) * 2, (facets,) * 2, faces, Quality.none())
