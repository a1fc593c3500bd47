# SPDX-License-Identifier: LGPL-3.0-or-later
"""Parts of simplices: where a piecewise linear field exceeds a level, and where a ball is."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np


def fraction_above(values: np.ndarray) -> np.ndarray:
    """Fraction of each simplex on which the linear interpolant of vertex values is positive.

    Exact: with vertex values v, the fraction where the interpolant is positive is
    ``sum_i max(v_i, 0)^k / prod_{j != i} (v_i - v_j)`` for distinct values (k the dimension), the
    divided difference of ``max(v, 0)^k``; it is evaluated by cases that stay stable for equal ones.

    Args:
        values: (m, k+1) vertex values minus the level, k = 1, 2 or 3.

    Returns:
        (m,) fractions in [0, 1].
    """
    v = np.sort(values, axis=1)
    k = v.shape[1] - 1
    positive = (v > 0).sum(axis=1)
    out = np.where(positive == k + 1, 1.0, 0.0)
    for n in range(1, k + 1):
        rows = np.flatnonzero(positive == n)
        if not len(rows):
            continue
        w = v[rows]
        low, high = w[:, : k + 1 - n], w[:, k + 1 - n :]
        if n == 1:
            out[rows] = np.prod(high / (high - low), axis=1)
        elif n == k:
            out[rows] = 1.0 - np.prod(low / (low - high), axis=1)
        else:  # two above, two below: a wedge of a tetrahedron
            a, b = low[:, 0], low[:, 1]
            c, d = high[:, 0], high[:, 1]
            # edges c-a, c-b, d-a, d-b are cut at these fractions from the positive end
            ca, cb, da, db = c / (c - a), c / (c - b), d / (d - a), d / (d - b)
            out[rows] = ca * cb + ca * db * (1 - cb) + da * db * (1 - ca)
    return out


Depth = Callable[[np.ndarray], np.ndarray]
"""Distance of points (..., d) to the boundary of a convex region, positive inside."""


def ball_shares(points: np.ndarray, cells: np.ndarray, center: np.ndarray, radius: float) -> np.ndarray:
    """Integral of each nodal hat function over the part of the mesh inside a ball.

    Cells cut by the sphere are halved until the pieces are small beside the radius, four times at most,
    and the last pieces clipped by the linear interpolant of the distance; the remaining error, which is
    of second order in the size of the pieces, is removed by Richardson extrapolation from one halving
    less.

    Args:
        points: (n, d) um.
        cells: (m, d+1).
        center: (d,) um.
        radius: um.

    Returns:
        (n,) um^d; they sum to the volume that ball and mesh have in common.
    """

    def depth(x: np.ndarray) -> np.ndarray:
        return radius - np.linalg.norm(x - center, axis=-1)

    return _shares(points, cells, depth, radius)


def slab_shares(
    points: np.ndarray, cells: np.ndarray, axis: int, edge: float, thickness: float
) -> np.ndarray:
    """The same for the slab between a plane and a parallel one.

    Args:
        points, cells: See `ball_shares`.
        axis: Normal of the planes.
        edge: Place of the first on that axis, um.
        thickness: Towards the second, um; signed.
    """

    def depth(x: np.ndarray) -> np.ndarray:
        t = x[..., axis] - edge
        return thickness - t if thickness > 0 else t - thickness

    return _shares(points, cells, depth, np.inf)


def region_shares(points: np.ndarray, cells: np.ndarray, depth: Depth) -> np.ndarray:
    """The same for any region whose boundary is nearly flat over a cell, and convex together with what is
    no part of the mesh."""
    return _shares(points, cells, depth, np.inf)


def _shares(points: np.ndarray, cells: np.ndarray, depth: Depth, bend: float) -> np.ndarray:
    """Shares of a region whose boundary has a radius of curvature of `bend` um."""
    n, d = points.shape
    extent, deepest = _extents(points, cells), _over_corners(np.maximum, depth(points), cells)
    near = np.flatnonzero(deepest >= -_bulge(extent * np.sqrt(d), bend))
    with np.errstate(divide="ignore"):
        halvings = np.clip(np.ceil(np.log2(_FINE * extent[near] / bend)), 1, _MOST_HALVINGS).astype(int)
    out = np.zeros(n)
    for times in np.unique(halvings):
        some = near[halvings == times]
        for group in np.array_split(some, max(1, len(some) // 2000)):  # bounds the memory of the pieces
            fine, coarse = _clip_cells(points[cells[group]], depth, bend, int(times))
            share = ((4.0 * fine - coarse) / 3.0).ravel()
            out += np.bincount(cells[group].ravel(), weights=share, minlength=n)
    return out


def _over_corners(join: np.ufunc, values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """(m,) `join` of the values at the corners of every cell, corner by corner: no array of all corners."""
    out = values[cells[:, 0]]
    for k in range(1, cells.shape[1]):
        join(out, values[cells[:, k]], out=out)
    return out


def _extents(points: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """(m,) longest side of the box around every cell, um."""
    columns = np.ascontiguousarray(points.T)
    sides = (_over_corners(np.maximum, x, cells) - _over_corners(np.minimum, x, cells) for x in columns)
    return reduce(np.maximum, sides)


_MOST_HALVINGS = 4
_FINE = 32.0  # pieces that much smaller than the radius: an error of some 1e-6


def _bulge(size: np.ndarray, bend: float) -> np.ndarray:
    """How far a ball of radius `bend` may reach into simplices of that size without reaching a corner.

    With all corners at a distance of at least D from its centre and edges of at most s, no point of a
    simplex is nearer than ``sqrt(D^2 - s^2/2)``.
    """
    return np.sqrt(bend**2 + 0.5 * size**2) - bend if np.isfinite(bend) else np.zeros(len(size))


def _clip_cells(
    corners: np.ndarray, depth: Depth, bend: float, halvings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the corners of each cell in its part inside, after `halvings` and after one less."""
    m, k, d = corners.shape
    fine, coarse = np.zeros((m, k)), np.zeros((m, k))
    weights = np.broadcast_to(np.eye(k), (m, k, k))
    owner = np.arange(m)
    volume = np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / (2.0 if d == 2 else 6.0)
    # longest edge, with room for the inner parts of a tetrahedron, whose edges more than halve
    size = 1.5 * np.linalg.norm(corners[:, :, None] - corners[:, None], axis=3).max(axis=(1, 2))
    for level in range(halvings + 1):
        phi = depth(corners)
        inside = (phi > 0).all(axis=1)  # the region is convex
        cut = ~inside & (phi.max(axis=1) >= -_bulge(size, bend))
        middle = weights.mean(axis=1) * volume[:, None]
        _add(fine, owner[inside], middle[inside])
        if level < halvings:
            _add(coarse, owner[inside], middle[inside])
        if level >= halvings - 1:
            clipped = middle[cut] * fraction_above(phi[cut])[:, None]
            _add(fine if level == halvings else coarse, owner[cut], clipped)
        if level < halvings:
            corners, weights, owner = _halve(corners[cut], weights[cut], owner[cut])
            volume, size = np.tile(volume[cut] / 2**d, 2**d), np.tile(size[cut] / 2, 2**d)
    return fine, coarse


def _add(table: np.ndarray, rows: np.ndarray, values: np.ndarray) -> None:
    for k in range(table.shape[1]):
        table[:, k] += np.bincount(rows, weights=values[:, k], minlength=len(table))


# pairs of corners whose midpoints are the corners of each part
_Corners = tuple[tuple[int, int], ...]
_PARTS: dict[int, tuple[_Corners, ...]] = {
    2: (
        ((0, 0), (0, 1), (0, 2)), ((0, 1), (1, 1), (1, 2)),
        ((0, 2), (1, 2), (2, 2)), ((0, 1), (1, 2), (0, 2)),
    ),
    3: (
        ((0, 0), (0, 1), (0, 2), (0, 3)), ((0, 1), (1, 1), (1, 2), (1, 3)),
        ((0, 2), (1, 2), (2, 2), (2, 3)), ((0, 3), (1, 3), (2, 3), (3, 3)),
        ((0, 1), (0, 2), (0, 3), (1, 3)), ((0, 1), (0, 2), (1, 2), (1, 3)),
        ((0, 2), (0, 3), (1, 3), (2, 3)), ((0, 2), (1, 2), (1, 3), (2, 3)),
    ),
}  # fmt: skip


def _halve(
    corners: np.ndarray, weights: np.ndarray, owner: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split every simplex at its edge midpoints: 4 triangles or 8 tetrahedra."""
    parts = _PARTS[corners.shape[2]]

    def middle(x: np.ndarray) -> np.ndarray:
        return np.concatenate([np.stack([(x[:, i] + x[:, j]) / 2 for i, j in p], axis=1) for p in parts])

    return middle(corners), middle(weights), np.tile(owner, len(parts))
