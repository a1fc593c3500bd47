# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ghost rows of interleaved arrays, and the local part of a distributed PETSc matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix

from .sparse import passes

if TYPE_CHECKING:
    from mpi4py import MPI
    from petsc4py import PETSc


_TAG = 41  # of the messages of halos, which all ranks begin in the same order


class Transfer:
    """Rows on their way, which have arrived after `end`; until then neither they nor what is sent may change.

    Args:
        requests: What to wait for.
        then: What to do with what has come.
    """

    def __init__(self, requests: Sequence[Any] = (), then: Callable[[], None] | None = None):
        self._requests, self._then = requests, then

    def end(self) -> None:
        """Wait."""
        for request in self._requests:
            request.Wait()
        if self._then is not None:
            self._then()


_DONE = Transfer()


@dataclass(frozen=True)
class _Neighbour:
    """A rank to send to or to receive from, and which of the rows are its."""

    rank: int
    rows: slice


class Halo:
    """Ghost rows that follow the owned rows of an array.

    A transfer is begun and ended, and other work can be done in between. There is one at a time of arrays of
    the same width.

    Args:
        ghosts: Global row numbers of the ghost rows, ascending.
        owned: Half-open range of global row numbers owned here.
        comm: Collective over this communicator.

    Attributes:
        owned, ghosts: How many rows of either kind.
        sent: int32 own rows that are ghosts elsewhere, rank by rank; one that two ranks have comes twice.
    """

    def __init__(self, ghosts: np.ndarray, owned: tuple[int, int], comm: MPI.Comm):
        self.owned, self.ghosts = owned[1] - owned[0], len(ghosts)
        self._comm, self.sent = comm, np.zeros(0, np.int32)
        self._from: list[_Neighbour] = []
        self._to: list[_Neighbour] = []
        self._buffers: dict[tuple[int, str], np.ndarray] = {}
        if comm.size == 1:
            return
        ends = np.array(comm.allgather(owned[1]))
        owner = np.searchsorted(ends, ghosts, side="right")
        asked = comm.alltoall([ghosts[owner == r] for r in range(comm.size)])
        self.sent = (np.concatenate(asked) - owned[0]).astype(np.int32)
        self._from = _neighbours(np.bincount(owner, minlength=comm.size))
        self._to = _neighbours(np.array([len(a) for a in asked]))

    def __call__(self, x: np.ndarray) -> None:
        """Update rows ``[owned:]`` of `x`, shape (owned + ghosts, width), with all neighbours."""
        self.begin(x).end()

    def begin(self, x: np.ndarray) -> Transfer:
        """Begin to update rows ``[owned:]`` of `x` from their owners; the rows in `sent` must be ready."""
        if not self._from and not self._to:
            return _DONE
        ghosts, buffer = x[self.owned :], self._buffer(x)
        requests = [self._comm.Irecv(ghosts[n.rows], n.rank, _TAG) for n in self._from]
        passes().pack(len(self.sent), self.sent, x.itemsize * x.shape[1], x, buffer)
        requests += [self._comm.Isend(buffer[n.rows], n.rank, _TAG) for n in self._to]
        return Transfer(requests)

    def add(self, x: np.ndarray) -> None:
        """Add rows ``[owned:]`` of `x` to the rows they are ghosts of, with all neighbours."""
        self.begin_add(x).end()

    def begin_add(self, x: np.ndarray) -> Transfer:
        """Begin to add rows ``[owned:]`` of `x`, which must be ready, to the rows they are ghosts of.

        What comes is added at the end, in the order of ranks.
        """
        if not self._from and not self._to:
            return _DONE
        ghosts, buffer = x[self.owned :], self._buffer(x)
        requests = [self._comm.Irecv(buffer[n.rows], n.rank, _TAG) for n in self._to]
        requests += [self._comm.Isend(ghosts[n.rows], n.rank, _TAG) for n in self._from]
        add = passes().add_single if x.dtype == np.float32 else passes().add_double
        return Transfer(requests, lambda: add(len(self.sent), self.sent, x.shape[1], buffer, x))

    def _buffer(self, x: np.ndarray) -> np.ndarray:
        """Room for what is sent, of one transfer at a time."""
        key = (x.shape[1], x.dtype.char)
        if key not in self._buffers:
            self._buffers[key] = np.empty((len(self.sent), x.shape[1]), x.dtype)
        return self._buffers[key]


def _neighbours(counts: np.ndarray) -> list[_Neighbour]:
    """Ranks that have some of the rows, which are in the order of ranks."""
    ends = np.cumsum(counts)
    return [_Neighbour(int(r), slice(ends[r] - counts[r], ends[r])) for r in np.flatnonzero(counts)]


class Replica:
    """In place of a `Halo` where every rank has all rows.

    Args:
        rows: All of them.
        comm: Whose ranks.
    """

    ghosts = 0
    sent = np.zeros(0, np.int32)

    def __init__(self, rows: int, comm: MPI.Comm):
        self.owned, self._comm = rows, comm

    def __call__(self, x: np.ndarray) -> None:
        """Nothing: what every rank computes is the same."""

    def begin(self, x: np.ndarray) -> Transfer:
        """Nothing."""
        return _DONE

    def add(self, x: np.ndarray) -> None:
        """Collective: add up what the ranks have in `x`."""
        from mpi4py import MPI

        self._comm.Allreduce(MPI.IN_PLACE, x, MPI.SUM)

    def begin_add(self, x: np.ndarray) -> Transfer:
        """The same, which happens at the end: until then this rank may go on adding to `x`."""
        return _Sum(self, x)


class _Sum(Transfer):
    """A sum over ranks that is still to be made."""

    def __init__(self, replica: Replica, x: np.ndarray):
        self._replica, self._x = replica, x

    def end(self) -> None:
        """Collective: make it."""
        self._replica.add(self._x)


@dataclass
class LocalMatrix:
    """Owned rows of a distributed sparse matrix; columns are owned rows of x, then ghosts.

    Attributes:
        indptr, indices: int32 CSR structure; the columns of a row ascend.
        values: float64.
        halo: Fills the ghosts of x.
    """

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    halo: Halo | Replica

    @property
    def rows(self) -> int:
        return len(self.indptr) - 1

    @classmethod
    def from_petsc(cls, matrix: PETSc.Mat, comm: MPI.Comm) -> LocalMatrix:
        """Collective: copy out the rows owned here."""
        indptr, indices, values = matrix.getValuesCSR()
        lo, hi = matrix.getOwnershipRangeColumn()
        mine = (indices >= lo) & (indices < hi)
        ghosts = np.unique(indices[~mine]).astype(np.int64)
        local = np.empty(len(indices), np.int32)
        local[mine] = indices[mine] - lo
        local[~mine] = (hi - lo) + np.searchsorted(ghosts, indices[~mine])
        halo = Halo(ghosts, (lo, hi), comm)
        shape = (len(indptr) - 1, hi - lo + len(ghosts))
        rows = csr_matrix((np.ascontiguousarray(values, dtype=np.float64), local, indptr), shape=shape)
        return cls.of(rows, halo)

    @classmethod
    def of(cls, rows: csr_matrix, halo: Halo | Replica) -> LocalMatrix:
        """Owned rows in local numbers of the columns."""
        rows.sort_indices()
        return cls(rows.indptr.astype(np.int32), rows.indices.astype(np.int32), rows.data, halo)

    @property
    def edge(self) -> int:
        """Rows before this one may have ghosts beside them or be ghosts elsewhere; those after it are not."""
        far = np.flatnonzero(self.indices >= self.rows)
        last = np.searchsorted(self.indptr, far[-1], side="right") if len(far) else 0
        return max(int(last), int(self.halo.sent.max(initial=-1)) + 1)

    def split(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where in every row the entries before the diagonal end, and those after it begin; the diagonal.

        Returns:
            (rows,) int32 twice, and float64.
        """
        n = self.rows
        lower, upper, diagonal = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n)
        passes().split(n, self.indptr, self.indices, self.values, lower, upper, diagonal)
        return lower, upper, diagonal

    def diagonal(self) -> np.ndarray:
        """Diagonal of the owned square part."""
        return self.split()[2]

    def let_go(self) -> None:
        """Give the memory of the entries back, once nobody asks for them; rows and halo stay."""
        self.indices, self.values = np.zeros(0, np.int32), np.zeros(0)
