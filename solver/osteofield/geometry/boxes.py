# SPDX-License-Identifier: LGPL-3.0-or-later
"""Index boxes of a structured array over ranks, and the exchange between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..team import Team


@dataclass(frozen=True)
class Box:
    """Indices ``lo <= i < hi`` of a d-dimensional array."""

    lo: tuple[int, ...]
    hi: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(b - a for a, b in zip(self.lo, self.hi, strict=True))

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def __and__(self, other: Box) -> Box:
        """What both have; with no entry its size is 0."""
        lo = tuple(max(a, b) for a, b in zip(self.lo, other.lo, strict=True))
        return Box(lo, tuple(max(c, min(a, b)) for c, a, b in zip(lo, self.hi, other.hi, strict=True)))

    def grown(self, below: int, above: int, whole: tuple[int, ...]) -> Box:
        """Larger on every side, but not beyond an array of shape `whole`; an empty box stays empty."""
        if not self.size:
            return self
        return Box(
            tuple(max(0, a - below) for a in self.lo),
            tuple(min(n, b + above) for b, n in zip(self.hi, whole, strict=True)),
        )

    def within(self, outer: Box) -> tuple[slice, ...]:
        """Slices of this box in an array that holds `outer`."""
        return tuple(slice(a - o, b - o) for a, b, o in zip(self.lo, self.hi, outer.lo, strict=True))

    def split(self, parts: int) -> list[Box]:
        """Nearly equal boxes, cut across axis 0."""
        n = self.shape[0]
        parts = max(1, min(parts, n))
        cuts = [self.lo[0] + n * i // parts for i in range(parts + 1)]
        return [Box((a, *self.lo[1:]), (b, *self.hi[1:])) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]


class Partition:
    """A box of the array for every rank; together they fill it.

    Attributes:
        team: The ranks.
        whole: Shape of the array.
        boxes: One per rank, disjoint.
        own: That of this rank.
    """

    def __init__(self, team: Team, whole: tuple[int, ...], boxes: list[Box]):
        self.team, self.whole, self.boxes = team, tuple(whole), boxes
        self.own = boxes[team.rank]

    @classmethod
    def even(cls, team: Team, whole: tuple[int, ...]) -> Partition:
        """Boxes of nearly equal size."""

        def middle(box: Box, low: int, parts: int) -> tuple[int, int]:
            axis = int(np.argmax(box.shape))
            return axis, box.lo[axis] + box.shape[axis] * low // parts

        return cls(team, whole, _bisect(whole, team.size, lambda todo: [middle(*t) for t in todo]))

    @classmethod
    def balanced(cls, rough: Partition, weight: np.ndarray) -> Partition:
        """Collective: boxes of nearly equal weight, by recursive bisection of one of the long sides.

        Of the sides that are nearly as long as the longest that one is cut whose planes allow the most
        equal halves.

        Args:
            rough: How `weight` lies on the ranks.
            weight: Integer weight of every entry of ``rough.own``.
        """

        def cuts(todo: _Todo) -> list[tuple[int, int]]:
            lines = [_along(box, axis, rough.own, weight) for box, *_ in todo for axis in _long_sides(box)]
            total = rough.team.sum(np.concatenate(lines))
            out = []
            for box, low, parts in todo:
                best: tuple[float, int, int] | None = None
                for axis in _long_sides(box):
                    line, total = total[: box.shape[axis]], total[box.shape[axis] :]
                    upto = np.cumsum(line)[:-1]  # of planes that leave something on both sides
                    if not line.sum():
                        upto = np.arange(1, len(line))
                        line = np.ones(len(line), np.int64)
                    miss = np.abs(upto * parts - line.sum() * low)
                    found = (float(miss.min() / line.sum()), axis, box.lo[axis] + 1 + int(miss.argmin()))
                    best = min(best or found, found)
                assert best is not None
                out.append(best[1:])
            return out

        return cls(rough.team, rough.whole, _bisect(rough.whole, rough.team.size, cuts))

    def owner(self, index: np.ndarray) -> np.ndarray:
        """Rank of each of some entries, given by their ``(n, d)`` indices."""
        out = np.full(len(index), self.team.rank)
        rest = np.flatnonzero(~((index >= self.own.lo) & (index < self.own.hi)).all(1))
        for rank, box in enumerate(self.boxes):
            there = ((index[rest] >= box.lo) & (index[rest] < box.hi)).all(1)
            out[rest[there]] = rank
            rest = rest[~there]
        return out

    def halo(self, held: Box) -> Exchange:
        """Collective: prepare the fetching of `held`, any box of the array."""
        return Exchange(self, held)

    def fetch(self, own: np.ndarray, held: Box) -> np.ndarray:
        """Collective: the values on the box `held` from those that own them."""
        return Exchange(self, held)(own)


_Todo = list[tuple[Box, int, int]]  # boxes that are to be cut, into how many of how many parts below
_LONG = 0.7  # sides at least that long beside the longest may be cut


def _long_sides(box: Box) -> list[int]:
    return [k for k, n in enumerate(box.shape) if n > 1 and n >= _LONG * max(box.shape)]


def _along(box: Box, axis: int, own: Box, weight: np.ndarray) -> np.ndarray:
    """What this rank's entries in a box weigh, plane by plane across an axis."""
    line = np.zeros(box.shape[axis], np.int64)
    mine = box & own
    if mine.size:
        part = weight[mine.within(own)]
        start = mine.lo[axis] - box.lo[axis]
        line[start : start + part.shape[axis]] = part.sum(tuple(k for k in range(part.ndim) if k != axis))
    return line


def _bisect(whole: tuple[int, ...], parts: int, cuts: Callable[[_Todo], list[tuple[int, int]]]) -> list[Box]:
    """Recursive bisection, all boxes of a round at once; `cuts` gives the axis and plane of each."""
    boxes = [Box((0,) * len(whole), tuple(whole))]
    counts = [parts]
    while max(counts) > 1:
        todo: _Todo = [
            (b, n // 2, n) for b, n in zip(boxes, counts, strict=True) if n > 1 and max(b.shape) > 1
        ]
        at = iter(cuts(todo) if todo else [])
        new_boxes, new_counts = [], []
        for box, n in zip(boxes, counts, strict=True):
            if n == 1:
                new_boxes.append(box)
                new_counts.append(1)
                continue
            # more parts than entries: empty boxes
            axis, plane = next(at) if max(box.shape) > 1 else (0, box.hi[0])
            lo, hi = list(box.lo), list(box.hi)
            lo[axis] = hi[axis] = plane
            new_boxes += [Box(box.lo, tuple(hi)), Box(tuple(lo), box.hi)]
            new_counts += [n // 2, n - n // 2]
        boxes, counts = new_boxes, new_counts
    return boxes


class Exchange:
    """Brings the values on a box from the ranks that own them; made once, used often.

    Args:
        partition: Who owns what.
        held: The box that this rank wants; every rank its own.
    """

    def __init__(self, partition: Partition, held: Box):
        self.partition, self.held = partition, held
        own, boxes = partition.own, partition.boxes
        wanted = partition.team.everyone(held)
        self._send = [(own & w).within(own) if (own & w).size else None for w in wanted]
        self._take = [(held & b) if (held & b).size else None for b in boxes]

    def __call__(self, own: np.ndarray) -> np.ndarray:
        """Collective: the values on `held`.

        Args:
            own: Values of this rank, shape of its box.
        """
        if self.partition.team.size == 1:
            return np.array(own[self.held.within(self.partition.own)])
        empty = own.ravel()[:0]
        parts = self.partition.team.exchange([empty if s is None else own[s].ravel() for s in self._send])
        out = np.empty(self.held.shape, own.dtype)
        for box, values in zip(self._take, parts, strict=True):
            if box is not None:
                out[box.within(self.held)] = values.reshape(box.shape)
        return out
