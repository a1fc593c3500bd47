# SPDX-License-Identifier: LGPL-3.0-or-later
"""Closest points on facets, wherever they are: segments in the plane, triangles in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry.bins import Bins, on_facets
from ..geometry.cloud import Cloud, Nearby
from ..team import ALONE, Team


@dataclass(frozen=True)
class Closest:
    """Where on the facets each point is nearest.

    Attributes:
        distance: ``(n,)`` um.
        weights: ``(n, d)`` barycentric coordinates on the facet, in [0, 1]; they add up to 1.
        data: ``(n, m)`` what belongs to the facet.
    """

    distance: np.ndarray
    weights: np.ndarray
    data: np.ndarray


class Facets:
    """Facets, each on one rank, that can be asked from anywhere for closest points.

    Of equally near facets that with the smallest key counts, so that the answer does not depend on the ranks.

    Args:
        corners: ``(f, d, d)`` coordinates of the d corners of every facet of this rank, um.
        data: ``(f, m)`` what belongs to them; by default nothing.
        keys: ``(f,)`` int64, different for all facets of all ranks.
        team: The ranks.

    Attributes:
        count: Facets of all ranks.
    """

    def __init__(
        self,
        corners: np.ndarray,
        data: np.ndarray | None = None,
        keys: np.ndarray | None = None,
        team: Team = ALONE,
    ):
        f, d = corners.shape[:2]
        centres = corners.mean(1)
        radius = np.linalg.norm(corners - centres[:, None], axis=2).max(1, initial=0.0)
        self._width = 0 if data is None else data.shape[1]
        table = np.hstack([radius[:, None], corners.reshape(f, d * d), *(() if data is None else (data,))])
        self._radius = float(team.most(radius.max(initial=0.0)))
        self._cloud = Cloud(team, centres, np.arange(f) if keys is None else keys, table)
        self.count = self._cloud.count

    def closest(self, points: np.ndarray, reach: float = np.inf) -> Closest:
        """Collective: closest points of this rank's ``(n, d)`` points, um.

        Up to a distance of `reach` (um) that is exact; a point farther away gets the closest point of
        the facet with the nearest centre.

        Raises:
            ValueError: There are no facets on any rank.
        """
        if not self.count:
            raise ValueError("there are no facets")
        team, (n, d) = self._cloud.team, points.shape
        wide = np.inf if team.size == 1 else reach + self._radius
        out = Closest(np.empty(n), np.empty((n, d)), np.empty((n, self._width)))
        todo = np.arange(n)
        while True:
            lo, hi = np.full(d, np.inf), np.full(d, -np.inf)  # nothing
            if len(todo):
                lo, hi = points[todo].min(0) - wide, points[todo].max(0) + wide
            nearby = self._cloud.around(lo, hi)
            if len(todo) and len(nearby.points):
                x = points[todo]
                distance, facet, weights = self._among(nearby, x, reach)
                sure = distance <= nearby.margin(x) - self._radius
                rows = todo[sure]
                out.distance[rows], out.weights[rows] = distance[sure], weights[sure]
                out.data[rows] = nearby.data[facet[sure], 1 + d * d :]
                todo = todo[~sure]
            if not int(team.sum(len(todo))):
                return out
            wide *= 2

    def _among(
        self, nearby: Nearby, x: np.ndarray, reach: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distance, row of the facet and barycentric coordinates of the closest point of each of `x`."""
        d = x.shape[1]
        corners = nearby.data[:, 1 : 1 + d * d].reshape(-1, d, d)
        bins = Bins(nearby.points, max(2 * self._radius, 1e-9))
        distance, facet, weights = bins.closest(x, corners, nearby.data[:, 0], reach)
        far = np.flatnonzero(facet < 0)
        if len(far):
            facet[far] = nearby.query(x[far], 1)[1][:, 0]
            distance[far], weights[far] = on_facets(x[far], corners[facet[far]])
        return distance, facet, weights
