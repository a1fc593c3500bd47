# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ghost rows of interleaved arrays, and the local part of a distributed PETSc matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix

from .sparse import passes

if TYPE_CHECKING:
    from mpi4py import MPI
    from petsc4py import PETSc


class Halo:
    """Fills the ghost rows that follow the owned rows of an array.

    Args:
        ghosts: Global row numbers of the ghost rows, ascending.
        owned: Half-open range of global row numbers owned here.
        comm: Collective over this communicator.
    """

    def __init__(self, ghosts: np.ndarray, owned: tuple[int, int], comm: MPI.Comm):
        self.owned = owned[1] - owned[0]
        self.ghosts = len(ghosts)
        self._first, self._numbers = owned[0], np.asarray(ghosts, np.int64)
        self._comm: Any = None
        self._back: Any = None
        self._send = np.zeros(0, np.int64)
        if comm.size == 1:
            return
        ends = np.array(comm.allgather(owned[1]))
        owner = np.searchsorted(ends, ghosts, side="right")
        asked = comm.alltoall([ghosts[owner == r] for r in range(comm.size)])
        self._send = np.concatenate(asked).astype(np.int64) - owned[0]
        send = np.array([len(a) for a in asked])
        receive = np.bincount(owner, minlength=comm.size)
        sources, targets = np.flatnonzero(receive), np.flatnonzero(send)
        self._receive_counts, self._send_counts = receive[sources], send[targets]
        self._comm = comm.Create_dist_graph_adjacent(sources.tolist(), targets.tolist())
        self._back = comm.Create_dist_graph_adjacent(targets.tolist(), sources.tolist())
        self._buffers: dict[tuple[int, str], np.ndarray] = {}

    def __call__(self, x: np.ndarray) -> None:
        """Collective: update rows ``[owned:]`` of `x`, shape (owned + ghosts, width)."""
        if self._comm is None:
            return
        width, buffer = x.shape[1], self._buffer(x)
        np.take(x, self._send, axis=0, out=buffer)
        self._comm.Neighbor_alltoallv(
            [buffer, (self._send_counts * width).tolist()],
            [x[self.owned :], (self._receive_counts * width).tolist()],
        )

    def add(self, x: np.ndarray) -> None:
        """Collective: add rows ``[owned:]`` of `x` to the rows they are ghosts of."""
        if self._back is None:
            return
        width = x.shape[1]
        buffer = self._buffer(x)
        self._back.Neighbor_alltoallv(
            [x[self.owned :], (self._receive_counts * width).tolist()],
            [buffer, (self._send_counts * width).tolist()],
        )
        np.add.at(x, self._send, buffer)

    @property
    def sent(self) -> np.ndarray:
        """Own rows that are ghosts elsewhere; one that several ranks have comes as often."""
        return self._send

    def _buffer(self, x: np.ndarray) -> np.ndarray:
        key = (x.shape[1], x.dtype.char)
        if key not in self._buffers:
            self._buffers[key] = np.empty((len(self._send), x.shape[1]), x.dtype)
        return self._buffers[key]

    def locally(self, numbers: np.ndarray) -> np.ndarray:
        """Local rows of global numbers, all of which are owned or ghosts here."""
        own = (numbers >= self._first) & (numbers < self._first + self.owned)
        return np.where(own, numbers - self._first, self.owned + np.searchsorted(self._numbers, numbers))

    def free(self) -> None:
        """Collective: give the communicators back (MPI has a limited number)."""
        for comm in (self._comm, self._back):
            if comm is not None:
                comm.Free()
        self._comm = self._back = None


class Replica:
    """In place of a `Halo` where every rank has all rows.

    Args:
        rows: All of them.
        comm: Whose ranks.
    """

    ghosts = 0
    sent = np.zeros(0, np.int64)

    def __init__(self, rows: int, comm: MPI.Comm):
        self.owned, self._comm = rows, comm

    def __call__(self, x: np.ndarray) -> None:
        """Nothing: what every rank computes is the same."""

    def add(self, x: np.ndarray) -> None:
        """Collective: add up what the ranks have in `x`."""
        from mpi4py import MPI

        self._comm.Allreduce(MPI.IN_PLACE, x, MPI.SUM)

    def locally(self, numbers: np.ndarray) -> np.ndarray:
        """Local rows are global ones."""
        return numbers


@dataclass(frozen=True)
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
