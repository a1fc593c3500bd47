# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cells around points, wherever they are."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from ..cbuild import load
from ..geometry.cloud import Cloud, Nearby
from ..tissue.order import places_of_cells
from .phase import Phase

_DECLARATIONS = """
void inside(long, const double *, long, const long *, const double *, long, double *, long *, double *);
"""
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
                table, mine = nearby.data, todo[rows]
                distance, which, w = _inside(x[mine], at, table, best[mine])
                nearer = distance < best[mine]
                hit = mine[nearer]
                best[hit], weights[hit] = distance[nearer], w[nearer]
                keys[hit] = table[which[nearer], d * (d + 1) :]

            self._cloud.nearest(x[todo], k, reach, use)
        return keys, weights


def _inside(
    x: np.ndarray, at: np.ndarray, table: np.ndarray, best: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of some cells listed for each point, in turn, the first that it is in, else the nearest.

    Args:
        x: ``(n, d)`` um.
        at: ``(n, k)`` rows of `table`.
        table: Rows that begin with the corners of a cell.
        best: ``(n,)`` um: only cells nearer than this count.

    Returns:
        Distances (`best` where no cell is nearer), rows of `table`, and barycentric coordinates clipped to
        the cell.
    """
    n, d = x.shape
    distance, which, weights = best.copy(), np.zeros(n, np.int64), np.empty((n, d + 1))
    ffi, lib = _library(d)

    def c(array: np.ndarray, kind: str) -> Any:
        return ffi.from_buffer(kind, np.ascontiguousarray(array))

    lib.inside(
        n, c(x, "double[]"), at.shape[1], c(at.astype(np.int64), "long[]"), c(table, "double[]"),
        table.shape[1], c(distance, "double[]"), c(which, "long[]"), c(weights, "double[]"),
    )  # fmt: skip
    return distance, which, weights


@lru_cache(2)
def _library(dimension: int) -> tuple[Any, Any]:
    source = resources.files(__package__).joinpath("inside.c").read_text()  # rounded as NumPy would
    return load(f"#define DIM {dimension}\n{source}", _DECLARATIONS, extra=("-ffp-contract=off",))
