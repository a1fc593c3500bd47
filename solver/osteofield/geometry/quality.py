# SPDX-License-Identifier: LGPL-3.0-or-later
"""Shape of cells: dihedral angles of tetrahedra, angles of triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_CHUNK = 200_000


@dataclass(frozen=True)
class Quality:
    """Angles over a set of cells, in degrees; additive.

    Attributes:
        cells: How many.
        smallest: Smallest (dihedral) angle of all cells.
        largest: Largest.
        below_5: Cells with an angle below 5 degrees.
        below_10: Below 10 degrees.
    """

    cells: int
    smallest: float
    largest: float
    below_5: int
    below_10: int

    @classmethod
    def none(cls) -> Quality:
        return cls(0, 180.0, 0.0, 0, 0)

    @classmethod
    def of(cls, points: np.ndarray, cells: np.ndarray) -> Quality:
        """Measure ``(n, d+1)`` cells, d = 2 or 3."""
        q = cls.none()
        for i in range(0, len(cells), _CHUNK):
            small, large = angles(points[cells[i : i + _CHUNK]])
            q += cls(len(small), float(small.min()), float(large.max()),
                     int((small < 5).sum()), int((small < 10).sum()))  # fmt: skip
        return q

    def times(self, n: int) -> Quality:
        """The same cells n times over."""
        if n == 0:
            return self.none()
        return Quality(self.cells * n, self.smallest, self.largest, self.below_5 * n, self.below_10 * n)

    def __add__(self, o: Quality) -> Quality:
        return Quality(
            self.cells + o.cells, min(self.smallest, o.smallest), max(self.largest, o.largest),
            self.below_5 + o.below_5, self.below_10 + o.below_10,
        )  # fmt: skip


def angles(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest (dihedral) angle of each simplex, degrees.

    Args:
        x: ``(n, d+1, d)`` vertex coordinates.
    """
    e = np.moveaxis(x[:, 1:] - x[:, :1], 0, -1)  # (d, d, n): components in contiguous rows
    if len(e) == 2:
        normals: list[tuple[np.ndarray, ...]] = [(-e[0][1], e[0][0]), (e[1][1], -e[1][0])]
    else:
        normals = [_cross(e[1], e[2]), _cross(e[2], e[0]), _cross(e[0], e[1])]
    normals.append(tuple(-np.sum([n[k] for n in normals], axis=0) for k in range(len(e))))
    size = [np.sqrt(sum(c * c for c in n)) for n in normals]
    low, high = np.full(x.shape[0], 2.0), np.full(x.shape[0], -2.0)
    for i in range(len(normals)):
        for j in range(i):
            c = -sum(a * b for a, b in zip(normals[i], normals[j], strict=True)) / (size[i] * size[j])
            np.minimum(low, c, out=low)
            np.maximum(high, c, out=high)
    return np.degrees(np.arccos(np.clip(high, -1, 1))), np.degrees(np.arccos(np.clip(low, -1, 1)))


def _cross(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
