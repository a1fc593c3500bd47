# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rows of distributed arrays, collected on rank 0 and handed out again block by block.

No rank ever holds a whole array: what rank 0 needs is one block of rows, whatever the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..parallel import agree

if TYPE_CHECKING:
    from mpi4py import MPI

BLOCK = 1 << 16  # rows; 30 populations of them are 16 MB


class Gather:
    """Collects and hands out rows in the numbering of the whole sample.

    Args:
        comm: Communicator.
        positions: Place of every row owned here in the whole array; every place is owned once.
        total: Rows of the whole array.
    """

    def __init__(self, comm: MPI.Comm, positions: np.ndarray, total: int):
        self._comm, self.total = comm, total
        self._order = np.argsort(positions, kind="stable")
        self._places = np.ascontiguousarray(positions, dtype=np.int64)[self._order]

    def _blocks(self) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """Begin and end of every block, rows owned in it and their places within it."""
        for start in range(0, self.total, BLOCK):
            stop = min(start + BLOCK, self.total)
            lo, hi = np.searchsorted(self._places, [start, stop])
            yield start, stop, self._order[lo:hi], self._places[lo:hi] - start

    def blocks(self, values: np.ndarray) -> Iterator[tuple[int, np.ndarray | None]]:
        """Collective: first place and rows (n, width) of every block; None on all ranks but the first.

        Every rank must go through all blocks.

        Args:
            values: (rows owned here, width).
        """
        width = values.shape[1]
        for start, stop, rows, places in self._blocks():
            part = np.ascontiguousarray(values[rows])
            counts = self._comm.gather(len(rows), 0)
            if counts is None:
                self._comm.Gatherv(places, None, 0)
                self._comm.Gatherv(part, None, 0)
                yield start, None
                continue
            order = np.empty(stop - start, np.int64)
            mixed = np.empty((stop - start, width), values.dtype)
            self._comm.Gatherv(places, (order, counts), 0)
            self._comm.Gatherv(part, (mixed, [n * width for n in counts]), 0)
            block = np.empty_like(mixed)
            block[order] = mixed
            yield start, block

    def __call__(self, values: np.ndarray) -> np.ndarray | None:
        """Collective: all rows (total, width) on rank 0, None elsewhere; for what is known to be small."""
        parts = [block for _, block in self.blocks(values)]
        if self._comm.rank:
            return None
        return np.concatenate(
            [np.empty((0, values.shape[1]), values.dtype), *(p for p in parts if p is not None)]
        )

    def scatter(self, read: Callable[[int, int], np.ndarray] | None, out: np.ndarray) -> None:
        """Collective: the inverse of `blocks`.

        Args:
            read: ``read(start, stop)`` gives (stop - start, width) rows; rank 0 only.
            out: (rows owned here, width), filled.

        Raises:
            OSError: Reading failed on rank 0; raised on every rank.
        """
        error: BaseException | None = None
        for start, stop, rows, places in self._blocks():
            block = np.zeros((stop - start, out.shape[1]), out.dtype)
            if read is not None and error is None:
                try:
                    block[:] = read(start, stop)
                except (OSError, RuntimeError) as e:
                    error = e if isinstance(e, OSError) else OSError(str(e))
            self._comm.Bcast(block, 0)
            out[rows] = block[places]
        agree(self._comm, error)


class Table(Protocol):
    """A distributed array that goes to disk, and back, under one or several names."""

    @property
    def gather(self) -> Gather: ...

    @property
    def values(self) -> np.ndarray: ...

    def shapes(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Name to shape and type of the whole arrays."""

    def split(self, block: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """The rows of a block under their names."""

    def read(self, arrays: Mapping[str, Any] | None) -> None:
        """Collective: fill the values from named arrays that can be sliced (rank 0, else None)."""


@dataclass(frozen=True)
class Columns:
    """An array with a name for every column.

    Attributes:
        gather: Where the rows belong.
        values: (rows owned here, columns).
        names: Of the columns.
        units: What the columns are divided by on their way out, or None.
    """

    gather: Gather
    values: np.ndarray
    names: Sequence[str]
    units: Sequence[float] | None = None

    def shapes(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        return dict.fromkeys(self.names, ((self.gather.total,), self.values.dtype))

    def split(self, block: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        for k, name in enumerate(self.names):
            column = np.ascontiguousarray(block[:, k])
            yield name, column if self.units is None else column / self.units[k]

    def read(self, arrays: Mapping[str, Any] | None) -> None:
        def columns(start: int, stop: int) -> np.ndarray:
            assert arrays is not None
            return np.stack([arrays[n][start:stop] for n in self.names], axis=1)

        read = columns if self.names else lambda start, stop: np.empty((stop - start, 0))
        self.gather.scatter(None if arrays is None else read, self.values)


@dataclass(frozen=True)
class Rows:
    """An array that goes as it is.

    Attributes:
        gather: Where the rows belong.
        values: (rows owned here, width).
        name: Of the array.
    """

    gather: Gather
    values: np.ndarray
    name: str

    def shapes(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        return {self.name: ((self.gather.total, self.values.shape[1]), self.values.dtype)}

    def split(self, block: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        yield self.name, block

    def read(self, arrays: Mapping[str, Any] | None) -> None:
        self.gather.scatter(None if arrays is None else lambda a, b: arrays[self.name][a:b], self.values)
