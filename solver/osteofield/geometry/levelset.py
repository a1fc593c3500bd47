# SPDX-License-Identifier: LGPL-3.0-or-later
"""Signed distance to the bone surface at the nodes of the background grid."""

from __future__ import annotations

import numpy as np
import scipy

from .boxes import Box, Partition
from .cloud import Nearby
from .grid import Grid
from .voxels import VoxelField, Voxels

NEIGHBOURS = 4
BAND = 2  # cells: how far from a change of sign nodes count as near


def phases(field: VoxelField, grid: Grid, box: Box) -> np.ndarray:
    """Collective: 1 in bone and -1 in marrow at the nodes of a box, int8."""
    if not box.size:
        field.at_right_angles(grid.h / 2, Box(box.lo, box.lo))
        return np.zeros(box.shape, np.int8)
    axes = grid.axes(box)
    around = Voxels(field.values, field.first, field.spacing, None, field.partition.whole).around(axes)
    return np.where(field.at_right_angles(grid.h / 2, around).at(axes) > 0, 1, -1).astype(np.int8)


def distance_over(field: VoxelField, grid: Grid, nodes: Partition) -> np.ndarray:
    """Collective: distance to the zero level of a voxel field, um, positive in bone.

    The field is first extruded through the outer layer of cells (`VoxelField.at_right_angles`), so the
    result is a distance there too: sampling a distance at clipped positions instead would not be
    one, and a moving surface would run 6 % too fast in the rim. Nodes near the surface get the
    distance to the tangent plane at the nearest surface point, far ones that to the surface point.

    Args:
        field: Positive in bone.
        grid: The background grid.
        nodes: Which of its nodes are whose.

    Returns:
        Values at this rank's nodes; without any surface: plus or minus the diagonal of the box.
    """
    team, own = nodes.team, nodes.own
    held = own.grown(BAND, BAND, nodes.whole)
    sign = phases(field, grid, held)
    cloud = field.surface(grid.h / 2)
    mine = sign[own.within(held)].astype(float)
    if not cloud.count:
        return mine * np.linalg.norm(np.array(grid.upper) - np.array(grid.origin))
    near = _near_surface(sign)[own.within(held)].ravel()
    if not int(team.sum(int(near.sum()))):
        near[:] = True
    x, sign = grid.points(own), mine.ravel()
    phi = np.empty(len(x))

    def heights(rows: np.ndarray, chord: np.ndarray, at: np.ndarray, points: Nearby) -> None:
        rows = close[rows]
        phi[rows] = _height(x[rows], sign[rows], chord, points.points[at], points.data[at], voxel)

    def chords(rows: np.ndarray, chord: np.ndarray, at: np.ndarray, points: Nearby) -> None:
        rows = distant[rows]
        phi[rows] = sign[rows] * chord[:, 0]

    voxel = max(field.spacing)
    close, distant = np.flatnonzero(near), np.flatnonzero(~near)
    cloud.nearest(x[close], min(NEIGHBOURS, cloud.count), 2 * (BAND + 1) * grid.h, heights)
    cloud.nearest(x[distant], 1, 8 * grid.h, chords)
    return phi.reshape(own.shape)


def signed_distance(voxels: Voxels, grid: Grid) -> np.ndarray:
    """See `distance_over`; of whole voxels on the whole grid, on one process."""
    field = VoxelField.alone(voxels)
    return distance_over(field, grid, Partition.even(field.partition.team, grid.shape))


def _height(
    x: np.ndarray, sign: np.ndarray, chord: np.ndarray, q: np.ndarray, normal: np.ndarray, voxel: float
) -> np.ndarray:
    """Signed distance from the nearest surface points.

    The chord between two points of a circle is normal to the mean of their normals. So the height
    above the surface at a neighbouring surface point q is (n_q + n_x)/2 . (x - q) up to third order,
    with n_x the normal under x; with n_q alone it would be too low by half the curvature times the
    gap squared, 0.5 to 1 % of the volume of trabecular bone.

    Args:
        x: ``(n, d)`` um.
        sign: ``(n,)`` 1 in bone, -1 in marrow.
        chord: ``(n, k)`` distances of the surface points.
        q: ``(n, k, d)`` surface points, nearest first.
        normal: ``(n, k, d)`` their normals.
        voxel: um.
    """
    gap = x[:, None] - q
    weight = (chord[:, :1] ** 2 + (0.1 * voxel) ** 2) / (chord**2 + (0.1 * voxel) ** 2)
    weight *= np.einsum("ikd,ijd->ikj", normal, normal[:, :1])[..., 0] > 0  # not across thin bone
    weight /= weight.sum(1, keepdims=True)
    own = np.einsum("ik,ikd->id", weight, normal)
    own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-9)
    height = np.einsum("ik,ikd,ikd->i", weight, 0.5 * (normal + own[:, None]), gap)
    alone = np.abs(np.einsum("id,id->i", normal[:, 0], gap[:, 0]))  # without the gap along the surface
    far = sign * np.clip(alone, 0.9 * chord[:, 0], chord[:, 0])
    return np.where(chord[:, 0] < 1.5 * voxel, height, far)


def _near_surface(sign: np.ndarray) -> np.ndarray:
    """Nodes of cubes in which the sign changes, and of the cubes around them."""
    size = (3,) * sign.ndim
    band = scipy.ndimage.maximum_filter(sign, size, mode="nearest") != scipy.ndimage.minimum_filter(
        sign, size, mode="nearest"
    )
    return scipy.ndimage.maximum_filter(band, size, mode="nearest")
