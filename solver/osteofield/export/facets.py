# SPDX-License-Identifier: LGPL-3.0-or-later
"""Measures of segments (2-D) and triangles (3-D), whole and where a value is positive."""

from __future__ import annotations

import numpy as np


def sizes(points: np.ndarray, facets: np.ndarray) -> np.ndarray:
    """``(m,)`` lengths or areas."""
    x = points[facets]
    if facets.shape[1] == 2:
        out: np.ndarray = np.linalg.norm(x[:, 1] - x[:, 0], axis=1)
        return out
    out = 0.5 * np.linalg.norm(np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]), axis=1)
    return out


def normals(points: np.ndarray, facets: np.ndarray) -> np.ndarray:
    """``(m, d)`` unit normals: to the right of the way along a segment, right-handed for triangles."""
    x = points[facets]
    if facets.shape[1] == 2:
        along = x[:, 1] - x[:, 0]
        n = np.column_stack([along[:, 1], -along[:, 0]])
    else:
        n = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
    out: np.ndarray = n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), np.finfo(float).tiny)
    return out


def lumped(points: np.ndarray, facets: np.ndarray) -> np.ndarray:
    """``(N,)`` size per point: equal shares of the facets around it."""
    share = np.repeat(sizes(points, facets) / facets.shape[1], facets.shape[1])
    return np.bincount(facets.ravel(), share, minlength=len(points))


def positive_part(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a function is positive that is linear on each facet.

    Args:
        values: ``(m, 2 or 3)`` at the corners.

    Returns:
        ``(m,)`` share of the facet, and ``(m,)`` mean over the whole facet of max(value, 0).
    """
    v = np.sort(values, axis=1)
    k = v.shape[1]
    low, high = v[:, 0], v[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        top = np.where(high > 0, high, 0.0)  # the positive part is a corner at the highest value ...
        corner = np.prod([top / (high - v[:, i]) for i in range(k - 1)], axis=0)
        rest = np.where(low < 0, -low, 0.0)  # ... or all but a corner at the lowest
        other = np.prod([rest / (v[:, i] - low) for i in range(1, k)], axis=0)
    positive = (v > 0).sum(1)
    share = np.select([positive == k, positive == 0, positive == 1], [1.0, 0.0, corner], 1.0 - other)
    # the mean over a corner piece is a k-th of its highest value; all but a corner: the whole less that
    mean = np.select(
        [positive == k, positive == 0, positive == 1],
        [v.mean(1), 0.0, corner * top / k],
        v.mean(1) + other * rest / k,
    )
    return share, mean
