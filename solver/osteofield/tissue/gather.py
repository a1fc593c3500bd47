# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rows of distributed arrays, brought together in the numbering of the whole sample and handed out again.

No rank ever holds a whole array: what a rank needs is one block of rows, whatever the sample.
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
SHARE = 1 << 14  # rows; with fewer the exchange costs more than it saves


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

    def shares(self, takers: Sequence[bool]) -> np.ndarray:
        """Where the part of the whole that every rank takes begins, and the end: (ranks + 1,).

        Args:
            takers: Which ranks can take one.
        """
        able = np.flatnonzero(takers)[: max(1, self.total // SHARE)]
        rows = np.zeros(self._comm.size, np.int64)
        rows[able] = np.diff(np.arange(len(able) + 1) * self.total // len(able))
        return np.concatenate([[0], np.cumsum(rows)])

    def _on_root(self) -> np.ndarray:
        return self.shares([True])

    def _rounds(self, shares: np.ndarray) -> Iterator[_Round]:
        """Collective: the blocks that are exchanged at a time, one for every rank with a share."""
        begin, end = shares[:-1], shares[1:]
        for at in range(0, int((end - begin).max()), BLOCK):
            first, last = np.minimum(begin + at, end), np.minimum(begin + at + BLOCK, end)
            lo, hi = np.searchsorted(self._places, first), np.searchsorted(self._places, last)
            yield _Round(self._comm, self._order, self._places, first, last, lo, hi)

    def blocks(
        self, values: np.ndarray, shares: np.ndarray | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Collective: first place and rows (n, width) of the blocks of this rank's share, in order.

        Every rank must go through all of them; once its own share is done they are empty.

        Args:
            values: (rows owned here, width).
            shares: See `shares`; by default rank 0 takes all.
        """
        for block in self._rounds(self._on_root() if shares is None else shares):
            yield block.first, block.collect(values)

    def __call__(self, values: np.ndarray) -> np.ndarray | None:
        """Collective: all rows (total, width) on rank 0, None elsewhere; for what is known to be small."""
        parts = [block for _, block in self.blocks(values)]
        if self._comm.rank:
            return None
        return np.concatenate([np.empty((0, values.shape[1]), values.dtype), *parts])

    def scatter(self, read: Callable[[int, int], np.ndarray] | None, out: np.ndarray) -> None:
        """Collective: the inverse of a call.

        Args:
            read: ``read(start, stop)`` gives (stop - start, width) rows; rank 0 only.
            out: (rows owned here, width), filled.

        Raises:
            OSError: Reading failed on rank 0; raised on every rank.
        """
        error: BaseException | None = None
        for block in self._rounds(self._on_root()):
            rows = np.zeros((block.rows, out.shape[1]), out.dtype)
            if read is not None and error is None:
                try:
                    rows[:] = read(block.first, block.first + block.rows)
                except (OSError, RuntimeError) as e:
                    error = e if isinstance(e, OSError) else OSError(str(e))
            block.spread(rows, out)
        agree(self._comm, error)


class _Round:
    """One block of rows for every rank that has a share, and what each rank owns of all of them.

    Attributes:
        first, rows: First place and number of rows of this rank's block.
    """

    def __init__(
        self, comm: MPI.Comm, order: np.ndarray, places: np.ndarray,
        first: np.ndarray, last: np.ndarray, lo: np.ndarray, hi: np.ndarray,
    ):  # fmt: skip
        self._comm = comm
        self.first, self.rows = int(first[comm.rank]), int(last[comm.rank] - first[comm.rank])
        spans = [slice(a, b) for a, b in zip(lo, hi, strict=True)]
        self._own = np.concatenate([order[s] for s in spans])
        within = np.concatenate([places[s] - f for s, f in zip(spans, first, strict=True)])
        self._give = hi - lo
        self._take = np.empty_like(self._give)
        self._within = within
        if comm.size > 1:
            comm.Alltoall(self._give, self._take)
            self._within = np.empty(self.rows, np.int64)
            self._send(within, self._give, self._within, self._take)

    def collect(self, values: np.ndarray) -> np.ndarray:
        """Collective: the rows (n, width) of this rank's block."""
        mine = np.ascontiguousarray(values[self._own])
        if self._comm.size == 1:
            return mine  # in order already
        mixed = np.empty((self.rows, values.shape[1]), values.dtype)
        self._send(mine, self._give, mixed, self._take)
        block = np.empty_like(mixed)
        block[self._within] = mixed
        return block

    def spread(self, rows: np.ndarray, out: np.ndarray) -> None:
        """Collective: the inverse."""
        asked = rows[self._within]
        if self._comm.size > 1:
            mine = np.empty((len(self._own), out.shape[1]), out.dtype)
            self._send(asked, self._take, mine, self._give)
            asked = mine
        out[self._own] = asked

    def _send(self, what: np.ndarray, give: np.ndarray, out: np.ndarray, take: np.ndarray) -> None:
        width = int(np.prod(what.shape[1:]))
        self._comm.Alltoallv([what, (give * width).tolist()], [out, (take * width).tolist()])


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
        columns = np.ascontiguousarray(block.T)
        for k, name in enumerate(self.names):
            unit = 1.0 if self.units is None else self.units[k]
            yield name, columns[k] if unit == 1.0 else columns[k] / unit

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
