# SPDX-License-Identifier: LGPL-3.0-or-later
"""The marrow of a piece as rows of a distributed matrix: their order, and the scalar stiffness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ..geometry import Piece
from ..integrator.halo import Halo, LocalMatrix
from ..integrator.sparse import passes
from ..team import Team
from .stiffness import stiffness

if TYPE_CHECKING:
    from mpi4py import MPI


@dataclass(frozen=True)
class MarrowMesh:
    """P1 finite elements on the marrow.

    Attributes:
        points: Point of the piece of every row of this rank, then of every ghost of `local`.
        local: This rank's rows of the scalar matrix of (grad u, grad v) over the marrow.
    """

    points: np.ndarray
    local: LocalMatrix


def marrow_mesh(piece: Piece, comm: MPI.Comm) -> MarrowMesh:
    """Collective: order the points of a piece and assemble their rows of the stiffness.

    A piece has all cells that touch its points, so no contributions are exchanged.
    """
    team, own = Team(comm), piece.own
    graph = stiffness(piece.points, piece.marrow, own)
    order = _order(graph, own)
    start = team.before(own)
    row = np.empty(len(piece.points), np.int64)  # of the matrix, for every point
    row[order] = start + np.arange(own)
    number = piece.number
    row[own:] = team.look_up(number[:own], row[:own], number[own:])
    points = np.concatenate([order, own + np.argsort(row[own:], kind="stable")])
    mine = graph[order].tocsr()
    mine.indices = np.argsort(points).astype(np.int32)[mine.indices]
    mine.has_sorted_indices = False
    halo = Halo(row[points[own:]], (start, start + own), comm)
    return MarrowMesh(points, LocalMatrix.of(mine, halo))


def _order(graph: csr_matrix, own: int) -> np.ndarray:
    """(own,) rows in an order that keeps neighbours close.

    Those beside points of other ranks come first, so that the others can be worked on while these are on
    their way, and after them the others in the order of their distance from there, layer by layer: sweeps
    then carry on what has been done where ranks meet. Where no other rank is near, reverse Cuthill-McKee.
    """
    first = np.zeros(own, np.int32)
    reached = passes().layers(own, graph.indptr, graph.indices, first, np.zeros(own, np.uint8))
    if reached == own:
        return first.astype(np.int64)
    inner = graph[:, :own].tocsr() if graph.shape[1] > own else graph
    order = reverse_cuthill_mckee(inner, symmetric_mode=True).astype(np.int64)
    left = np.ones(own, bool)
    left[first[:reached]] = False
    return np.concatenate([first[:reached].astype(np.int64), order[left[order]]])
