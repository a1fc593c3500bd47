# SPDX-License-Identifier: LGPL-3.0-or-later
"""The zero level of a signed distance as it is, unsnapped: linear on every Kuhn simplex of the grid.

The volume below it is what remodelling is booked with. Its error is smooth in the position of the
surface, so that it resolves a displacement of a thousandth of a cell; the volume of a snapped mesh
does not.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..geometry.boxes import Box, Partition
from ..geometry.grid import Grid
from ..geometry.kuhn import kuhn
from ..team import ALONE
from ..tissue.clip import fraction_above
from .closest import Facets


class Contour:
    """Collective: the zero level in the cubes whose low corner this rank has.

    Args:
        phi: Positive in bone, at this rank's nodes of the grid, um.
        grid: The background grid.
        nodes: Which of its nodes are whose; by default all are here.
    """

    def __init__(self, phi: np.ndarray, grid: Grid, nodes: Partition | None = None):
        self.grid, self.nodes = grid, nodes or Partition.even(ALONE, grid.shape)
        own = self.nodes.own
        held = own.grown(0, 1, grid.shape)
        cubes = own & Box((0,) * grid.dimension, grid.cells)
        self._phi, self._low = self.nodes.fetch(phi, held), np.array(held.lo)
        tables, bone = kuhn(grid.dimension), self._phi > 0
        views = [
            bone[tuple(slice(o, n + o) for o, n in zip(c, cubes.shape, strict=True))] for c in tables.corners
        ]
        self._full = np.logical_and.reduce(views)
        low = np.stack(np.nonzero(np.logical_or.reduce(views) & ~self._full), 1)
        self._cubes = low
        strides = np.array([int(np.prod(bone.shape[k + 1 :])) for k in range(bone.ndim)])
        path = tables.corners[tables.simplices] @ strides
        self._nodes = ((low @ strides)[:, None, None] + path[None]).reshape(-1, grid.dimension + 1)

    @cached_property
    def volumes(self) -> np.ndarray:
        """Bone volume of the cube above each of this rank's nodes, um^3 (2-D: um^2), exact."""
        cube = float(np.prod(self.grid.spacing))
        out = np.zeros(self.nodes.own.shape)
        out[tuple(slice(0, n) for n in self._full.shape)] = np.where(self._full, cube, 0.0)
        share = fraction_above(self._phi.ravel()[self._nodes])
        simplices = len(kuhn(self.grid.dimension).simplices)
        out[tuple(self._cubes.T)] = cube * share.reshape(len(self._cubes), simplices).mean(1)
        return out

    @cached_property
    def volume(self) -> float:
        """Collective: bone volume, um^3 (2-D: um^2)."""
        return float(self.nodes.team.sum(float(self.volumes.sum())))

    @cached_property
    def _facets(self) -> tuple[np.ndarray, np.ndarray]:
        """``(f, d, d)`` corners of the facets, um, and the simplex each one lies in."""
        d = self.grid.dimension
        values = self._phi.ravel()[self._nodes]
        order = np.argsort(-values, axis=1, kind="stable")  # bone first
        values = np.take_along_axis(values, order, 1)
        nodes = np.take_along_axis(self._nodes, order, 1)
        plus = (values > 0).sum(1)
        out, simplex = [np.zeros((0, d, d))], [np.zeros(0, np.int64)]
        for count in range(1, d + 1):
            rows = np.flatnonzero(plus == count)
            x, v = self._points(nodes[rows]), values[rows]
            ends = [(i, j) for i in range(count) for j in range(count, d + 1)]
            cut = [x[:, i] + (v[:, i] / (v[:, i] - v[:, j]))[:, None] * (x[:, j] - x[:, i]) for i, j in ends]
            if len(cut) == d:
                out.append(np.stack(cut, 1))
                simplex.append(2 * rows)
            else:  # two and two: a quadrilateral
                out += [np.stack([cut[0], cut[1], cut[3]], 1), np.stack([cut[0], cut[3], cut[2]], 1)]
                simplex += [2 * rows, 2 * rows + 1]
        return np.concatenate(out), np.concatenate(simplex)

    @property
    def corners(self) -> np.ndarray:
        """``(f, d, d)`` corners of this rank's facets, um; facets do not share vertices."""
        return self._facets[0]

    def facets(self) -> Facets:
        """Collective: the contour, to be asked for closest points."""
        corners, half = self._facets
        simplices = len(kuhn(self.grid.dimension).simplices)
        cube = np.ravel_multi_index(tuple((self._cubes + self._low).T), self.grid.shape)
        keys = cube[half // 2 // simplices] * (2 * simplices) + half % (2 * simplices)
        return Facets(corners, keys=keys, team=self.nodes.team)

    def _points(self, nodes: np.ndarray) -> np.ndarray:
        index = np.stack(np.unravel_index(nodes, self._phi.shape), -1) + self._low
        return np.array(self.grid.origin) + np.array(self.grid.spacing) * index

    @property
    def area(self) -> float:
        """Collective: area (2-D: length) of the zero level, um^2 (um)."""
        x = self.corners
        if self.grid.dimension == 2:
            mine = np.linalg.norm(x[:, 1] - x[:, 0], axis=1).sum()
        else:
            mine = 0.5 * np.linalg.norm(np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]), axis=1).sum()
        return float(self.nodes.team.sum(float(mine)))
