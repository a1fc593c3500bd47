# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rows of a distributed array collected on rank 0 in the numbering of the sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpi4py import MPI


class Gather:
    """Collects and hands out rows.

    Args:
        comm: Communicator.
        positions: Place of every row owned here in the whole array.
        total: Rows of the whole array.
    """

    def __init__(self, comm: MPI.Comm, positions: np.ndarray, total: int):
        self._comm, self.total = comm, total
        self._mine = np.ascontiguousarray(positions, dtype=np.int64)
        self._counts = comm.gather(len(positions), 0)
        self._order = self._collect(self._mine)

    def _collect(self, values: np.ndarray) -> np.ndarray | None:
        out = np.empty(sum(self._counts), values.dtype) if self._counts is not None else None
        counts = None if self._counts is None else (out, self._counts)
        self._comm.Gatherv(values, counts, 0)
        return out

    def __call__(self, values: np.ndarray) -> np.ndarray | None:
        """Collective: (total, width) on rank 0, None elsewhere; column by column to bound memory."""
        whole = None if self._order is None else np.empty((self.total, values.shape[1]))
        for k in range(values.shape[1]):
            column = self._collect(np.ascontiguousarray(values[:, k], dtype=np.float64))
            if whole is not None:
                whole[self._order, k] = column
        return whole

    def scatter(self, whole: np.ndarray | None, width: int) -> np.ndarray:
        """Collective: the inverse; `whole` (total, width) is read on rank 0 only."""
        out = np.empty((len(self._mine), width))
        for k in range(width):
            column = None if whole is None else np.ascontiguousarray(whole[:, k])
            column = self._comm.bcast(column, 0)
            out[:, k] = column[self._mine]
        return out
