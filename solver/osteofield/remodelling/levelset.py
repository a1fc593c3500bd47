# SPDX-License-Identifier: LGPL-3.0-or-later
"""The position of the bone surface: a signed distance on the background grid, moved and kept a distance.

Nothing snaps, clips or smooths it. Near the surface (`NEAR` cells) it only changes by displacement:
measuring the distance anew there would move the surface by 0.2 to 0.4 um each time. Farther away it is
measured anew from the unsnapped contour whenever the surface has moved a quarter of a cell.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..geometry.grid import Grid
from .closest import Facets
from .contour import Contour

NEAR = 2.5  # cells: here the distance is only displaced
REACH = 4.0  # cells: so far displacements are carried from the surface
REMEASURE = 0.25  # cells of displacement after which the far field is measured again
SHELL = 4.0  # cells: as far as distances are measured exactly
MISMATCH = 0.5  # cells between a value and the distance it should be


class LevelSet:
    """Signed distance to the bone surface at the grid nodes, um, positive in bone.

    Args:
        phi: Values at the nodes; copied.
        grid: The background grid.
        moved: Displacement since the far field was last measured, um.
    """

    def __init__(self, phi: np.ndarray, grid: Grid, moved: float = 0.0):
        self.phi, self.grid, self.moved = np.array(phi, float), grid, moved

    def displaced(self, surface: Facets, facets: np.ndarray, depth: np.ndarray) -> LevelSet:
        """The level set after the surface has receded by `depth`.

        Every node within `REACH` of the surface takes the displacement of the closest point of the
        triangulated surface.

        Args:
            surface: Facets of the surface as it was meshed.
            facets: ``(f, d)`` their rows of `depth`.
            depth: Displacement of every vertex along its normal into bone, um; positive where bone is lost.
        """
        out = LevelSet(self.phi, self.grid, self.moved)
        furthest = float(np.abs(depth).max(initial=0.0))
        if not len(surface) or furthest == 0.0:
            return out
        near = np.flatnonzero(np.abs(self.phi.ravel()) < REACH * self.grid.h)
        found = surface.closest(self._points(near))
        out.phi.ravel()[near] -= found.interpolate(depth, facets)
        out.moved += furthest
        if out.moved > REMEASURE * self.grid.h:
            out._measure(np.flatnonzero(np.abs(out.phi.ravel()) >= NEAR * self.grid.h))
            out.moved = 0.0
        return out

    def replaced(self, phi: np.ndarray) -> LevelSet:
        """The level set after whole pieces have changed sides (`Cut.phi`), a distance again around them."""
        out = LevelSet(phi, self.grid, self.moved)
        flipped = (self.phi > 0) != (phi > 0)
        around = ndimage.binary_dilation(
            flipped, np.ones((3,) * flipped.ndim, bool), iterations=int(np.ceil(NEAR)) + 1
        )
        out._mend(around)
        return out

    def mended(self) -> LevelSet:
        """The level set with a distance wherever filled islands left something else."""
        out = LevelSet(self.phi, self.grid, self.moved)
        out._mend(np.ones(self.phi.shape, bool))
        return out

    def _mend(self, where: np.ndarray) -> None:
        """Where a piece has gone, the surface is farther away than the value says: measure it there.

        Nodes beside the surface keep their value, and with it the surface its place.
        """
        nodes = np.flatnonzero(where & ~_beside(self.phi > 0))
        distance = self._distance(nodes)
        flat = self.phi.ravel()
        wrong = np.abs(distance - np.abs(flat[nodes])) > MISMATCH * self.grid.h
        flat[nodes[wrong]] = np.copysign(distance[wrong], flat[nodes[wrong]])

    def _measure(self, nodes: np.ndarray) -> None:
        flat = self.phi.ravel()
        flat[nodes] = np.copysign(self._distance(nodes), flat[nodes])

    def _distance(self, nodes: np.ndarray) -> np.ndarray:
        """Distance of some nodes to the contour, um; without a surface: the diagonal of the box.

        Within `SHELL` it is exact; farther away it is that to the surface point under the nearest node of
        the shell.
        """
        surface = Facets(Contour(self.phi, self.grid).corners)
        if not len(surface) or not len(nodes):
            return np.full(len(nodes), float(np.linalg.norm(np.subtract(self.grid.upper, self.grid.origin))))
        away = ndimage.distance_transform_edt(~_beside(self.phi > 0), sampling=self.grid.spacing)
        near = away.ravel()[nodes] <= SHELL * self.grid.h
        out = np.empty(len(nodes))
        out[near] = surface.closest(self._points(nodes[near])).distance
        if not near.all():
            shell = (away > (SHELL - 1.5) * self.grid.h) & (away <= SHELL * self.grid.h)
            seeds = np.flatnonzero(shell)
            found = surface.closest(self._points(seeds))
            foot = np.zeros((self.phi.size, self.grid.dimension))
            foot[seeds] = np.einsum("ij,ijk->ik", found.weights, surface.corners[found.facet])
            _, index = ndimage.distance_transform_edt(
                ~shell, sampling=self.grid.spacing, return_distances=True, return_indices=True
            )
            far = nodes[~near]
            seed = np.ravel_multi_index(tuple(k.ravel()[far] for k in index), self.phi.shape)
            out[~near] = np.linalg.norm(self._points(far) - foot[seed], axis=1)
        return out

    def _points(self, nodes: np.ndarray) -> np.ndarray:
        index = np.stack(np.unravel_index(nodes, self.phi.shape), 1)
        return np.array(self.grid.origin) + np.array(self.grid.spacing) * index


def _beside(bone: np.ndarray) -> np.ndarray:
    """Nodes with another phase among their neighbours in the cubes around them."""
    size = (3,) * bone.ndim
    return ndimage.maximum_filter(bone, size) != ndimage.minimum_filter(bone, size)
