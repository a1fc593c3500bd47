# SPDX-License-Identifier: LGPL-3.0-or-later
"""Parts of a mesh that pictures need: cut surfaces, plane slices, the border of a region."""

from __future__ import annotations

import numpy as np
import pyvista as pv


def surface_mesh(points: np.ndarray, triangles: np.ndarray, **fields: np.ndarray) -> pv.PolyData:
    """A triangle surface with point fields and smooth normals that follow its orientation."""
    mesh = pv.PolyData.from_regular_faces(points, triangles)
    for name, values in fields.items():
        mesh.point_data[name] = values
    return mesh.compute_normals(
        cell_normals=False, split_vertices=False, consistent_normals=False, auto_orient_normals=False
    )


def cut_away(mesh: pv.PolyData, origin: np.ndarray, normal: np.ndarray) -> pv.PolyData:
    """What lies behind the plane through `origin`, seen from where `normal` points."""
    return mesh.clip(normal=normal, origin=origin, invert=True)


def slice_of(
    points: np.ndarray, tets: np.ndarray, origin: np.ndarray, normal: np.ndarray, **fields: np.ndarray
) -> pv.PolyData:
    """Plane cut through tetrahedra with point fields, linear in each as the elements are."""
    side = (points - origin) @ normal
    low, high = side[tets].min(1), side[tets].max(1)
    near = tets[(low <= 0) & (high >= 0)]
    used, cells = np.unique(near, return_inverse=True)
    grid = pv.UnstructuredGrid({pv.CellType.TETRA: cells.reshape(-1, 4)}, points[used])
    for name, values in fields.items():
        grid.point_data[name] = values[used]
    return grid.slice(normal=normal, origin=origin)


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


def region_border(points: np.ndarray, tets: np.ndarray, inside: np.ndarray) -> pv.PolyData:
    """Smooth border, within the mesh, of the region where `inside` ``(n,)`` is true; may be empty."""
    value = smooth_region(inside, tets)
    low, high = value[tets].min(1), value[tets].max(1)
    near = tets[(low < 0.5) & (high >= 0.5)]
    if not len(near):
        return pv.PolyData()
    used, cells = np.unique(near, return_inverse=True)
    grid = pv.UnstructuredGrid({pv.CellType.TETRA: cells.reshape(-1, 4)}, points[used])
    border = grid.contour([0.5], scalars=value[used])
    return border.smooth_taubin(n_iter=20, pass_band=0.1, boundary_smoothing=True)


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
