# SPDX-License-Identifier: LGPL-3.0-or-later
"""Points of a surface over ranks, and exact nearest-point queries from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from ..team import Team
from .bins import Bins

_CHUNK = 100_000
_TIED = 48  # neighbours looked at where the last ones wanted are equally far
_SAME = 1e-9  # relative difference of distances that counts as none


@dataclass(frozen=True)
class Nearby:
    """Points of a cloud in a region around this rank, in the order of their keys.

    Attributes:
        points: ``(n, d)`` um.
        data: ``(n, m)`` what belongs to them.
        lo, hi: The region; infinite on sides beyond which the cloud has no points.
        spacing: About how far the points are apart and, at most, from the places that ask, um; or None.
    """

    points: np.ndarray
    data: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    spacing: float | None = None

    @cached_property
    def _tree(self) -> scipy.spatial.cKDTree:
        # twice as quick as the default for what is far from all points, made in half the time
        return scipy.spatial.cKDTree(self.points, leafsize=32, compact_nodes=False, balanced_tree=False)

    @cached_property
    def bins(self) -> Bins:
        """The points in bins of their spacing."""
        assert self.spacing is not None
        return Bins(self.points, self.spacing)

    def margin(self, x: np.ndarray) -> np.ndarray:
        """``(n,)`` how far from `x` no point of the cloud is missing."""
        return np.minimum((x - self.lo).min(1), (self.hi - x).min(1))

    def query(self, x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and rows ``(n, k)`` of the nearest points; equally near ones in the order of keys."""
        n = len(self.points)
        if n < k:
            return np.full((len(x), k), np.inf), np.zeros((len(x), k), np.int64)
        if self.spacing is not None:
            return self.bins.nearest(x, k)
        tree = self._tree
        more = min(k + 1, n)
        distance, row = tree.query(x, more)
        distance, row = distance.reshape(len(x), more), row.reshape(len(x), more)
        if more > k:
            tied = np.flatnonzero(distance[:, k] <= distance[:, k - 1] * (1 + _SAME))
        else:
            tied = np.zeros(0, np.int64)
        distance, row = _sorted(distance[:, :k], row[:, :k])
        if len(tied):
            many = min(_TIED, n)
            d, i = _sorted(*(a.reshape(len(tied), many) for a in tree.query(x[tied], many)))
            distance[tied], row[tied] = d[:, :k], i[:, :k]
        return distance, row


def _sorted(distance: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Neighbours by distance, the same ones by row."""
    if distance.shape[1] == 1:
        return distance, row
    level = np.zeros(distance.shape, np.int64)
    level[:, 1:] = np.cumsum(distance[:, 1:] > distance[:, :-1] * (1 + _SAME), axis=1)
    order = np.lexsort((row, level), axis=1)
    return np.take_along_axis(distance, order, 1), np.take_along_axis(row, order, 1)


class Cloud:
    """Points with data, each on one rank.

    Args:
        team: The ranks.
        points: ``(n, d)`` um.
        keys: ``(n,)`` int64, different for all points of all ranks.
        data: ``(n, m)``.
        spacing: Given where the places that ask are among the points, which are about so far apart, um: then
            the answers come quicker.
    """

    def __init__(
        self,
        team: Team,
        points: np.ndarray,
        keys: np.ndarray,
        data: np.ndarray | None = None,
        spacing: float | None = None,
    ):
        order = np.argsort(keys, kind="stable")
        self.spacing = spacing
        self.team, self.dimension = team, points.shape[1]
        self._points, self._keys = points[order], keys[order]
        self._data = np.zeros((len(points), 0)) if data is None else data[order]
        self.count = int(team.sum(len(points)))
        none = np.full(self.dimension, np.inf)
        self._lo = team.least(points.min(0) if len(points) else none)
        self._hi = team.most(points.max(0) if len(points) else -none)

    def around(self, lo: np.ndarray, hi: np.ndarray) -> Nearby:
        """Collective: the points between `lo` and `hi`; with ``lo > hi`` none."""
        if self.team.size == 1 and np.isinf(lo).all() and (lo < hi).all():
            return Nearby(self._points, self._data, lo, hi, self.spacing)
        wanted = self.team.everyone((lo, hi))
        parts = []
        for a, b in wanted:
            inside = ((self._points >= a) & (self._points <= b)).all(1)
            parts.append(np.flatnonzero(inside))
        exchange = self.team.exchange
        points = np.concatenate(exchange([self._points[p] for p in parts]))
        data = np.concatenate(exchange([self._data[p] for p in parts]))
        if self.team.size > 1:
            keys = np.concatenate(exchange([self._keys[p] for p in parts]))
            order = np.argsort(keys, kind="stable")
            points, data = points[order], data[order]
        lo, hi = np.where(lo <= self._lo, -np.inf, lo), np.where(hi >= self._hi, np.inf, hi)
        return Nearby(points, data, lo, hi, self.spacing)

    def nearest(
        self,
        x: np.ndarray,
        k: int,
        reach: float,
        use: Callable[[np.ndarray, np.ndarray, np.ndarray, Nearby], None],
    ) -> None:
        """Collective: find the nearest points of every row of `x`, wherever they are.

        The region that is looked at grows until no nearer point can lie outside it, so the result does
        not depend on the ranks.

        Args:
            x: ``(n, d)`` um.
            k: How many; at most `count`.
            reach: um: how far they are expected to be.
            use: Called with rows of `x`, their ``(m, k)`` distances and rows in the last argument.
        """
        todo = np.arange(len(x))
        while True:
            lo, hi = (x[todo].min(0), x[todo].max(0)) if len(todo) else (self._hi + 1, self._lo - 1)
            if len(todo):
                wide = np.inf if self.team.size == 1 else reach
                lo, hi = lo - wide, hi + wide
            nearby = self.around(lo, hi)
            left = []
            for rows in np.array_split(todo, max(1, -(-len(todo) // _CHUNK))):
                distance, at = nearby.query(x[rows], k)
                sure = distance[:, -1] * (1 + 2 * _SAME) <= nearby.margin(x[rows])
                use(rows[sure], distance[sure], at[sure], nearby)
                left.append(rows[~sure])
            todo = np.concatenate(left)
            if not int(self.team.sum(len(todo))):
                return
            reach *= 2
