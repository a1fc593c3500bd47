# SPDX-License-Identifier: LGPL-3.0-or-later
"""The position of the bone surface: a signed distance on the background grid, moved and kept a distance.

Nothing snaps, clips or smooths it. Near the surface (`NEAR` cells) it only changes by displacement:
measuring the distance anew there would move the surface by 0.2 to 0.4 um each time. Farther away it is
measured anew from the unsnapped contour whenever the surface has moved a quarter of a cell.
"""

from __future__ import annotations

import numpy as np
import scipy

from ..geometry.boxes import Partition
from ..geometry.grid import Grid
from ..team import ALONE
from .contour import Contour
from .recession import Recession

NEAR = 4.0  # cells: here the distance is only displaced
REACH = 5.5  # cells: so far displacements are carried from the surface
REMEASURE = 0.25  # cells of displacement after which the far field is measured again
SHELL = 5.0  # cells: as far as distances are measured exactly; beyond NEAR, whence nodes come into the band
MISMATCH = 0.5  # cells between a value and the distance it should be


class LevelSet:
    """Signed distance to the bone surface at the grid nodes of this rank, um, positive in bone.

    Args:
        phi: Values at them; copied.
        grid: The background grid.
        moved: Displacement since the far field was last measured, um.
        nodes: Which nodes of the grid are whose; by default all are here.
    """

    def __init__(self, phi: np.ndarray, grid: Grid, moved: float = 0.0, nodes: Partition | None = None):
        self.phi, self.grid, self.moved = np.array(phi, float, order="C"), grid, moved
        self.nodes = nodes or Partition.even(ALONE, grid.shape)

    def displaced(self, recession: Recession) -> LevelSet:
        """Collective: the level set after the surface has receded.

        Every node within `REACH` of the surface takes the displacement of its closest point.
        """
        out = LevelSet(self.phi, self.grid, self.moved, self.nodes)
        if recession.rests:
            return out
        h = self.grid.h
        near = np.flatnonzero(np.abs(self.phi.ravel()) < REACH * h)
        out.phi.ravel()[near] -= recession.at(self._points(near), REACH * h)
        out.moved += recession.furthest
        if out.moved > REMEASURE * h:
            out._measure(np.flatnonzero(np.abs(out.phi.ravel()) >= NEAR * h))
            out.moved = 0.0
        return out

    def replaced(self, phi: np.ndarray) -> LevelSet:
        """Collective: the same after whole pieces have changed sides (`Cut.phi`), a distance again."""
        out = LevelSet(phi, self.grid, self.moved, self.nodes)
        far = int(np.ceil(NEAR)) + 1
        held = self.nodes.own.grown(far, far, self.nodes.whole)
        flipped = self.nodes.fetch((self.phi > 0) != (phi > 0), held)
        around = scipy.ndimage.binary_dilation(flipped, np.ones((3,) * flipped.ndim, bool), iterations=far)
        out._mend(around[self.nodes.own.within(held)])
        return out

    def mended(self) -> LevelSet:
        """Collective: the level set with a distance wherever filled islands left something else."""
        out = LevelSet(self.phi, self.grid, self.moved, self.nodes)
        out._mend(np.ones(self.phi.shape, bool))
        return out

    def measured(self) -> LevelSet:
        """Collective: the level set with the distance to its own contour everywhere.

        For values that are not quite a distance, as those of an image; this moves the surface, once, by
        some tenths of a micrometre.
        """
        out = LevelSet(self.phi, self.grid, 0.0, self.nodes)
        out._measure(np.arange(out.phi.size))
        return out

    def on(self, nodes: Partition) -> LevelSet:
        """Collective: the same with the nodes dealt out in another way."""
        return LevelSet(self.nodes.fetch(self.phi, nodes.own), self.grid, self.moved, nodes)

    def _mend(self, where: np.ndarray) -> None:
        """Where a piece has gone, the surface is farther away than the value says: measure it there.

        Nodes beside the surface keep their value, and with it the surface its place.
        """
        nodes = np.flatnonzero(where & ~self._beside())
        distance = self._distance(nodes)
        flat = self.phi.ravel()
        wrong = np.abs(distance - np.abs(flat[nodes])) > MISMATCH * self.grid.h
        flat[nodes[wrong]] = np.copysign(distance[wrong], flat[nodes[wrong]])

    def _measure(self, nodes: np.ndarray) -> None:
        flat = self.phi.ravel()
        flat[nodes] = np.copysign(self._distance(nodes), flat[nodes])

    def _distance(self, nodes: np.ndarray) -> np.ndarray:
        """Collective: distance of some nodes to the contour, um; without a surface: the diagonal of the box.

        Within `SHELL` it is exact; farther away it is that to the facet with the nearest centre.
        """
        surface = Contour(self.phi, self.grid, self.nodes).facets()
        if not surface.count:
            return np.full(len(nodes), float(np.linalg.norm(np.subtract(self.grid.upper, self.grid.origin))))
        return surface.closest(self._points(nodes), SHELL * self.grid.h).distance

    def _points(self, nodes: np.ndarray) -> np.ndarray:
        index = np.stack(np.unravel_index(nodes, self.phi.shape), 1) + np.array(self.nodes.own.lo)
        return np.array(self.grid.origin) + np.array(self.grid.spacing) * index

    def _beside(self) -> np.ndarray:
        """Nodes with another phase among their neighbours in the cubes around them."""
        held = self.nodes.own.grown(1, 1, self.nodes.whole)
        bone, size = self.nodes.fetch(self.phi > 0, held), (3,) * self.phi.ndim
        mixed = scipy.ndimage.maximum_filter(bone, size) != scipy.ndimage.minimum_filter(bone, size)
        return mixed[self.nodes.own.within(held)]
