# SPDX-License-Identifier: LGPL-3.0-or-later
"""Closest points on facets, wherever they are: segments in the plane, triangles in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry.cloud import Cloud, Nearby
from ..team import ALONE, Team

CANDIDATES = 16  # facets, by their centres, among which the closest one is sought
CHUNK = 65_536
_SAME = 1e-13  # um: a facet that is nearer by less does not count as nearer


@dataclass(frozen=True)
class Closest:
    """Where on the facets each point is nearest.

    Attributes:
        distance: ``(n,)`` um.
        foot: ``(n, d)`` the closest point.
        weights: ``(n, d)`` its barycentric coordinates on the facet, in [0, 1]; they add up to 1.
        data: ``(n, m)`` what belongs to the facet.
    """

    distance: np.ndarray
    foot: np.ndarray
    weights: np.ndarray
    data: np.ndarray


class Facets:
    """Facets, each on one rank, that can be asked from anywhere for closest points.

    The closest facet is sought exactly among those with the nearest centres; facets of a cut mesh
    are all of about the size of a cell, so that it is one of them. Of equally near ones that with the
    smallest key counts, so that the answer does not depend on the ranks.

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
        table = [radius[:, None], corners.reshape(f, d * d), *(() if data is None else (data,))]
        self._cloud = Cloud(team, centres, np.arange(f) if keys is None else keys, np.hstack(table))
        self._radius = float(team.most(radius.max(initial=0.0)))
        self.count = self._cloud.count

    def closest(self, points: np.ndarray, reach: float = np.inf, candidates: int = CANDIDATES) -> Closest:
        """Collective: closest points of this rank's ``(n, d)`` points.

        Args:
            points: um.
            reach: um: how far the facets are expected to be; only the time depends on it.
            candidates: See the class.

        Raises:
            ValueError: There are no facets on any rank.
        """
        if not self.count:
            raise ValueError("there are no facets")
        team, (n, d) = self._cloud.team, points.shape
        wide = np.inf if team.size == 1 else reach + self._radius
        out = Closest(np.empty(n), np.empty((n, d)), np.empty((n, d)), np.empty((n, self._width)))
        todo = np.arange(n)
        while True:
            lo, hi = np.full(d, np.inf), np.full(d, -np.inf)  # nothing
            if len(todo):
                lo, hi = points[todo].min(0) - wide, points[todo].max(0) + wide
            nearby = self._cloud.around(lo, hi)
            left = [todo[:0]]
            for i in range(0, len(todo), CHUNK):
                rows = todo[i : i + CHUNK]
                x = points[rows]
                distance, facet, weights = _closest(x, nearby, candidates)
                sure = distance <= nearby.margin(x) - self._radius
                left.append(rows[~sure])
                rows, facet = rows[sure], facet[sure]
                out.distance[rows], out.weights[rows] = distance[sure], weights[sure]
                out.foot[rows] = np.einsum("ij,ijk->ik", weights[sure], _corners(nearby, facet))
                out.data[rows] = nearby.data[facet, 1 + d * d :]
            todo = np.concatenate(left)
            if not int(team.sum(len(todo))):
                return out
            wide *= 2


def _corners(nearby: Nearby, facet: np.ndarray) -> np.ndarray:
    d = nearby.points.shape[1]
    return nearby.data[facet, 1 : 1 + d * d].reshape(-1, d, d)


def _closest(x: np.ndarray, nearby: Nearby, candidates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distance, row of the facet and barycentric coordinates of the closest point of each of `x`."""
    n, d = x.shape
    best, facet, weights = np.full(n, np.inf), np.zeros(n, np.int64), np.zeros((n, d))
    if not len(nearby.points):
        return best, facet, weights
    gap, near = nearby.query(x, 1) if candidates == 1 else nearby.candidates(x, candidates)
    radius = np.ascontiguousarray(nearby.data[:, 0])
    for k in range(near.shape[1]):
        f = near[:, k]
        rows = np.flatnonzero(gap[:, k] - radius[f] < best + _SAME)  # else it cannot be nearer
        f, at = f[rows], x[rows]
        corners = _corners(nearby, f)
        w = _on_segment(at, corners) if d == 2 else _on_triangle(at, corners)
        distance = np.linalg.norm(np.einsum("ij,ijk->ik", w, corners) - at, axis=1)
        less = distance - best[rows]
        nearer = (less < -_SAME) | ((less < _SAME) & (f < facet[rows]))
        rows = rows[nearer]
        best[rows], facet[rows], weights[rows] = distance[nearer], f[nearer], w[nearer]
    return best, facet, weights


def _on_segment(x: np.ndarray, corners: np.ndarray) -> np.ndarray:
    a, b = corners[:, 0], corners[:, 1]
    along = b - a
    length = np.einsum("ij,ij->i", along, along)
    t = np.clip(np.einsum("ij,ij->i", x - a, along) / np.where(length > 0, length, 1.0), 0.0, 1.0)
    return np.stack([1.0 - t, t], 1)


def _on_triangle(x: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric coordinates of the closest points (Ericson 2005, Real-Time Collision Detection, 5.1.5)."""

    def dot(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.einsum("ij,ij->i", u, v)

    def share(part: np.ndarray, rest: np.ndarray) -> np.ndarray:
        whole = part + rest
        return np.clip(part / np.where(whole == 0.0, 1.0, whole), 0.0, 1.0)

    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac = b - a, c - a
    d1, d2 = dot(ab, x - a), dot(ac, x - a)
    d3, d4 = dot(ab, x - b), dot(ac, x - b)
    d5, d6 = dot(ab, x - c), dot(ac, x - c)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    area = va + vb + vc
    inside = np.where(area == 0.0, 1.0, area)
    v, w = vb / inside, vc / inside
    out = np.stack([1.0 - v - w, v, w], 1)
    zero, one = np.zeros(len(x)), np.ones(len(x))
    for mask, weights in (
        (
            (va <= 0) & (d4 - d3 >= 0) & (d5 - d6 >= 0),
            (zero, share(d5 - d6, d4 - d3), share(d4 - d3, d5 - d6)),
        ),
        ((vb <= 0) & (d2 >= 0) & (d6 <= 0), (share(-d6, d2), zero, share(d2, -d6))),
        ((vc <= 0) & (d1 >= 0) & (d3 <= 0), (share(-d3, d1), share(d1, -d3), zero)),
        ((d6 >= 0) & (d5 <= d6), (zero, zero, one)),
        ((d3 >= 0) & (d4 <= d3), (zero, one, zero)),
        ((d1 <= 0) & (d2 <= 0), (one, zero, zero)),
    ):
        out[mask] = np.stack(weights, 1)[mask]
    return out
