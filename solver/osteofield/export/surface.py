# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bone surface at one time as triangles, for printing and for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from ..errors import InputError, Problem, writing
from ..geometry.nearest import Surface
from ..geometry.sides import Nodes
from .bone import Bone
from .grid import finest
from .level import level_of


@dataclass(frozen=True)
class Skin:
    """Triangles between bone and marrow, open where the sample ends.

    Attributes:
        points: ``(n, 3)`` um.
        triangles: ``(m, 3)`` normals into the marrow.
        depth: ``(n,)`` net eroded depth since day 0, um.
    """

    points: np.ndarray
    triangles: np.ndarray
    depth: np.ndarray


def skin_of(bone: Bone) -> Skin:
    """The surface of the bone as it is at its time; where bone touches an implant it is open.

    Where the mesh has that surface (day 0, or it has moved), it is the mesh. Otherwise it is where
    the eroded bone of `level_of` ends, contoured on a grid as fine as the mesh: holes show where
    bone was perforated.

    Raises:
        InputError: The sample is a section or has no bone, or PyVista is missing.
    """
    if bone.dimension != 3:
        raise InputError(Problem("this sample is a 2-D section and has no surface of triangles; --points "
                                 "writes its points."))  # fmt: skip
    if not len(bone.facets):
        raise InputError(Problem("this sample has no bone, so there is no surface to write."))
    if not bone.depth.any():
        return Skin(bone.points, bone.facets, bone.recorded)
    try:
        import pyvista
    except ImportError:
        raise InputError(
            Problem("PyVista is needed to contour the eroded bone: pip install 'osteofield[view]'.")
        ) from None
    nodes = finest(bone)
    level = level_of(bone, nodes)
    limit = 2 * float(np.linalg.norm(nodes.spacing))
    grid = pyvista.ImageData(dimensions=nodes.shape, spacing=tuple(nodes.spacing), origin=tuple(nodes.first))
    grid["level"] = level.solid.clip(-limit, limit).ravel(order="F")
    found = grid.contour([0.0], scalars="level", method="flying_edges", compute_normals=False)
    if not found.n_cells:
        return Skin(np.zeros((0, 3)), np.zeros((0, 3), np.int64), np.zeros(0))
    points = np.asarray(found.points, float)
    triangles = np.asarray(found.regular_faces, np.int64)
    triangles = _into_marrow(points, triangles, level.solid, nodes.first, nodes.spacing)
    solid = bone.solid
    surface = Surface(solid.points, solid.facets)
    depth = surface.nearest(points).interpolate(solid.facets, solid.recorded)
    if level.implant is not None:  # what the contour has of it is left out, also where bone has bared it
        at = points[triangles].mean(1)
        now, implant = (_at(v.clip(-limit, limit), nodes, at) for v in (level.now, level.implant))
        triangles = triangles[(surface.nearest(at).facet < solid.bone) & (now >= implant)]
        used, number = np.unique(triangles, return_inverse=True)
        points, depth, triangles = points[used], depth[used], number.reshape(triangles.shape)
    return Skin(points, triangles, depth)


def _at(values: np.ndarray, nodes: Nodes, x: np.ndarray) -> np.ndarray:
    """Node values at places ``(n, d)``, linear between nodes."""
    index = (x - nodes.first) / nodes.spacing
    out: np.ndarray = ndimage.map_coordinates(values, index.T, order=1, mode="nearest")
    return out


def implant_skin(bone: Bone) -> Skin:
    """The closed surface of the implant, with its ends where the sample ends; normals out of it.

    Raises:
        InputError: The sample holds none, or is a section.
    """
    if bone.hull is None or bone.dimension != 3:
        why = "holds no implant" if bone.hull is None else "is a 2-D section: it has no surface of triangles"
        raise InputError(Problem(f"this sample {why}.", "--implant"))
    # making the hull smooth may have moved points onto each other
    points, number = np.unique(bone.hull.points, axis=0, return_inverse=True)
    triangles = number.ravel()[bone.hull.facets]
    a, b, c = triangles.T
    return Skin(points, triangles[(a != b) & (b != c) & (c != a)], np.zeros(len(points)))


def _into_marrow(
    points: np.ndarray, triangles: np.ndarray, level: np.ndarray, first: np.ndarray, spacing: np.ndarray
) -> np.ndarray:
    """Turn all triangles so that their normals point to where the level falls (they agree already)."""
    x = points[triangles]
    n = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
    size = np.linalg.norm(n, axis=1)
    big = size > 0.1 * float(np.median(size))
    step = n[big] / size[big, None] * spacing.mean()
    values = []
    for sign in (1, -1):
        index = np.round((x[big].mean(1) + sign * step - first) / spacing).astype(int)
        values.append(level[tuple(index.clip(0, np.array(level.shape) - 1).T)])
    falls = np.sign(values[1]) - np.sign(values[0])
    return triangles if falls.sum() >= 0 else triangles[:, ::-1]


def write_skin(skin: Skin, path: Path) -> None:
    """Write STL (binary) or PLY (binary, with the property ``depth`` at every point), in um.

    Raises:
        InputError: The file cannot be written.
    """
    import meshio

    with writing("the surface", path):
        if path.suffix.lower() == ".stl":
            mesh = meshio.Mesh(skin.points, [("triangle", skin.triangles)])
            meshio.write(path, mesh, file_format="stl", binary=True)
        else:
            mesh = meshio.Mesh(
                skin.points.astype(np.float32), [("triangle", skin.triangles.astype(np.int32))],
                point_data={"depth": skin.depth.astype(np.float32)},
            )  # fmt: skip
            meshio.write(path, mesh, file_format="ply", binary=True)
