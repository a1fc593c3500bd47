# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cells around points, wherever they are."""

from __future__ import annotations

import numpy as np

from ..geometry.cloud import Cloud, Nearby
from ..geometry.snap import determinant
from ..tissue.order import places_of_cells
from .phase import Phase

FEW, MANY = 4, 24  # cells, by their centres, among which the one around a point is sought: first, and at most


class Cells:
    """Collective: cells of a phase before a re-cut that can be asked for the one around a point.

    Args:
        phase: The phase.
        rows: Which of its cells that belong to this rank.
        h: About how large they are, um.
    """

    def __init__(self, phase: Phase, rows: np.ndarray, h: float):
        cells = phase.canonical(rows)
        self._d = phase.points.shape[1]
        corners = phase.points[cells]
        table = np.hstack([corners.reshape(len(rows), -1), phase.keys[cells]])  # keys are exact in doubles
        team = phase.nodes.team
        order = places_of_cells(team, phase.number[cells])
        self._cloud = Cloud(team, corners.mean(1), order, table, h)

    def around(self, x: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """Collective: the cell around each of this rank's points, or the nearest one.

        Args:
            x: ``(n, d)`` um.
            reach: um: how far the cells are expected to be; only the time depends on it.

        Returns:
            ``(n, d+1)`` keys of its vertices, and barycentric coordinates clipped to it.
        """
        n, d = len(x), self._d
        keys, weights, best = np.zeros((n, d + 1), np.int64), np.zeros((n, d + 1)), np.full(n, np.inf)
        some = min(MANY, self._cloud.count)
        for k in sorted({min(FEW, some), some}):
            todo = np.flatnonzero(best > 0.0)

            def use(
                rows: np.ndarray, _: np.ndarray, at: np.ndarray, nearby: Nearby, todo: np.ndarray = todo
            ) -> None:
                self._try(x, todo[rows], at, nearby, best, keys, weights)

            self._cloud.nearest(x[todo], k, reach, use)
        return keys, weights

    def _try(
        self,
        x: np.ndarray,
        rows: np.ndarray,
        at: np.ndarray,
        nearby: Nearby,
        best: np.ndarray,
        keys: np.ndarray,
        weights: np.ndarray,
    ) -> None:
        d = self._d
        left = np.arange(len(rows))
        for k in range(at.shape[1]):
            table, p = nearby.data[at[left, k]], x[rows[left]]
            corners = table[:, : d * (d + 1)].reshape(-1, d + 1, d)
            w = _barycentric(p, corners)
            inside = w.min(1, initial=1.0) >= -1e-12
            w = np.clip(w, 0.0, None)
            w /= w.sum(1, keepdims=True)
            gap = np.linalg.norm(np.einsum("ij,ijk->ik", w, corners) - p, axis=1)
            gap[inside] = 0.0
            nearer = gap < best[rows[left]]
            hit = rows[left[nearer]]
            best[hit], weights[hit] = gap[nearer], w[nearer]
            keys[hit] = table[nearer, d * (d + 1) :]
            left = left[best[rows[left]] > 0.0]
            if not len(left):
                break


def _barycentric(x: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric coordinates ``(n, d+1)`` of points in simplices ``(n, d+1, d)``, by Cramer's rule."""
    edges, gap = corners[:, 1:] - corners[:, :1], x - corners[:, 0]
    whole = determinant(edges)
    rest = np.empty(x.shape)
    for k in range(x.shape[1]):
        swapped = edges.copy()
        swapped[:, k] = gap
        rest[:, k] = determinant(swapped) / whole
    return np.column_stack([1.0 - rest.sum(1), rest])
