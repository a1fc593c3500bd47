# SPDX-License-Identifier: LGPL-3.0-or-later
"""From which side a sample is looked at, and what is cut away for it."""

from __future__ import annotations

import numpy as np

from .state import State

DEFAULT_FACING = np.array([0.0, -1.0, 0.0])


def normal_of(state: State) -> np.ndarray:
    """The axis ``(3,)`` from which the eroded bone is seen best; of a 2-D sample that out of the plane."""
    if state.dimension == 2:
        return np.array([0.0, 0.0, 1.0])
    points, triangles = state.surface_mesh
    if not len(triangles):
        return DEFAULT_FACING
    weight = np.ones(len(points))
    if state.depth:
        weight = np.clip(state.result.surface[state.depth][state.step], 0, None)
    return facing(points, state.facing_marrow, weight, state.centre)


def facing(points: np.ndarray, triangles: np.ndarray, weight: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """The direction along an axis from which most weighted surface behind a cut at `centre` is seen.

    Args:
        points: ``(n, 3)``.
        triangles: ``(m, 3)``, normals into the marrow.
        weight: ``(n,)``, not negative.
        centre: ``(3,)``.
    """
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area, middle = np.cross(b - a, c - a) / 2, (a + b + c) / 3 - centre
    w = weight[triangles].mean(1)
    best, chosen = -1.0, DEFAULT_FACING
    for normal in np.concatenate([-np.eye(3), np.eye(3)])[[1, 0, 4, 3, 5, 2]]:
        seen = np.clip(area @ normal, 0, None) * (middle @ normal < 0)
        if (score := float(w @ seen)) > best * (1 + 1e-9):
            best, chosen = score, normal
    return chosen


def kept_box(box: np.ndarray, centre: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """The part ``(2, 3)`` of a box behind a cut at `centre`."""
    out = box.copy()
    axis = int(np.abs(normal).argmax())
    out[1 if normal[axis] > 0 else 0, axis] = centre[axis]
    return out
