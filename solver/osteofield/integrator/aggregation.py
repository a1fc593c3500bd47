# SPDX-License-Identifier: LGPL-3.0-or-later
"""The next coarser level of a scalar stiffness: smoothed aggregation with short rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from .blocks import WEIGHTS, Blocks
from .halo import Halo, LocalMatrix, Replica

if TYPE_CHECKING:
    from mpi4py import MPI

DAMPING = 0.7
DROP = 0.01
REPLICATED = 2000  # rows that every rank has as a whole instead of a part


@dataclass(frozen=True)
class Prolongator:
    """Rows of values on the coarse level for owned and ghost rows of the fine one.

    Attributes:
        columns: (rows, WEIGHTS) int32 local coarse rows.
        weights: (rows, WEIGHTS) float32, rows sum to one.
    """

    columns: np.ndarray
    weights: np.ndarray


def coarsen(fine: LocalMatrix, blocks: Blocks, comm: MPI.Comm) -> tuple[Prolongator, LocalMatrix]:
    """Collective: aggregate the rows of `fine`, which sum to zero.

    Aggregates do not cross the borders of ranks. The piecewise constant functions on them are smoothed
    by one Jacobi step (Vanek, Mandel and Brezina 1996, Computing 56:179); of every row the largest weights
    are kept and scaled to sum one. The coarse matrix is the Galerkin product, in which small entries are
    moved to the diagonal. Where few rows are left, every rank gets all of them.

    Returns:
        The prolongator and the coarse matrix, whose rows sum to zero too.
    """
    n, ghosts = fine.rows, fine.halo.ghosts
    label = np.zeros(n + ghosts, np.int32)
    count = blocks.aggregate(n, fine.indptr, fine.indices, fine.values, label)
    ends = np.cumsum(comm.allgather(count))
    mine = (int(ends[comm.rank]) - count, int(ends[comm.rank]))
    number = np.zeros((n + ghosts, 1))
    number[:n, 0] = mine[0] + label[:n]
    fine.halo(number)
    others, label[n:] = np.unique(number[n:, 0], return_inverse=True)
    label[n:] += count
    picked, weight = np.zeros((n, WEIGHTS), np.int32), np.zeros((n + ghosts, WEIGHTS))
    blocks.prolongator(n, fine.indptr, fine.indices, fine.values, DAMPING, label, picked, weight)
    column = np.zeros((n + ghosts, WEIGHTS))
    column[:n] = _globally(picked, mine, others)
    fine.halo(column)
    fine.halo(weight)
    total, columns = int(ends[-1]), column.astype(np.int64)
    product = _galerkin(fine, columns, weight, mine, ends, comm)
    if comm.size > 1 and total <= REPLICATED:
        product = tuple(np.concatenate(part) for part in zip(*comm.allgather(product), strict=True))
        local, coarse = columns, _matrix(product, (0, total), Replica(total, comm))
    else:
        away = np.concatenate([columns.ravel(), product[1]])
        halo = Halo(np.unique(away[(away < mine[0]) | (away >= mine[1])]), mine, comm)
        local, coarse = halo.locally(columns), _matrix(product, mine, halo)
    return Prolongator(local.astype(np.int32), weight.astype(np.float32)), coarse


def _globally(local: np.ndarray, mine: tuple[int, int], others: np.ndarray) -> np.ndarray:
    """Global numbers of local ones: those of this rank, then `others`."""
    return np.concatenate([np.arange(*mine), others])[local]


Entries = tuple[np.ndarray, ...]  # global rows, global columns, values


def _galerkin(
    fine: LocalMatrix,
    columns: np.ndarray,
    weights: np.ndarray,
    mine: tuple[int, int],
    ends: np.ndarray,
    comm: MPI.Comm,
) -> Entries:
    """Collective: entries of this rank's coarse rows; columns, weights of owned and ghost fine rows."""
    n, count = fine.rows, mine[1] - mine[0]
    away = (columns < mine[0]) | (columns >= mine[1])
    others = np.unique(columns[away])
    local = np.where(away, count + np.searchsorted(others, columns), columns - mine[0])
    pointer = np.arange(0, columns.size + 1, WEIGHTS)
    shape = (len(columns), count + len(others))
    prolong = csr_matrix((weights.ravel(), local.ravel(), pointer), shape=shape)
    matrix = csr_matrix((fine.values, fine.indices, fine.indptr), shape=(n, len(columns)))
    product = (prolong[:n].T.tocsr() @ (matrix @ prolong)).tocoo()
    row, column = (_globally(a, mine, others) for a in (product.row, product.col))
    if comm.size == 1:
        return row, column, product.data
    owner = np.searchsorted(ends, row, side="right")
    parts = [tuple(a[owner == rank] for a in (row, column, product.data)) for rank in range(comm.size)]
    return tuple(np.concatenate(part) for part in zip(*comm.alltoall(parts), strict=True))


def _matrix(entries: Entries, mine: tuple[int, int], halo: Halo | Replica) -> LocalMatrix:
    """Collective: entries added up, small ones moved to the diagonal, which closes the rows."""
    row, column, value = entries
    n = mine[1] - mine[0]
    row, column = row - mine[0], halo.locally(column)
    whole = csr_matrix((value, (row, column)), shape=(n, n + halo.ghosts))
    whole.sum_duplicates()
    diagonal = np.zeros((n + halo.ghosts, 1))
    diagonal[:n, 0] = whole.diagonal()
    halo(diagonal)
    d = diagonal[:, 0]
    row = np.repeat(np.arange(n), np.diff(whole.indptr))
    off = whole.indices != row
    off &= np.abs(whole.data) >= DROP * np.minimum(d[row], d[whole.indices])
    row, column, value = row[off], whole.indices[off], whole.data[off]
    own = np.arange(n)
    rows, columns = np.concatenate([row, own]), np.concatenate([column, own])
    values = np.concatenate([value, -np.bincount(row, value, n)])
    return LocalMatrix.of(csr_matrix((values, (rows, columns)), shape=whole.shape), halo)
