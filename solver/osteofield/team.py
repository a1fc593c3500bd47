# SPDX-License-Identifier: LGPL-3.0-or-later
"""The few collective operations that building a sample needs, for ranks of MPI or one process without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .parallel import agree

if TYPE_CHECKING:
    from mpi4py import MPI

T = TypeVar("T")

_SAMPLES = 64  # keys that every rank shows to find ranges of equal size
_ODD = np.uint64(0x9E3779B97F4A7C15)


class Team:
    """Ranks that build one sample together; without a communicator one process, and no MPI is loaded.

    Args:
        comm: Communicator, or None.
    """

    def __init__(self, comm: MPI.Comm | None = None):
        alone = comm is None or comm.size == 1
        self.comm: Any = None if alone else comm
        self.rank: int = 0 if self.comm is None else self.comm.rank
        self.size: int = 1 if self.comm is None else self.comm.size

    def sum(self, values: Any) -> np.ndarray:
        """Collective: sum over ranks, entry by entry."""
        return self._reduce(values, "SUM")

    def least(self, values: Any) -> np.ndarray:
        """Collective: least over ranks, entry by entry."""
        return self._reduce(values, "MIN")

    def most(self, values: Any) -> np.ndarray:
        """Collective: largest over ranks, entry by entry."""
        return self._reduce(values, "MAX")

    def _reduce(self, values: Any, operation: str) -> np.ndarray:
        mine = np.array(values)
        if self.comm is None:
            return mine
        from mpi4py import MPI

        out = np.empty_like(mine)
        self.comm.Allreduce(mine, out, getattr(MPI, operation))
        return out

    def before(self, count: int) -> int:
        """Collective: sum of `count` over the ranks before this one."""
        return 0 if self.comm is None else (self.comm.exscan(count) or 0)

    def everyone(self, value: T) -> list[T]:
        """Collective: what every rank gave; for small things."""
        return [value] if self.comm is None else self.comm.allgather(value)

    def together(self, rows: np.ndarray) -> np.ndarray:
        """Collective: rows of all ranks, in rank order."""
        if self.comm is None:
            return rows
        counts = np.array(self.comm.allgather(len(rows)))
        out = np.empty((int(counts.sum()), *rows.shape[1:]), rows.dtype)
        width = int(np.prod(rows.shape[1:]))
        self.comm.Allgatherv(np.ascontiguousarray(rows), [out, (counts * width).tolist()])
        return out

    def on_root(self, make: Callable[[], T]) -> T | None:
        """Collective: `make()` on rank 0, None elsewhere; an error there is raised on every rank."""
        out, error = None, None
        if self.rank == 0:
            try:
                out = make()
            except Exception as e:
                error = e
        if self.comm is None:
            if error is not None:
                raise error
        else:
            agree(self.comm, error)
        return out

    def from_root(self, value: T | None) -> T:
        """Collective: what rank 0 has; for small things."""
        return value if self.comm is None else self.comm.bcast(value, 0)  # type: ignore[return-value]

    def agree(self, error: BaseException | None) -> None:
        """Collective: raise on every rank the error of the first rank that has one."""
        if self.comm is not None:
            agree(self.comm, error)
        elif error is not None:
            raise error

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Collective: hand ``parts[r]`` to rank r; rows of one type and width everywhere.

        Returns:
            What every rank had for this one.
        """
        if self.comm is None:
            return list(parts)
        send = np.array([len(p) for p in parts])
        receive = np.empty_like(send)
        self.comm.Alltoall(send, receive)
        flat = np.ascontiguousarray(np.concatenate(parts))
        width = int(np.prod(flat.shape[1:]))
        out = np.empty((int(receive.sum()), *flat.shape[1:]), flat.dtype)
        self.comm.Alltoallv([flat, (send * width).tolist()], [out, (receive * width).tolist()])
        return np.split(out, np.cumsum(receive)[:-1])

    def places(self, keys: np.ndarray, sizes: np.ndarray | None = None) -> np.ndarray:
        """Collective: place of every key in the ascending order of all keys of all ranks.

        Args:
            keys: ``(n,)`` int64; each one is given by one rank only.
            sizes: ``(n,)`` int64, how many places every key takes; one each by default. What comes out is
                the first of them.
        """
        order = np.argsort(keys, kind="stable")
        sizes = np.ones(len(keys), np.int64) if sizes is None else sizes
        out = np.empty(len(keys), np.int64)
        if self.comm is None:
            out[order] = _before_each(sizes[order])
            return out
        ascending = keys[order]
        shown = ascending[(np.arange(_SAMPLES) * len(keys)) // _SAMPLES] if len(keys) else ascending
        samples = np.sort(self.together(shown))
        ends = samples[np.arange(1, self.size) * len(samples) // self.size] if len(samples) else samples
        cuts = np.searchsorted(ascending, ends) if len(ends) else np.full(self.size - 1, len(ascending))
        pairs = np.stack([ascending, sizes[order]], axis=1)
        arrived = self.exchange(np.split(pairs, cuts))
        here = np.concatenate(arrived)
        among = np.argsort(here[:, 0], kind="stable")
        place = np.empty(len(here), np.int64)
        place[among] = _before_each(here[among, 1]) + self.before(int(here[:, 1].sum()))
        back = self.exchange(np.split(place, np.cumsum([len(a) for a in arrived])[:-1]))
        out[order] = np.concatenate(back)
        return out

    def look_up(self, keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Collective: the values that the owners of `wanted` have for them.

        Args:
            keys: ``(n,)`` int64 owned here; over all ranks every key has one owner.
            values: ``(n, ...)`` of the same type and width on every rank.
            wanted: ``(m,)`` keys, owned anywhere.

        Returns:
            ``(m, ...)``.

        Raises:
            KeyError: On every rank, where a wanted key has no owner.
        """
        given, asked = self._by_home(keys), self._by_home(wanted)
        here = np.concatenate(self.exchange([keys[g] for g in given]))
        what = np.concatenate(self.exchange([values[g] for g in given]))
        queries = self.exchange([wanted[a] for a in asked])
        order = np.argsort(here, kind="stable")
        here, what = here[order], what[order]
        answers, missing = [], 0
        nothing = np.zeros((1, *what.shape[1:]), what.dtype)
        for q in queries:
            at = np.searchsorted(here, q)
            found = at < len(here)
            found[found] = here[at[found]] == q[found]
            missing += int((~found).sum())
            answers.append((what if len(what) else nothing)[np.where(found, at, 0)])
        if int(self.sum(missing)):
            raise KeyError("a key that was looked up has no owner")
        out = np.empty((len(wanted), *values.shape[1:]), values.dtype)
        for a, answer in zip(asked, self.exchange(answers), strict=True):
            out[a] = answer
        return out

    def _by_home(self, keys: np.ndarray) -> list[np.ndarray]:
        """Which keys every rank keeps the directory of."""
        if self.comm is None:
            return [np.arange(len(keys))]
        home = ((keys.astype(np.uint64) * _ODD) >> np.uint64(32)) % np.uint64(self.size)
        order = np.argsort(home, kind="stable")
        return np.split(order, np.searchsorted(home[order], np.arange(1, self.size)))


def _before_each(sizes: np.ndarray) -> np.ndarray:
    """Sum of all that come before, for every entry."""
    return np.cumsum(sizes) - sizes


ALONE = Team()
