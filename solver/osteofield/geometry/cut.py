# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cut the background grid along the zero level of a signed distance: one conforming two-phase mesh.

Every vertex is a grid node or the crossing on a grid edge, so it has a global key
``node * 8 + direction`` (0 for a node) and nothing has to be searched. Cubes without surface keep
their Kuhn simplices; the others are split by sign pattern, quadrilaterals along the diagonal of
their smallest vertex, grid nodes counting as smaller than crossings. The grid is worked off in slabs
(`snap.Slab`); what a slab produces depends on its own planes and a halo only, so any number of slabs
gives the same mesh, vertex by vertex.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Literal

import numpy as np
from scipy import ndimage

from ..errors import ComputationStopped
from .grid import Grid
from .kuhn import kuhn
from .quality import Quality
from .snap import CLIP, LEAST_VOLUME, SNAP, Slab, determinant, settle, split

SLAB_NODES = 150_000  # a slab of this size keeps the temporaries in tens of MB
MOST_ROUNDS = 20

Islands = Literal["remove", "detached", "keep"]


@dataclass(frozen=True)
class Cut:
    """Bone and marrow cells with their common surface.

    Attributes:
        keys: ``(N,)`` global keys of the points, ascending: neighbours in space stay close.
        points: ``(N, d)`` um.
        marrow: ``(n, d+1)`` positively oriented simplices.
        bone: The same.
        surface: ``(n, d)`` facets between the phases, their normal pointing into the marrow.
        faces: ``x-``, ``x+``, ... to ``(n, d)`` facets of the marrow on that face of the box.
        phi: Signed distance on the grid with islands filled in (otherwise as given).
        bone_removed: Grid nodes of bone islands that became marrow.
        marrow_removed: Grid nodes of marrow pockets that became bone.
        components: Number of pieces of (bone, marrow).
        quality: Shape of the cells.
    """

    keys: np.ndarray
    points: np.ndarray
    marrow: np.ndarray
    bone: np.ndarray
    surface: np.ndarray
    faces: dict[str, np.ndarray]
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
    """Cut the grid at phi = 0.

    Args:
        phi: Signed distance at the grid nodes, um, positive in bone; not modified.
        grid: The background grid.
        islands: ``remove`` leaves one piece of bone and one of marrow, the largest; ``detached``
            also those that touch the box, which may hang together outside it.
        slabs: In how many slabs the grid is worked off; does not change the result.
        snap: Nodes nearer to a crossing than this fraction of an edge are moved onto it.
        clip: Least distance, in cells, that a node which may not be moved is given.
        least_volume: Least volume, as fraction, that a simplex may keep when its nodes are moved.
        log: Receives one line per round of island removal.

    Raises:
        ComputationStopped: Islands could not be removed (not seen in any sample).
    """
    if slabs is None:
        slabs = max(1, round(phi.size / SLAB_NODES))
    phi = np.array(phi, float)
    connectivity = kuhn(grid.dimension).connectivity
    removed = {1: 0, -1: 0}
    zero = np.zeros(phi.shape, bool)
    sign = np.where(phi > 0, 1, -1).astype(np.int8)
    flips = _strays(sign, connectivity, islands)
    for _ in range(MOST_ROUNDS):
        for s, nodes in flips.items():
            phi[nodes] = -s * np.maximum(np.abs(phi[nodes]), clip * grid.h)
            removed[s] += int(nodes.sum())
        blocks = split(phi, grid, slabs, snap=snap, clip=clip, least_volume=least_volume)
        settle(blocks, zero)
        sign = np.where(zero, 0, np.where(phi > 0, 1, -1)).astype(np.int8)
        pieces = tuple(int(ndimage.label(sign == s, connectivity)[1]) for s in (1, -1))
        flips = _strays(sign, connectivity, islands)
        if not any(nodes.any() for nodes in flips.values()):
            break
    else:
        raise ComputationStopped(
            f"the surface still has {pieces[0]} pieces of bone and {pieces[1]} of marrow after "
            f"{MOST_ROUNDS} rounds of island removal; use another cell size."
        )
    parts = []
    while blocks:
        parts.append(_cut_slab(blocks.pop(0)))
    return _merge(parts, grid, phi, removed, pieces)


def _strays(sign: np.ndarray, connectivity: np.ndarray, islands: Islands) -> dict[int, np.ndarray]:
    """Per phase the nodes of all pieces that are not to stay; of equal pieces the first is the largest."""
    out = {}
    for phase in (1, -1) if islands != "keep" else ():
        label, n = ndimage.label(sign == phase, connectivity)
        stays = np.zeros(n + 1, bool)
        stays[0] = True
        if n:
            stays[np.bincount(label.ravel())[1:].argmax() + 1] = True
        if islands == "detached":
            for axis in range(sign.ndim):
                stays[label.take((0, -1), axis)] = True
        out[phase] = ~stays[label]
    return out


@dataclass
class _Part:
    """What one slab contributes; cells and facets number the rows of `keys`."""

    keys: np.ndarray
    points: np.ndarray
    owned: int
    marrow: np.ndarray
    bone: np.ndarray
    surface: np.ndarray
    faces: dict[str, np.ndarray]
    quality: Quality


@dataclass
class _Cells:
    """Cells and facets being collected in slab ids: nodes first, then crossings."""

    strides: np.ndarray
    nodes: int
    direction: np.ndarray
    marrow: list[np.ndarray] = field(default_factory=list)
    bone: list[np.ndarray] = field(default_factory=list)
    surface: list[np.ndarray] = field(default_factory=list)

    def crossing(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Id of the crossing on the edge between nodes a and b."""
        return self.nodes + np.minimum(a, b) * 8 + self.direction[np.abs(a - b)]


def _cut_slab(slab: Slab) -> _Part:
    grid, tables = slab.grid, kuhn(slab.grid.dimension)
    d, strides = grid.dimension, slab.strides
    direction = np.zeros(int(strides.sum()) + 1, np.int64)
    direction[tables.corners[1:] @ strides] = np.arange(1, 2**d)
    cells = _Cells(strides, slab.phi.size, direction)
    sign = np.where(slab.zero, 0, slab.sign)
    band, pure = _cubes(slab, sign)
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
    cells.surface.append(_zero_facets(t[(plus == 1) & (minus == 0)], slab, sign))
    # all band cells come before the pure ones, whose orientation is known
    bone, marrow = np.concatenate(cells.bone), np.concatenate(cells.marrow)
    facets = np.concatenate(cells.surface)
    keys, ids, points = _points(slab, [bone, marrow, facets], pure[1], pure[-1])
    bone, marrow, facets = (ids[_key(c, cells.nodes)] for c in (bone, marrow, facets))
    surface = facets[:, :d].copy()
    quality = Quality.none()
    for c in (bone, marrow):
        _orient(points, c)
        quality += Quality.of(points, c)
    _orient_facets(points, surface, facets[:, d])
    whole = {}
    for phase, base in pure.items():
        flipped = np.where(tables.negative[:, None], path[:, [*range(d - 1), d, d - 1]], path)
        whole[phase] = ids[(base[:, None, None] + flipped[None]).reshape(-1, d + 1) * 8]
        quality += Quality.of(points, whole[phase][: len(path)]).times(len(base))
    bone, marrow = np.concatenate([bone, whole[1]]), np.concatenate([marrow, whole[-1]])
    node = keys >> 3
    plane = node // strides[0] + slab.first
    owned = int((plane < slab.own[1]).sum()) if slab.own[1] < grid.cells[0] else len(keys)
    faces = _box_facets(slab, keys, marrow)
    return _Part(keys + 8 * slab.first * strides[0], points, owned, marrow, bone, surface, faces, quality)


def _key(ids: np.ndarray, nodes: int) -> np.ndarray:
    """Slab ids to slab keys ``node * 8 + direction``."""
    return np.where(ids < nodes, ids * 8, ids - nodes)


def _cubes(slab: Slab, sign: np.ndarray) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Low corners of the owned cubes at the surface, and of the pure bone (1) and marrow (-1) ones."""
    tables, shape = kuhn(slab.grid.dimension), slab.phi.shape
    q0, q1 = slab.own[0] - slab.first, slab.own[1] - slab.first
    cells = tuple(n - 1 for n in shape[1:])
    views = [
        sign[tuple(slice(a + q, b + q) for q, a, b in zip(o, (q0, 0, 0), (q1, *cells), strict=False))]
        for o in tables.corners
    ]
    least, most = views[0].copy(), views[0].copy()
    for v in views[1:]:
        np.minimum(least, v, out=least)
        np.maximum(most, v, out=most)

    def low(mask: np.ndarray) -> np.ndarray:
        at = np.nonzero(mask)
        return np.ravel_multi_index((at[0] + q0, *at[1:]), shape)

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


def _zero_facets(t: np.ndarray, slab: Slab, sign: np.ndarray) -> np.ndarray:
    """Facets of moved nodes only, with bone on one side and marrow on the other.

    Args:
        t: ``(n, d+1)`` paths with one bone node, the others zero.

    Returns:
        ``(m, d+1)``: the facets, and in the last column the bone node.
    """
    d = t.shape[1] - 1
    out = [np.zeros((0, d + 1), np.int64)]
    shape = np.array(slab.phi.shape)
    for i in range(d + 1):
        u = t[sign.ravel()[t[:, i]] > 0]
        ijk = np.stack(np.unravel_index(u, slab.phi.shape), -1)
        if i == 0:  # the vertex opposite vertex i in the neighbouring Kuhn simplex
            other = ijk[:, d] + ijk[:, 1] - ijk[:, 0]
        elif i == d:
            other = ijk[:, 0] - (ijk[:, d] - ijk[:, d - 1])
        else:
            other = ijk[:, i - 1] + ijk[:, i + 1] - ijk[:, i]
        inside = ((other >= 0) & (other < shape)).all(1)
        far = np.where(inside[:, None], other, 0) @ slab.strides
        found = inside & (sign.ravel()[far] < 0)
        out.append(np.column_stack([np.delete(u[found], i, 1), u[found, i]]))
    return np.concatenate(out)


def _points(
    slab: Slab, used: list[np.ndarray], *pure: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slab keys in use (ascending), row of every key, and coordinates."""
    tables, grid, n = kuhn(slab.grid.dimension), slab.grid, slab.phi.size
    mark = np.zeros(8 * n, bool)
    for c in used:
        mark[_key(c, n)] = True
    for base in pure:
        for o in tables.corners:
            mark[(base + int(o @ slab.strides)) * 8] = True
    keys = np.flatnonzero(mark)
    ids = np.zeros(8 * n, np.int64)
    ids[keys] = np.arange(len(keys))
    node, way = keys >> 3, keys & 7
    offset = np.zeros((len(keys), grid.dimension))
    moved = way == 0
    offset[moved] = slab.moves(node[moved]) / np.array(grid.spacing)
    lo, hi = node[~moved], node[~moved] + tables.corners[way[~moved]] @ slab.strides
    phi = slab.working_phi().ravel()
    offset[~moved] = (phi[lo] / (phi[lo] - phi[hi]))[:, None] * tables.corners[way[~moved]]
    points = np.array(grid.origin) + np.array(grid.spacing) * (slab.index(node) + offset)
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


def _box_facets(slab: Slab, keys: np.ndarray, marrow: np.ndarray) -> dict[str, np.ndarray]:
    """Marrow facets on the faces of the sample box."""
    grid, d = slab.grid, slab.grid.dimension
    ijk, way = slab.index(keys >> 3), keys & 7
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
    parts: list[_Part], grid: Grid, phi: np.ndarray, removed: dict[int, int], pieces: tuple[int, ...]
) -> Cut:
    """Number the vertices of all slabs; those of a slab's last plane belong to the next slab."""
    start = np.cumsum([0, *(p.owned for p in parts)])
    keys = np.concatenate([p.keys[: p.owned] for p in parts])
    points = np.concatenate([p.points[: p.owned] for p in parts])
    number = []
    for i, p in enumerate(parts):
        tail = np.searchsorted(keys, p.keys[p.owned :])
        if (keys[np.minimum(tail, len(keys) - 1)] != p.keys[p.owned :]).any():
            raise ComputationStopped(
                "two slabs of the grid disagree on their common vertices; this is a bug."
            )
        number.append(np.concatenate([np.arange(start[i], start[i + 1]), tail]))
    return Cut(
        keys=keys,
        points=points,
        marrow=np.concatenate([n[p.marrow] for n, p in zip(number, parts, strict=True)]),
        bone=np.concatenate([n[p.bone] for n, p in zip(number, parts, strict=True)]),
        surface=np.concatenate([n[p.surface] for n, p in zip(number, parts, strict=True)]),
        faces={
            f: np.concatenate([n[p.faces[f]] for n, p in zip(number, parts, strict=True)])
            for f in parts[0].faces
        },
        phi=phi,
        bone_removed=removed[1],
        marrow_removed=removed[-1],
        components=(pieces[0], pieces[1]),
        quality=sum((p.quality for p in parts), Quality.none()),
    )
