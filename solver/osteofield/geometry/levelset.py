# SPDX-License-Identifier: LGPL-3.0-or-later
"""Signed distance to the bone surface at the nodes of the background grid."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .grid import Grid
from .voxels import Voxels


def signed_distance(voxels: Voxels, grid: Grid) -> np.ndarray:
    """Distance to the zero level of a voxel field, um, positive in bone.

    The field is first extruded through the outer layer of cells (`Voxels.at_right_angles`), so the
    result is a distance there too: sampling a distance at clipped positions instead would not be
    one, and a moving surface would run 6 % too fast in the rim. Nodes near the surface get the
    distance to the tangent plane at the nearest surface point, far ones that to the surface point
    nearest to their nearest near node.

    Returns:
        ``grid.shape`` array; without any surface: plus or minus the diagonal of the box.
    """
    voxels = voxels.at_right_angles(max(grid.h, 2 * max(voxels.spacing)))
    sign = np.where(voxels.at(grid.axes()) > 0, 1.0, -1.0)
    points, normals = voxels.surface_points()
    if not len(points):
        return sign * np.linalg.norm(np.array(grid.upper) - np.array(grid.origin))
    near = _near_surface(sign)
    if not near.any():
        near[:] = True
    x = grid.points().reshape(*grid.shape, grid.dimension)
    closest = np.empty(x.shape)
    phi = np.empty(grid.shape)
    chord, i = cKDTree(points).query(x[near])
    height = np.einsum("ij,ij->i", x[near] - points[i], normals[i])
    at_surface = chord < 1.5 * max(voxels.spacing)
    phi[near] = np.where(at_surface, height, sign[near] * chord)
    closest[near] = points[i]
    if not near.all():
        index = ndimage.distance_transform_edt(
            ~near, sampling=grid.spacing, return_distances=False, return_indices=True
        )
        far = ~near
        to = closest[tuple(k[far] for k in index)]
        phi[far] = sign[far] * np.linalg.norm(x[far] - to, axis=1)
    return phi


def _near_surface(sign: np.ndarray) -> np.ndarray:
    """Nodes of cubes in which the sign changes, and of the cubes around them."""
    size = (3,) * sign.ndim
    band = ndimage.maximum_filter(sign, size, mode="nearest") != ndimage.minimum_filter(sign, size, mode="nearest")
    return ndimage.maximum_filter(band, size, mode="nearest")
