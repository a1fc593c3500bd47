# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which grid nodes are moved onto the bone surface before the cut.

A node closer than `SNAP` of an edge to a crossing is moved to that crossing and belongs to neither
phase ("zero" node). A zero node is kept only if (1) among its neighbours bone is in one piece,
marrow is in one piece and no whole simplex is zero - then the surface around it is a disc, so the
cut surface is manifold - and (2) no simplex at it keeps less than `LEAST_VOLUME` of its volume.
Where a rule fails, the node with the longest move of its neighbourhood is released, all ties at
once, until none fails; a released node counts as at least `CLIP` cells away from the surface.
Every decision looks at most two nodes far, so blocks of the grid that exchange their zero nodes
after each round, within a rank and between ranks, find the same nodes as the grid in one piece.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .boxes import Box, Partition
from .grid import Grid
from .kuhn import kuhn

SNAP = 0.3
CLIP = 0.3
LEAST_VOLUME = 0.1
HALO = 3  # one layer for the crossings of a node's neighbours, two for a round of release


@dataclass
class Block:
    """A box of grid nodes with halo.

    Attributes:
        held: The nodes held.
        own: Those of them that are decided here; every node of the grid is decided in one block.
        cubes: Cells, named by their low corners, that are cut here.
        phi: Working signed distance at the nodes held, bone positive, never exactly 0.
        zero: True at the nodes held that are moved onto the surface.
    """

    grid: Grid
    held: Box
    own: Box
    cubes: Box
    phi: np.ndarray
    snap: float = SNAP
    clip: float = CLIP
    least_volume: float = LEAST_VOLUME
    zero: np.ndarray = field(init=False)
    sign: np.ndarray = field(init=False)
    fraction: np.ndarray = field(init=False)
    toward: np.ndarray = field(init=False)
    _flag: np.ndarray = field(init=False)
    _check: np.ndarray | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.phi = np.where(self.phi == 0, -1e-12 * self.grid.h, self.phi)
        self.sign = np.where(self.phi > 0, 1, -1).astype(np.int8)
        self.fraction, self.toward = self._nearest_crossings()
        self.zero = self.fraction < self.snap
        self._flag = np.zeros(self.phi.shape, bool)

    @property
    def strides(self) -> np.ndarray:
        shape = self.phi.shape
        return np.array([int(np.prod(shape[k + 1 :])) for k in range(len(shape))])

    def index(self, nodes: np.ndarray) -> np.ndarray:
        """``(n, d)`` grid index of flat block nodes."""
        return np.stack(np.unravel_index(nodes, self.phi.shape), 1) + np.array(self.held.lo)

    def working_phi(self) -> np.ndarray:
        """Signed distance after the release rule; sign and crossings of the cut come from it."""
        released = (self.fraction < self.snap) & ~self.zero
        far = np.maximum(np.abs(self.phi), self.clip * self.grid.h)
        return np.where(released, self.sign * far, self.phi)

    def moves(self, nodes: np.ndarray) -> np.ndarray:
        """Displacement ``(n, d)`` in um of flat block nodes; 0 unless the node is zero."""
        step = kuhn(self.grid.dimension).neighbours[self.toward.ravel()[nodes]] * np.array(self.grid.spacing)
        return np.where(self.zero.ravel()[nodes], self.fraction.ravel()[nodes], 0.0)[:, None] * step

    def _nearest_crossings(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest crossing fraction over a node's edges (9: none) and the neighbour it leads to.

        Box nodes look only along edges within their box faces, which keeps the box exact.
        """
        tables, shape, strides = kuhn(self.grid.dimension), self.phi.shape, self.strides
        best, toward = np.full(self.phi.size, 9.0), np.zeros(self.phi.size, np.int8)
        phi = self.phi.ravel()
        half = len(tables.neighbours) // 2
        crossings = []
        for m, o in enumerate(tables.neighbours[:half]):
            low = tuple(slice(0, s - q) for q, s in zip(o, shape, strict=True))
            high = tuple(slice(q, s) for q, s in zip(o, shape, strict=True))
            at = np.nonzero(self.sign[low] != self.sign[high])
            a = np.asarray(np.ravel_multi_index(at, shape))
            b = a + int(o @ strides)
            t = phi[a] / (phi[a] - phi[b])
            ok_a, ok_b = np.ones(a.shape, bool), np.ones(a.shape, bool)
            for k in np.flatnonzero(o):
                i = at[k] + self.held.lo[k]
                ok_a &= i > 0
                ok_b &= i + 1 < self.grid.cells[k]
            crossings.append((m, a[ok_a], t[ok_a]))
            crossings.append((m + half, b[ok_b], 1 - t[ok_b]))
        for m, node, t in sorted(crossings, key=lambda c: c[0]):  # ties go to the first neighbour
            nearer = t < best[node] - 1e-14
            best[node[nearer]], toward[node[nearer]] = t[nearer], m
        return best.reshape(shape), toward.reshape(shape)

    def _near(self, nodes: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Flat ids ``(n, m)`` of nodes shifted by each offset, and whether they are in the block."""
        ijk = np.stack(np.unravel_index(nodes, self.phi.shape), 1)[:, None] + offsets
        inside = ((ijk >= 0) & (ijk < np.array(self.phi.shape))).all(2)
        return nodes[:, None] + (offsets @ self.strides)[None], inside

    def _bad_link(self, nodes: np.ndarray) -> np.ndarray:
        tables = kuhn(self.grid.dimension)
        near, inside = self._near(nodes, tables.neighbours)
        s = np.where(self.zero, 0, self.sign).ravel()[np.where(inside, near, 0)]
        s[~inside] = 9
        bit = 1 << np.arange(len(tables.neighbours))
        one = tables.one_component
        return ~one[(s == 1) @ bit] | ~one[(s == -1) @ bit] | tables.has_facet[(s == 0) @ bit]

    def _squashed(self, nodes: np.ndarray) -> np.ndarray:
        """Zero nodes of the simplices at `nodes` that have lost too much volume."""
        tables, h = kuhn(self.grid.dimension), np.array(self.grid.spacing)
        low, _ = self._near(nodes, -tables.corners)
        corner = np.stack(np.unravel_index(nodes, self.phi.shape), 1)[:, None] - tables.corners
        inside = ((corner >= 0) & (corner < np.array(self.phi.shape) - 1)).all(2)
        mark = np.zeros(self.phi.size, bool)
        mark[low[inside]] = True
        cubes = np.flatnonzero(mark)
        zero, out = self.zero.ravel(), []
        move = np.zeros((self.phi.size, self.grid.dimension))
        every = np.flatnonzero(zero)
        move[every] = self.moves(every) / h
        for path in tables.simplices:
            t = cubes[:, None] + (tables.corners[path] @ self.strides)[None]
            t = t[zero[t].any(1)]
            x = tables.corners[path] + move[t]
            v = determinant(x[:, 1:] - x[:, :1])
            v0 = np.linalg.det((tables.corners[path][1:] - tables.corners[path][0]).astype(float))
            t = t[v * np.sign(v0) < self.least_volume * abs(v0)]
            out.append(t[zero[t]])
        return np.concatenate(out)

    def release(self) -> None:
        """One round: find the zero nodes that break a rule and release the worst of each group."""
        zero, flag, fraction = self.zero.ravel(), self._flag.ravel(), self.fraction.ravel()
        check = np.flatnonzero(zero) if self._check is None else self._check
        if len(check):
            flag[check] = self._bad_link(check)
            flag[self._squashed(check)] = True
        bad = np.flatnonzero(zero & flag)
        self._check = np.zeros(0, np.int64)
        weight = np.where(zero & flag, fraction, -1.0)
        near, inside = self._near(bad, kuhn(self.grid.dimension).neighbours)
        around = np.where(inside, weight[np.where(inside, near, 0)], -1.0).max(1)
        zero[bad[weight[bad] >= around]] = False

    def take(self, zero: np.ndarray, before: np.ndarray) -> None:
        """Accept the exchanged zero nodes of all planes held; `before`: those before the round."""
        self.zero[:] = zero
        changed = np.flatnonzero(before & ~zero)
        near, inside = self._near(changed, kuhn(self.grid.dimension).neighbours)
        mark = np.zeros(self.phi.size, bool)
        mark[near[inside]] = True
        self._flag.ravel()[changed] = False
        self._check = np.flatnonzero(mark & self.zero.ravel())


def determinant(e: np.ndarray) -> np.ndarray:
    """Determinants of ``(n, d, d)`` for d = 2, 3; much quicker than LAPACK for many small ones."""
    if e.shape[1] == 2:
        return e[:, 0, 0] * e[:, 1, 1] - e[:, 0, 1] * e[:, 1, 0]
    a, b, c = e[:, 0], e[:, 1], e[:, 2]
    return (
        a[:, 0] * (b[:, 1] * c[:, 2] - b[:, 2] * c[:, 1])
        + a[:, 1] * (b[:, 2] * c[:, 0] - b[:, 0] * c[:, 2])
        + a[:, 2] * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    )


@dataclass
class Region:
    """The part of the grid that a rank decides and cuts, in blocks that keep temporary arrays small.

    Attributes:
        nodes: Which nodes are whose.
        cubes: The cells cut here: all that touch a node of this rank.
        held: The nodes of all blocks.
        blocks: In the order of axis 0.
    """

    nodes: Partition
    cubes: Box
    held: Box
    blocks: list[Block]


def split(phi: np.ndarray, grid: Grid, nodes: Partition, slabs: int, **rules: float) -> Region:
    """Collective: divide the nodes and cells of this rank into blocks across axis 0, each with its halo.

    Args:
        phi: Signed distance at the nodes of this rank.
        grid: The background grid.
        nodes: Which nodes are whose.
        slabs: Number of blocks.
        **rules: Of `Block`.
    """
    own = nodes.own
    cubes = own.grown(1, 0, grid.shape) & Box((0,) * grid.dimension, grid.cells)
    held = cubes.grown(HALO, HALO + 1, grid.shape)
    phi = np.asarray(nodes.fetch(phi, held), float)
    blocks = []
    parts = cubes.split(slabs) if cubes.size else []
    for part in parts:
        end = own.hi[0] if part is parts[-1] else part.hi[0]
        mine = own & Box((part.lo[0], *own.lo[1:]), (end, *own.hi[1:]))
        around = part.grown(HALO, HALO + 1, grid.shape)
        blocks.append(Block(grid, around, mine, part, phi[around.within(held)].copy(), **rules))
    return Region(nodes, cubes, held, blocks)


def settle(region: Region) -> np.ndarray:
    """Collective: release zero nodes until no rule is broken anywhere.

    Returns:
        Which of this rank's nodes are moved.
    """
    nodes, held = region.nodes, region.held
    halo = nodes.halo(held)
    mine = np.zeros(nodes.own.shape, bool)

    def collect() -> np.ndarray:
        for b in region.blocks:
            mine[b.own.within(nodes.own)] = b.zero[b.own.within(b.held)]
        return halo(mine)

    zero = collect()
    for b in region.blocks:
        b.zero[:] = zero[b.held.within(held)]
    while True:
        before = zero
        for b in region.blocks:
            b.release()
        zero = collect()
        if not int(nodes.team.sum(int((zero != before).sum()))):
            return mine
        for b in region.blocks:
            here = b.held.within(held)
            b.take(zero[here], before[here])
