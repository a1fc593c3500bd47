# SPDX-License-Identifier: LGPL-3.0-or-later
"""The marrow of a piece as rows of a distributed matrix: their order, and the scalar stiffness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import reverse_cuthill_mckee

from ..geometry import Piece
from ..integrator.halo import LocalMatrix
from ..parallel import load_fem
from ..team import Team
from .stiffness import stiffness

if TYPE_CHECKING:
    from mpi4py import MPI
    from petsc4py import PETSc


@dataclass(frozen=True)
class MarrowMesh:
    """P1 finite elements on the marrow.

    Attributes:
        points: Point of the piece of every row of this rank, then of every ghost of `local`.
        stiffness: Assembled scalar matrix of (grad u, grad v) over the marrow.
        local: The rows of this rank.
    """

    points: np.ndarray
    stiffness: PETSc.Mat
    local: LocalMatrix


def marrow_mesh(piece: Piece, comm: MPI.Comm) -> MarrowMesh:
    """Collective: order the points of a piece and assemble their rows of the stiffness.

    The order keeps neighbours close (reverse Cuthill-McKee). A piece has all cells that touch its
    points, so no contributions are exchanged.
    """
    load_fem()
    from petsc4py import PETSc

    team, own = Team(comm), piece.own
    graph = stiffness(piece.points, piece.marrow, own)
    order = reverse_cuthill_mckee(graph[:, :own].tocsr(), symmetric_mode=True).astype(np.int64)
    start = team.before(own)
    row = np.empty(len(piece.points), np.int64)  # of the matrix, for every point
    row[order] = start + np.arange(own)
    number = piece.number
    row[own:] = team.look_up(number[:own], row[:own], number[own:])
    mine = graph[order].tocsr()
    matrix = PETSc.Mat().createAIJ(
        ((own, piece.marrow_points),) * 2,
        csr=(mine.indptr, row[mine.indices].astype(PETSc.IntType), mine.data),
        comm=comm,
    )
    matrix.assemble()
    ghosts = own + np.argsort(row[own:], kind="stable")  # as LocalMatrix has them
    return MarrowMesh(np.concatenate([order, ghosts]), matrix, LocalMatrix.from_petsc(matrix, comm))
