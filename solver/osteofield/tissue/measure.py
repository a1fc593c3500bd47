# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sizes of simplices and their lumped shares on nodes."""

from __future__ import annotations

from math import factorial

import numpy as np


def sizes(points: np.ndarray, simplices: np.ndarray) -> np.ndarray:
    """Length, area or volume of every simplex.

    Args:
        points: (n, d).
        simplices: (m, k+1) rows of `points`, k <= d.
    """
    if not len(simplices):
        return np.zeros(0)
    edges = points[simplices[:, 1:]] - points[simplices[:, :1]]
    k = edges.shape[1]
    if k == edges.shape[2]:
        return np.abs(np.linalg.det(edges)) / factorial(k)
    gram = np.einsum("mid,mjd->mij", edges, edges)
    return np.sqrt(np.maximum(np.linalg.det(gram), 0.0)) / factorial(k)


def lumped(points: np.ndarray, simplices: np.ndarray, count: int) -> np.ndarray:
    """Nodal shares of the sizes of `simplices`: (count,), each simplex in equal parts."""
    k1 = simplices.shape[1]
    share = np.repeat(sizes(points, simplices) / k1, k1)
    return np.bincount(simplices.ravel(), weights=share, minlength=count)
