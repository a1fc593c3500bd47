# SPDX-License-Identifier: LGPL-3.0-or-later
"""The next coarser level of a scalar stiffness: smoothed aggregation with short rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..team import Team
from .halo import Halo, LocalMatrix, Replica
from .sparse import WEIGHTS, passes

if TYPE_CHECKING:
    from mpi4py import MPI

DAMPING = 0.7
DROP = 0.01
REPLICATED = 5000  # rows that every rank has as a whole instead of a part
FILL = 16  # entries per row of K P that there is room for at first


@dataclass(frozen=True)
class Prolongator:
    """Rows of values on the coarse level for owned and ghost rows of the fine one.

    Attributes:
        columns: (rows, WEIGHTS) int32 local coarse rows.
        weights: (rows, WEIGHTS) float32, rows sum to one.
    """

    columns: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class _Numbers:
    """Coarse rows in numbers of this rank: its own, then those of others that it knows.

    Attributes:
        first, count: Own ones begin there in the numbering over all ranks, and how many there are.
        others: Numbers over all ranks of the others, ascending.
    """

    first: int
    count: int
    others: np.ndarray

    def globally(self, local: np.ndarray) -> np.ndarray:
        """Numbers over all ranks."""
        return np.concatenate([np.arange(self.first, self.first + self.count), self.others])[local]

    def is_away(self, numbers: np.ndarray) -> np.ndarray:
        """Which ones of the numbers over all ranks belong to others."""
        return (numbers < self.first) | (numbers >= self.first + self.count)

    def locally(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers of this rank."""
        far = self.count + np.searchsorted(self.others, numbers)
        return np.where(self.is_away(numbers), far, numbers - self.first).astype(np.int32)

    def with_others(self, numbers: np.ndarray) -> _Numbers:
        """The same with more of the others."""
        more = np.unique(np.concatenate([self.others, numbers[self.is_away(numbers)]]))
        return _Numbers(self.first, self.count, more)

    def renamed(self, new: _Numbers) -> np.ndarray:
        """(count + others,) int32: what every number of this rank is in a numbering with more of them."""
        own = np.arange(self.count, dtype=np.int32)
        return np.concatenate([own, new.locally(self.others)])


@dataclass(frozen=True)
class _Rows:
    """Rows in compressed form whose columns are in no order."""

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray

    def part(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row (counted from `first` on), column and value of the entries of some rows."""
        at = slice(self.indptr[first], self.indptr[last])
        rows = np.repeat(np.arange(last - first), np.diff(self.indptr[first : last + 1]))
        return rows, self.indices[at], self.values[at]


def coarsen(fine: LocalMatrix, comm: MPI.Comm) -> tuple[Prolongator, LocalMatrix]:
    """Collective: aggregate the rows of `fine`, which sum to zero.

    Aggregates do not cross the borders of ranks. The piecewise constant functions on them are smoothed
    by one Jacobi step (Vanek, Mandel and Brezina 1996, Computing 56:179); of every row the largest weights
    are kept and scaled to sum one. The coarse matrix is the Galerkin product, in which small entries are
    moved to the diagonal. Where few rows are left, every rank gets all of them.

    Returns:
        The prolongator and the coarse matrix, whose rows sum to zero too.
    """
    n, ghosts, c = fine.rows, fine.halo.ghosts, passes()
    label = np.zeros(n + ghosts, np.int32)
    count = c.aggregate(n, fine.indptr, fine.indices, fine.values, label)
    ends = np.cumsum(comm.allgather(count))
    own = _Numbers(int(ends[comm.rank]) - count, count, np.zeros(0, np.int64))
    number = np.zeros((n + ghosts, 1))
    number[:n, 0] = own.first + label[:n]
    fine.halo(number)
    near = own.with_others(number[n:, 0].astype(np.int64))
    label[n:] = near.locally(number[n:, 0].astype(np.int64))
    columns, weights = np.zeros((n + ghosts, WEIGHTS), np.int32), np.zeros((n + ghosts, WEIGHTS))
    c.prolongator(n, fine.indptr, fine.indices, fine.values, DAMPING, label, columns, weights)
    known = _of_ghosts(fine, near, columns, weights)
    product = _galerkin(fine, columns, weights, known.count + len(known.others))
    coarse, numbers = _coarse(product, known, ends, comm)
    columns = known.globally(columns) if numbers is None else known.renamed(numbers)[columns]
    return Prolongator(columns.astype(np.int32), weights.astype(np.float32)), coarse


def _of_ghosts(fine: LocalMatrix, near: _Numbers, columns: np.ndarray, weights: np.ndarray) -> _Numbers:
    """Collective: fetch the ghost rows of a prolongator; the numbers that its columns are in then."""
    n, sent = fine.rows, fine.halo.sent
    wide = np.zeros(columns.shape)
    wide[sent] = near.globally(columns[sent])
    fine.halo(wide)
    fine.halo(weights)
    numbers = wide[n:].astype(np.int64)
    known = near.with_others(numbers)
    columns[n:] = known.locally(numbers)
    if len(known.others) > len(near.others):
        far = columns[:n] >= near.count
        columns[:n][far] = near.renamed(known)[columns[:n][far]]
    return known


def _galerkin(fine: LocalMatrix, columns: np.ndarray, weights: np.ndarray, rows: int) -> _Rows:
    """P^T K P of the own rows of K; columns, weights of own and ghost ones."""
    n, c = fine.rows, passes()
    half = _with_room(
        n, FILL * n, lambda *out: c.smoothed(
            n, fine.indptr, fine.indices, fine.values, columns, weights, np.full(rows, -1, np.int32), *out
        )
    )  # fmt: skip
    first, origin = np.zeros(rows + 1, np.int32), np.zeros(n * WEIGHTS, np.int32)
    return _with_room(
        rows, len(half.values), lambda *out: c.gathered(
            n, rows, columns, weights, half.indptr, half.indices, half.values, first, origin,
            np.full(rows, -1, np.int32), *out,
        )
    )  # fmt: skip


def _with_room(rows: int, room: int, make: Callable[..., int]) -> _Rows:
    """Rows that `make` writes, given room for so many entries or, if it refuses, for more."""
    indptr = np.zeros(rows + 1, np.int32)
    while True:
        indices, values = np.empty(room, np.int32), np.empty(room)  # what is not written to costs nothing
        count = make(room, indptr, indices, values)
        if count >= 0:
            return _Rows(indptr, indices[:count], values[:count])
        room = 2 * room + 1024


def _coarse(
    product: _Rows, known: _Numbers, ends: np.ndarray, comm: MPI.Comm
) -> tuple[LocalMatrix, _Numbers | None]:
    """Collective: rows of the coarse matrix from what every rank has for them, and the numbers that it has.

    These are None where every rank has all rows in the numbers over all ranks.
    """
    n, total = known.count, int(ends[-1])
    given = _given(product, known, ends, comm)
    at, column, value = given
    numbers = known.with_others(column)
    extra = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=n))]).astype(np.int32)
    mark = np.full(n + len(numbers.others), -1, np.int32)
    diagonal = np.zeros((n + len(numbers.others), 1))
    rows = _with_room(
        n, len(product.values) + len(value), lambda room, *out: passes().joined(
            n, product.indptr, product.indices, product.values, known.renamed(numbers), extra,
            numbers.locally(column), value, mark, *out, diagonal,
        )
    )  # fmt: skip
    if comm.size > 1 and total <= REPLICATED:
        _, columns, values = rows.part(0, n)
        sent = np.diff(rows.indptr), numbers.globally(columns).astype(np.int32), values, diagonal[:n]
        length, columns, values, diagonal = (
            np.concatenate(part) for part in zip(*comm.allgather(sent), strict=True)
        )
        indptr = np.concatenate([[0], np.cumsum(length)]).astype(np.int32)
        return _closed(_Rows(indptr, columns, values), diagonal, Replica(total, comm)), None
    halo = Halo(numbers.others, (known.first, known.first + n), comm)
    halo(diagonal)
    return _closed(rows, diagonal, halo), numbers


def _given(
    product: _Rows, known: _Numbers, ends: np.ndarray, comm: MPI.Comm
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Collective: what other ranks have for rows of this one: row here, global column, value; by rows."""
    team = Team(comm)
    row, column, value = product.part(known.count, known.count + len(known.others))
    row = known.others[row]
    cuts = np.searchsorted(row, ends[:-1])
    places = np.split(np.stack([row, known.globally(column)], axis=1), cuts)
    came = np.concatenate(team.exchange(places))
    values = np.concatenate(team.exchange(np.split(value, cuts)))
    order = np.argsort(came[:, 0], kind="stable")
    return came[order, 0] - known.first, came[order, 1], values[order]


def _closed(rows: _Rows, diagonal: np.ndarray, halo: Halo | Replica) -> LocalMatrix:
    """Rows without their small entries, which are moved to the diagonal.

    Args:
        rows: In local numbers.
        diagonal: Of owned and ghost rows.
        halo: Of the matrix.
    """
    n = len(rows.indptr) - 1
    out = _with_room(
        n, len(rows.values) + n, lambda room, *out: passes().closed(
            n, rows.indptr, rows.indices, rows.values, diagonal, DROP, *out
        )
    )  # fmt: skip
    return LocalMatrix(out.indptr, out.indices.copy(), out.values.copy(), halo)
