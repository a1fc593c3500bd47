# SPDX-License-Identifier: LGPL-3.0-or-later
"""One block of the grid cut along the surface: vertices with keys, cells, facets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from .boxes import Partition
from .kuhn import kuhn
from .quality import Quality
from .snap import Block, determinant
from .templates import Cells, order, split_simplices


@dataclass
class Part:
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


def cut_block(block: Block, nodes: Partition) -> Part:
    grid, tables = block.grid, kuhn(block.grid.dimension)
    d, strides = grid.dimension, block.strides
    direction = np.zeros(int(strides.sum()) + 1, np.int64)
    direction[tables.corners[1:] @ strides] = np.arange(1, 2**d)
    cells = Cells(strides, block.phi.size, direction)
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
            v = np.take_along_axis(t2[at], order(d, phase)[code2[at]], 1)
            split_simplices(
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
    return Part(
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


def nothing(d: int) -> Part:
    """What a rank without nodes contributes."""
    none = np.zeros(0, np.int64)
    cells, facets = np.zeros((0, d + 1), np.int64), np.zeros((0, d), np.int64)
    faces = {"xyz"[f // 2] + "-+"[f % 2]: facets for f in range(2 * d)}
    empty = np.zeros((0, d))
    return Part(none, empty, none > 0, 0, (cells,) * 2, (cells,) * 2, (facets,) * 2, faces, Quality.none())
