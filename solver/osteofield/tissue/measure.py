# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sizes of simplices and their lumped shares on nodes."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from math import factorial

import numpy as np

from ..compiled import Compiled


@lru_cache(1)
def _passes() -> Compiled:
    return Compiled(resources.files(__package__).joinpath("measure.c").read_text(), contract=False)


def sizes(points: np.ndarray, simplices: np.ndarray) -> np.ndarray:
    """Length, area or volume of every simplex.

    Args:
        points: (n, d).
        simplices: (m, k+1) rows of `points`, k <= d.
    """
    if not len(simplices):
        return np.zeros(0)
    k = simplices.shape[1] - 1
    if k == points.shape[1] == 3:  # a block at a time: temporary arrays stay in cache
        out = np.empty(len(simplices))
        for i in range(0, len(simplices), 4096):
            corners = simplices[i : i + 4096]
            o = points[corners[:, 0]]
            (ax, ay, az), (bx, by, bz), (cx, cy, cz) = ((points[corners[:, j]] - o).T for j in (1, 2, 3))
            out[i : i + 4096] = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
        return np.abs(out) / 6.0
    edges = points[simplices[:, 1:]] - points[simplices[:, :1]]
    if k == edges.shape[2]:
        return np.abs(np.linalg.det(edges)) / factorial(k)
    gram = np.einsum("mid,mjd->mij", edges, edges)
    return np.sqrt(np.maximum(np.linalg.det(gram), 0.0)) / factorial(k)


def lumped(points: np.ndarray, simplices: np.ndarray, count: int) -> np.ndarray:
    """Nodal shares of the sizes of `simplices`: (count,), each simplex in equal parts."""
    k1 = simplices.shape[1]
    if k1 == 4:
        out = np.zeros(count)
        cells, x = np.ascontiguousarray(simplices, np.int32), np.ascontiguousarray(points, np.float64)
        _passes().share_volumes(len(cells), cells, x, out)
        return out
    share = np.repeat(sizes(points, simplices) / k1, k1)
    return np.bincount(simplices.ravel(), weights=share, minlength=count)
