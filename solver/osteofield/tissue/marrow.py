# SPDX-License-Identifier: LGPL-3.0-or-later
"""The marrow of a sample over ranks: who owns which vertex, and the scalar stiffness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ..geometry import Sample
from ..parallel import load_fem
from .stiffness import stiffness

if TYPE_CHECKING:
    from mpi4py import MPI
    from petsc4py import PETSc


@dataclass(frozen=True)
class MarrowMesh:
    """P1 finite elements on the marrow.

    Attributes:
        vertices: Sample point of every marrow vertex, ascending: the numbering of marrow fields.
        owned: Position in `vertices` of every row owned by this rank.
        stiffness: Assembled scalar matrix of (grad u, grad v) over the marrow.
        cells: Marrow cells over all ranks.
    """

    vertices: np.ndarray
    owned: np.ndarray
    stiffness: PETSc.Mat
    cells: int


def marrow_mesh(sample: Sample, comm: MPI.Comm) -> MarrowMesh:
    """Collective: distribute the marrow vertices and assemble the stiffness.

    Every rank has the whole sample for now; each owns the vertices that recursive bisection gives it,
    in an order that keeps neighbours close (reverse Cuthill-McKee), and assembles their rows.
    """
    load_fem()
    from petsc4py import PETSc

    vertices, cells = _used(sample.marrow, len(sample.points))
    points = sample.points[vertices]
    owner = _bisect(points, comm.size)
    mine = np.flatnonzero(owner == comm.rank)
    near = cells[(owner[cells] == comm.rank).any(axis=1)] if comm.size > 1 else cells
    local = np.full(len(vertices), -1, np.int32)
    local[mine] = np.arange(len(mine), dtype=np.int32)
    others = np.setdiff1d(near, mine) if comm.size > 1 else mine[:0]
    local[others] = len(mine) + np.arange(len(others), dtype=np.int32)
    graph = stiffness(points[np.concatenate([mine, others])], local[near], len(mine))
    order = reverse_cuthill_mckee(graph[:, : len(mine)].tocsr(), symmetric_mode=True)
    mine = mine[order]
    rows = graph[order].tocsr()
    position = np.empty(len(vertices), np.int64)
    position[np.concatenate(comm.allgather(mine))] = np.arange(len(vertices))
    named = np.concatenate([mine[np.argsort(order)], others])  # vertex of every column of `graph`
    matrix = PETSc.Mat().createAIJ(
        ((len(mine), len(vertices)),) * 2,
        csr=(rows.indptr, position[named][rows.indices].astype(PETSc.IntType), rows.data),
        comm=comm,
    )
    matrix.assemble()
    return MarrowMesh(vertices, mine, matrix, len(cells))


def _used(cells: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices that occur in cells, ascending, and the cells renumbered to them."""
    used = np.zeros(points, bool)
    used[cells.ravel()] = True
    vertices = np.flatnonzero(used)
    renumber = np.cumsum(used) - 1
    return vertices, renumber[cells]


def _bisect(points: np.ndarray, parts: int) -> np.ndarray:
    """Part of every vertex by recursive coordinate bisection (deterministic)."""
    part = np.zeros(len(points), np.int32)
    if parts == 1:
        return part
    stack = [(np.arange(len(points)), 0, parts)]
    while stack:
        ids, first, count = stack.pop()
        if count == 1:
            part[ids] = first
            continue
        low = count // 2
        axis = int(np.ptp(points[ids], axis=0).argmax()) if len(ids) else 0
        order = ids[np.argsort(points[ids, axis], kind="stable")]
        split = len(order) * low // count
        stack += [(order[:split], first, low), (order[split:], first + low, count - low)]
    return part
