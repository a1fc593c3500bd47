# SPDX-License-Identifier: LGPL-3.0-or-later
"""Nearest points of a surface mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

CHUNK = 50_000
VERTICES = 3  # the facets around so many nearest vertices are tried


@dataclass(frozen=True)
class Nearest:
    """Nearest points of a surface to ``n`` places.

    Attributes:
        distance: ``(n,)``.
        facet: ``(n,)`` the facet it lies on.
        weights: ``(n, d)`` barycentric coordinates in that facet.
    """

    distance: np.ndarray
    facet: np.ndarray
    weights: np.ndarray

    def interpolate(self, facets: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Point values ``(N,)`` of the surface at the nearest points, ``(n,)``."""
        out: np.ndarray = (values[facets[self.facet]] * self.weights).sum(1)
        return out


class Surface:
    """A mesh of segments (2-D) or triangles (3-D) to measure distances to.

    Args:
        points: ``(N, d)``; every one belongs to a facet.
        facets: ``(m, d)``, m > 0.
    """

    def __init__(self, points: np.ndarray, facets: np.ndarray):
        self.points, self.facets = points, facets
        self._tree = scipy.spatial.cKDTree(points)
        order = np.argsort(facets.ravel(), kind="stable")
        self._around = order // facets.shape[1]  # facets around vertex 0, 1, ...
        self._first = np.concatenate([[0], np.cumsum(np.bincount(facets.ravel(), minlength=len(points)))])

    def nearest(self, x: np.ndarray) -> Nearest:
        """Nearest points among the facets around the nearest vertices of each of the places ``(n, d)``.

        Where a facet is much larger than its neighbours the nearest point may lie on one that was
        not tried; the distance is then too long by second order in facet size over distance.
        """
        d = x.shape[1]
        out = Nearest(np.empty(len(x)), np.empty(len(x), np.int64), np.empty((len(x), d)))
        for a in range(0, len(x), CHUNK):
            part = slice(a, min(a + CHUNK, len(x)))
            self._nearest(x[part], out.distance[part], out.facet[part], out.weights[part])
        return out

    def _nearest(self, x: np.ndarray, distance: np.ndarray, facet: np.ndarray, weights: np.ndarray) -> None:
        k = min(VERTICES, len(self.points))
        vertex = self._tree.query(x, k=k)[1].reshape(len(x), k)
        count = self._first[vertex + 1] - self._first[vertex]
        place = np.repeat(np.arange(len(x)), count.sum(1))
        start = np.repeat(self._first[vertex].ravel(), count.ravel())
        within = np.arange(len(start)) - np.repeat(np.cumsum(count.ravel()) - count.ravel(), count.ravel())
        tried = self._around[start + within]
        w = _closest(self.points[self.facets[tried]], x[place])
        gap = np.einsum("nk,nkd->nd", w, self.points[self.facets[tried]]) - x[place]
        square = np.einsum("nd,nd->n", gap, gap)
        first = np.concatenate([[0], np.cumsum(count.sum(1))[:-1]])
        least = np.minimum.reduceat(square, first)
        hit = np.flatnonzero(square == least[place])
        best = hit[np.unique(place[hit], return_index=True)[1]]
        distance[:], facet[:], weights[:] = np.sqrt(square[best]), tried[best], w[best]


def _closest(corners: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Barycentric coordinates ``(n, d)`` of the points of simplices ``(n, d, d)`` nearest to ``(n, d)``."""
    if corners.shape[1] == 2:
        t = _along(corners[:, 0], corners[:, 1], x)
        return np.column_stack([1 - t, t])
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    u, v, w = b - a, c - a, x - a
    uu, uv, vv = (np.einsum("nd,nd->n", p, q) for p, q in ((u, u), (u, v), (v, v)))
    wu, wv = np.einsum("nd,nd->n", w, u), np.einsum("nd,nd->n", w, v)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = uu * vv - uv * uv
        s, t = (vv * wu - uv * wv) / size, (uu * wv - uv * wu) / size
    out = np.column_stack([1 - s - t, s, t])
    off = np.flatnonzero(~((s >= 0) & (t >= 0) & (s + t <= 1)))
    least = np.full(len(off), np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):  # then it lies on an edge
        p, q, y = corners[off, i], corners[off, j], x[off]
        f = _along(p, q, y)
        gap = p + f[:, None] * (q - p) - y
        square = np.einsum("nd,nd->n", gap, gap)
        better = square < least
        least[better] = square[better]
        rows = off[better]
        out[rows] = 0.0
        out[rows, i], out[rows, j] = 1 - f[better], f[better]
    return out


def _along(p: np.ndarray, q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Where on the segments from p (0) to q (1) the points nearest to x lie."""
    e = q - p
    length = np.maximum(np.einsum("nd,nd->n", e, e), np.finfo(float).tiny)
    return np.clip(np.einsum("nd,nd->n", x - p, e) / length, 0.0, 1.0)
