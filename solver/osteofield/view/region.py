# SPDX-License-Identifier: LGPL-3.0-or-later
"""Regions of a mesh and sides of its surface, by numbers alone."""

from __future__ import annotations

import numpy as np


def smooth_region(inside: np.ndarray, cells: np.ndarray, passes: int = 3) -> np.ndarray:
    """An indicator ``(n,)`` averaged over neighbouring cells; its border is at 0.5.

    A region that ends within one cell would show the cells' facets instead of its form.
    """
    value = inside.astype(float)
    count = np.bincount(cells.ravel(), minlength=len(value)).clip(1)
    for _ in range(passes):
        mean = np.repeat(value[cells].mean(1), cells.shape[1])
        value = np.bincount(cells.ravel(), mean, len(value)) / count
    return value


def box_facets(points: np.ndarray, tets: np.ndarray, box: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Facets of tetrahedra on the faces of a box.

    Args:
        points: ``(n, 3)``.
        tets: ``(m, 4)``.
        box: ``(2, 3)`` lower and upper corner.

    Returns:
        ``(side, axis)``, side 0 for lower, to ``(k, 3)`` rows of `points`.
    """
    out = {}
    tolerance = 1e-6 * float(np.ptp(box, axis=0).max())
    for side in range(2):
        for axis in range(3):
            on = np.abs(points[:, axis] - box[side, axis]) < tolerance
            four = tets[on[tets].sum(1) == 3]
            out[side, axis] = four[on[four]].reshape(-1, 3)
    return out


def orient_outwards(
    points: np.ndarray, triangles: np.ndarray, marrow_points: np.ndarray, tets: np.ndarray
) -> np.ndarray:
    """Turn triangles so that their normals point into the marrow.

    Args:
        points: ``(n, 3)`` of the surface; each is also one of `marrow_points`.
        triangles: ``(m, 3)``.
        marrow_points: ``(N, 3)``.
        tets: ``(M, 4)``.

    Returns:
        ``(m, 3)``; triangles that are no facet of a tetrahedron stay as they are.
    """
    from scipy.spatial import cKDTree

    if len(points) > 2_000_000:  # its cube must fit into 63 bits
        return triangles

    number = np.full(len(marrow_points), -1)
    number[cKDTree(marrow_points).query(points)[1]] = np.arange(len(points))
    local = number[tets]
    touching = (local >= 0).sum(1) >= 3
    local, tets = local[touching], tets[touching]
    facets, opposite = [], []
    for k in range(4):
        others = [i for i in range(4) if i != k]
        whole = (local[:, others] >= 0).all(1)
        facets.append(np.sort(local[whole][:, others], axis=1))
        opposite.append(tets[whole, k])
    keys = _key(np.concatenate(facets), len(points))
    order = np.argsort(keys)
    wanted = _key(np.sort(triangles, axis=1), len(points))
    at = np.searchsorted(keys[order], wanted).clip(max=len(order) - 1)
    found = keys[order][at] == wanted
    apex = marrow_points[np.concatenate(opposite)[order][at]]
    a, b, c = (points[triangles[:, k]] for k in range(3))
    wrong = found & (np.einsum("ij,ij->i", np.cross(b - a, c - a), apex - a) < 0)
    out = triangles.copy()
    out[wrong] = out[wrong][:, ::-1]
    return out


def _key(triples: np.ndarray, n: int) -> np.ndarray:
    return (triples[:, 0] * n + triples[:, 1]) * n + triples[:, 2]
