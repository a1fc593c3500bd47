# SPDX-License-Identifier: LGPL-3.0-or-later
"""The marrow of a piece as rows of a distributed matrix: their order, and the scalar stiffness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ..geometry import Piece
from ..integrator.halo import Halo, LocalMatrix
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

    The order keeps neighbours close (reverse Cuthill-McKee); points beside those of other ranks come first,
    so that the others can be worked on while these are on their way. A piece has all cells that touch its
    points, so no contributions are exchanged.
    """
    team, own = Team(comm), piece.own
    graph = stiffness(piece.points, piece.marrow, own)
    order = reverse_cuthill_mckee(graph[:, :own].tocsr(), symmetric_mode=True).astype(np.int64)
    edge = np.zeros(own, bool)
    edge[np.searchsorted(graph.indptr, np.flatnonzero(graph.indices >= own), side="right") - 1] = True
    order = np.concatenate([order[edge[order]], order[~edge[order]]])
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
