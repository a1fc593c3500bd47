# SPDX-License-Identifier: LGPL-3.0-or-later
"""Parts of a mesh that pictures need: cut surfaces, plane slices, the border of a region."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pyvista as pv

_NO_FIELDS: Mapping[str, np.ndarray] = MappingProxyType({})


def surface_mesh(points: np.ndarray, triangles: np.ndarray, **fields: np.ndarray) -> pv.PolyData:
    """A triangle surface with point fields and smooth normals that follow its orientation."""
    mesh = pv.PolyData.from_regular_faces(points, triangles)
    for name, values in fields.items():
        mesh.point_data[name] = values
    return mesh.compute_normals(
        cell_normals=False, split_vertices=False, consistent_normals=False, auto_orient_normals=False
    )


def openings(
    points: np.ndarray, facets: Mapping[tuple[int, int], np.ndarray]
) -> dict[tuple[int, int], pv.PolyData]:
    """What `region.box_facets` found, as surfaces."""
    return {face: pv.PolyData.from_regular_faces(points, t) for face, t in facets.items()}


def cut_away(mesh: pv.PolyData, origin: np.ndarray, normal: np.ndarray) -> pv.PolyData:
    """What lies behind the plane through `origin`, seen from where `normal` points."""
    return mesh.clip(normal=normal, origin=origin, invert=True)


def slice_of(
    points: np.ndarray,
    tets: np.ndarray,
    origin: np.ndarray,
    normal: np.ndarray,
    fields: Mapping[str, np.ndarray] = _NO_FIELDS,
) -> pv.PolyData:
    """Triangles of a plane cut through tetrahedra with point fields, linear in each as the elements are."""
    side = (points - origin) @ normal
    low, high = side[tets].min(1), side[tets].max(1)
    near = tets[(low <= 0) & (high >= 0)]
    used, cells = np.unique(near, return_inverse=True)
    grid = pv.UnstructuredGrid({pv.CellType.TETRA: cells.reshape(-1, 4)}, points[used])
    for name, values in fields.items():
        grid.point_data[name] = values[used]
    return grid.slice(normal=normal, origin=origin).triangulate()


def lines_of(
    points: np.ndarray,
    triangles: np.ndarray,
    origin: np.ndarray,
    normal: np.ndarray,
    fields: Mapping[str, np.ndarray] = _NO_FIELDS,
) -> pv.PolyData:
    """Line segments where a plane meets a triangle surface with point fields."""
    if not len(triangles):
        return pv.PolyData()
    mesh = pv.PolyData.from_regular_faces(points, triangles)
    for name, values in fields.items():
        mesh.point_data[name] = values
    return mesh.slice(normal=normal, origin=origin)


def region_border(points: np.ndarray, tets: np.ndarray, value: np.ndarray) -> pv.PolyData:
    """Border, within the mesh, of a region as `region.smooth_region` gives it; may be empty."""
    low, high = value[tets].min(1), value[tets].max(1)
    near = tets[(low < 0.5) & (high >= 0.5)]
    if not len(near):
        return pv.PolyData()
    used, cells = np.unique(near, return_inverse=True)
    grid = pv.UnstructuredGrid({pv.CellType.TETRA: cells.reshape(-1, 4)}, points[used])
    border = grid.contour([0.5], scalars=value[used])
    return border.smooth_taubin(n_iter=20, pass_band=0.1, boundary_smoothing=True)
