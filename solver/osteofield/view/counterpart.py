# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values of one run at the places of another, on another mesh; NaN where it has no counterpart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .planar import Planar
from .state import State

_NEAR = 2.0  # cells: a surface further away than this has no counterpart


def on_surface(a: State, b: State, values: np.ndarray) -> tuple[np.ndarray, float]:
    """Surface values of `b` at the surface points of `a`, NaN where it has none near.

    Returns:
        ``(n,)``, and the share of points without a counterpart.
    """
    ours, theirs = a.surface_mesh[0], b.surface_mesh[0]
    if ours.shape == theirs.shape and np.array_equal(ours, theirs):
        return values, 0.0
    from scipy.spatial import cKDTree

    # three nearest points, weighted by their distance: linear enough between points one cell apart
    distance, rows = cKDTree(theirs).query(ours, k=3)
    weight = 1 / np.maximum(distance, 1e-9)
    mapped = (weight * values[rows]).sum(1) / weight.sum(1)
    segments = b.surface_mesh[1]
    cell = float(np.median(np.linalg.norm(theirs[segments[:, 0]] - theirs[segments[:, 1]], axis=1)))
    alone = distance[:, 0] > _NEAR * cell
    return np.where(alone, np.nan, mapped), float(alone.mean())


def looked_at(state: State, other: State) -> State:
    """The same output time, looked at where `other` is."""
    made = replace(state)
    made.__dict__["centre"] = other.centre  # a cached property
    return made


def on_section(ours: Planar, theirs: Planar, values: np.ndarray, on_edge: bool) -> np.ndarray:
    """Values of a section at the points of another one; NaN where it has none."""
    if on_edge:
        if ours.edge.shape == theirs.edge.shape and np.array_equal(ours.edge, theirs.edge):
            return values
        from scipy.spatial import cKDTree

        ends = theirs.edge.reshape(-1, 2)
        if not len(ends) or not len(ours.edge):
            return np.full(ours.edge.shape[:2], np.nan)
        distance, row = cKDTree(ends).query(ours.edge.reshape(-1, 2))
        cell = float(np.median(np.linalg.norm(theirs.edge[:, 0] - theirs.edge[:, 1], axis=1)))
        found = np.where(distance > _NEAR * cell, np.nan, values.ravel()[row])
        return found.reshape(-1, 2)
    if ours.points.shape == theirs.points.shape and np.array_equal(ours.points, theirs.points):
        return values
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import cKDTree

    # over the points alone: a plane that goes through grid points cuts triangles on both of its sides
    if len(theirs.points) < 3:
        return np.full(len(ours.points), np.nan)
    a, b = (theirs.points[theirs.triangles[:, k]] for k in range(2))
    cell = float(np.median(np.linalg.norm(a - b, axis=1)))
    distance, _ = cKDTree(theirs.points).query(ours.points)
    mapped = LinearNDInterpolator(theirs.points, values)(ours.points)
    return np.where(distance > cell, np.nan, mapped)
