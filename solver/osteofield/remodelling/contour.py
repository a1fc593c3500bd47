# SPDX-License-Identifier: LGPL-3.0-or-later
"""The zero level of a signed distance as it is, unsnapped: linear on every Kuhn simplex of the grid.

The volume below it is what remodelling is booked with. Its error is smooth in the position of the
surface, so that it resolves a displacement of a thousandth of a cell; the volume of a snapped mesh
does not.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..geometry.grid import Grid
from ..geometry.kuhn import kuhn
from ..tissue.clip import fraction_above


class Contour:
    """The zero level of `phi`, um, positive in bone, at the nodes of `grid`."""

    def __init__(self, phi: np.ndarray, grid: Grid):
        self._phi, self.grid = phi, grid
        tables = kuhn(grid.dimension)
        bone = phi > 0
        views = [
            bone[tuple(slice(o, n - 1 + o) for o, n in zip(c, phi.shape, strict=True))]
            for c in tables.corners
        ]
        self._full = np.logical_and.reduce(views)
        self._cubes = np.flatnonzero(np.logical_or.reduce(views) & ~self._full)
        low = np.ravel_multi_index(np.unravel_index(self._cubes, grid.cells), phi.shape)
        strides = np.array([int(np.prod(phi.shape[k + 1 :])) for k in range(phi.ndim)])
        path = tables.corners[tables.simplices] @ strides
        self._nodes = (low[:, None, None] + path[None]).reshape(-1, grid.dimension + 1)

    @cached_property
    def volumes(self) -> np.ndarray:
        """Bone volume of every cube of the grid, ``grid.cells``, um^3 (2-D: um^2); exact for the contour."""
        cube = float(np.prod(self.grid.spacing))
        out = np.where(self._full, cube, 0.0)
        share = fraction_above(self._phi.ravel()[self._nodes])
        out.ravel()[self._cubes] = cube * share.reshape(
            len(self._cubes), len(kuhn(self.grid.dimension).simplices)
        ).mean(1)
        return out

    @property
    def volume(self) -> float:
        """Bone volume, um^3 (2-D: um^2)."""
        return float(self.volumes.sum())

    @cached_property
    def corners(self) -> np.ndarray:
        """``(f, d, d)`` corners of the facets, um; facets do not share vertices."""
        d = self.grid.dimension
        values = self._phi.ravel()[self._nodes]
        order = np.argsort(-values, axis=1, kind="stable")  # bone first
        values = np.take_along_axis(values, order, 1)
        nodes = np.take_along_axis(self._nodes, order, 1)
        plus = (values > 0).sum(1)
        out = [np.zeros((0, d, d))]
        for count in range(1, d + 1):
            rows = np.flatnonzero(plus == count)
            x, v = self._points(nodes[rows]), values[rows]
            ends = [(i, j) for i in range(count) for j in range(count, d + 1)]
            cut = [x[:, i] + (v[:, i] / (v[:, i] - v[:, j]))[:, None] * (x[:, j] - x[:, i]) for i, j in ends]
            if len(cut) == d:
                out.append(np.stack(cut, 1))
            else:  # two and two: a quadrilateral
                out += [np.stack([cut[0], cut[1], cut[3]], 1), np.stack([cut[0], cut[3], cut[2]], 1)]
        return np.concatenate(out)

    def _points(self, nodes: np.ndarray) -> np.ndarray:
        index = np.stack(np.unravel_index(nodes, self._phi.shape), -1)
        return np.array(self.grid.origin) + np.array(self.grid.spacing) * index

    @property
    def area(self) -> float:
        """Area (2-D: length) of the zero level, um^2 (um)."""
        x = self.corners
        if self.grid.dimension == 2:
            return float(np.linalg.norm(x[:, 1] - x[:, 0], axis=1).sum())
        return float(0.5 * np.linalg.norm(np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]), axis=1).sum())
