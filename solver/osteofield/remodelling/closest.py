# SPDX-License-Identifier: LGPL-3.0-or-later
"""Closest points on a set of facets: segments in the plane, triangles in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

CANDIDATES = 16  # facets, by their centres, among which the closest one is sought
CHUNK = 65_536


@dataclass(frozen=True)
class Closest:
    """Where on the facets each point is nearest.

    Attributes:
        distance: ``(n,)`` um.
        facet: ``(n,)`` row of the facet.
        weights: ``(n, d)`` barycentric coordinates on it, in [0, 1], that add up to 1.
    """

    distance: np.ndarray
    facet: np.ndarray
    weights: np.ndarray

    def interpolate(self, values: np.ndarray, facets: np.ndarray) -> np.ndarray:
        """Values of vertices, ``(m,)`` or ``(m, k)``, at the closest points of facets ``(f, d)``."""
        return np.einsum("ij,ij...->i...", self.weights, values[facets[self.facet]])


class Facets:
    """Facets that can be asked for closest points.

    The closest facet is sought exactly among those with the nearest centres; facets of a cut mesh
    are all of about the size of a cell, so that it is one of them.

    Args:
        corners: ``(f, d, d)`` coordinates of the d corners of every facet, um.
    """

    def __init__(self, corners: np.ndarray):
        self.corners = corners
        centres = corners.mean(1)
        self._radius = np.linalg.norm(corners - centres[:, None], axis=2).max(1, initial=0.0)
        self._tree = cKDTree(centres) if len(corners) else None

    def __len__(self) -> int:
        return len(self.corners)

    def closest(self, points: np.ndarray, candidates: int = CANDIDATES) -> Closest:
        """Closest points of ``(n, d)`` points.

        Raises:
            ValueError: There are no facets.
        """
        if self._tree is None:
            raise ValueError("there are no facets")
        parts = [
            self._closest(points[i : i + CHUNK], min(candidates, len(self)))
            for i in range(0, len(points), CHUNK)
        ]
        if not parts:
            return Closest(np.zeros(0), np.zeros(0, np.int64), np.zeros((0, points.shape[1])))
        return Closest(*(np.concatenate([getattr(p, n) for p in parts]) for n in Closest.__annotations__))

    def _closest(self, points: np.ndarray, candidates: int) -> Closest:
        assert self._tree is not None
        n, d = points.shape
        gap, near = self._tree.query(points, k=candidates)
        gap, near = gap.reshape(n, -1), near.reshape(n, -1)
        best, facet, weights = np.full(n, np.inf), np.zeros(n, np.int64), np.zeros((n, d))
        for k in range(near.shape[1]):
            f = near[:, k]
            rows = np.flatnonzero(gap[:, k] - self._radius[f] < best)  # else it cannot be nearer
            f, x = f[rows], points[rows]
            w = _on_segment(x, self.corners[f]) if d == 2 else _on_triangle(x, self.corners[f])
            distance = np.linalg.norm(np.einsum("ij,ijk->ik", w, self.corners[f]) - x, axis=1)
            nearer = distance < best[rows] - 1e-13
            rows = rows[nearer]
            best[rows], facet[rows], weights[rows] = distance[nearer], f[nearer], w[nearer]
        return Closest(best, facet, weights)


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
