# SPDX-License-Identifier: LGPL-3.0-or-later
"""Samples from meshes of other programs, whose cells are tagged bone or marrow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..case.types import TagSpec
from ..errors import InputError, Problem
from ..team import ALONE
from .grid import Grid
from .halfthickness import half_thickness, mean_thickness
from .implant import FACE, hull_over
from .morphometry import Morphometry, anisotropy, areas, non_manifold_edges, total_volume
from .nearest import Surface
from .quality import Quality
from .sample import Sample
from .sides import Nodes, in_bone
from .tagged_file import BONE, IMPLANT, MARROW, TaggedMesh, read_tagged

Log = Callable[[str], None]


def load_tagged(path: Path, spec: TagSpec, *, log: Log = lambda _: None, thickness: bool = False) -> Sample:
    """A sample from a mesh of tetrahedra (or triangles in a plane) with tagged cells.

    Bone surface is every facet between a bone and a marrow cell. Outer facets of the marrow count
    to the face of the box that they look to most. Implant cells are left out: nothing crosses their facets.

    Raises:
        InputError: The file cannot be read, or its cells, tags or points do not make up a sample.
    """
    log(f"reading {path}")
    read = read_tagged(path, spec)
    d = read.points.shape[1]
    surface, outer, free, shared = _facets(read)
    _check_surface(read, surface, path, spec)
    bone, marrow = read.cells[read.phase == BONE], read.cells[read.phase == MARROW]
    used = np.zeros(len(read.points), bool)
    used[marrow], used[bone] = True, True
    row, points = np.cumsum(used) - 1, read.points[used]
    bone, marrow, surface, outer, free = row[bone], row[marrow], row[surface], row[outer], row[free]
    bone_side, marrow_side = row[shared[0]], row[shared[1]]
    lo, hi = points.min(0), points.max(0)
    edge = np.linalg.norm(points[surface[:, 1]] - points[surface[:, 0]], axis=1)
    grid = Grid.fit(lo, hi, float(np.median(edge)))
    log("measuring the thickness of bone")
    phi, in_marrow = _distance(grid, points, surface, bone_side, marrow_side)
    at = np.unique(surface)
    half = np.full(len(points), np.nan)
    half[at] = half_thickness(phi, grid, points[at])
    numbers = Morphometry(
        bone_volume=total_volume(points, bone),
        marrow_volume=total_volume(points, marrow),
        bone_surface=float(areas(points, surface).sum()),
        bone_pieces=_pieces(bone),
        marrow_pieces=_pieces(marrow),
        quality=Quality.of(points, np.concatenate([bone, marrow])),
    )
    more: dict[str, Any] = {}
    if thickness:
        th, sp = (
            mean_thickness(phi, grid, points[at]),
            mean_thickness(np.where(in_marrow, -phi, -1.0), grid, points[at]),
        )
        more = {
            "thickness": th[0], "thickness_sd": th[1], "separation": sp[0], "separation_sd": sp[1],
            "anisotropy": anisotropy(points, surface),
        }  # fmt: skip
    if d == 3:
        more["connectivity"] = (1 - _euler(bone)) / numbers.total_volume
    facts = {
        "source": "tagged mesh",
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "unit [um]": spec.unit,
        "tags": {k: v for k, v in vars(spec).items() if k != "unit" and v is not None},
        "median edge of the surface [um]": float(np.median(edge)),
    }
    if spec.implant is not None:
        facts["labels"] = {"implant": [spec.implant]}
    log(
        f"{len(marrow)} marrow cells, {len(bone)} bone cells, {len(points)} points, BV/TV {numbers.bv_tv:.4f}"
    )
    faces, hull = _by_face(points, outer, d), None
    if spec.implant is not None:
        faces[FACE] = free
        implant = read.cells[read.phase == IMPLANT]
        at = np.flatnonzero(used)[free]  # rows of the points of the file
        hull = hull_over(read.points, np.arange(len(read.points)), implant, at, ALONE)
    return Sample(
        d, points, marrow, bone, surface, faces,
        (tuple(map(float, lo)), tuple(map(float, hi))), half, Morphometry(**{**vars(numbers), **more}), facts,
        implant=hull,
    )  # fmt: skip


def _facets(read: TaggedMesh) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Bone surface with normals into the marrow, outer facets of the marrow, those between marrow and
    implant (normals into the marrow), and the closed boundaries of bone and of marrow with normals out of
    them."""
    n, k = read.cells.shape
    sides = np.concatenate([np.delete(read.cells, i, axis=1) for i in range(k)])
    number = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True)[1].ravel()
    order = np.argsort(number, kind="stable")
    first = np.flatnonzero(np.diff(number[order], prepend=-1))
    count = np.diff(np.append(first, len(order)))
    one, two = order[first], order[first + count - 1]  # the (first and last) cell of every facet
    phase_one, phase_two = read.phase[one % n], np.where(count > 1, read.phase[two % n], 0)
    # from the bone's, else the marrow's side
    turned = (phase_two > 0) & (phase_two < phase_one)
    a, b = np.where(turned, two, one), np.where(turned, one, two)
    pa, pb = np.where(turned, phase_two, phase_one), np.where(turned, phase_one, phase_two)
    out = _outwards(read, sides[a], read.cells[a % n, a // n])
    back = _outwards(read, sides[b], read.cells[b % n, b // n])
    bone, marrow = (pa == BONE) & (pb != BONE), (pa == MARROW) & (pb != MARROW)
    surface = bone & (pb == MARROW)
    free = out[marrow & (pb == IMPLANT)]
    return (
        out[surface], out[marrow & (pb == 0)], free[:, [1, 0, *range(2, free.shape[1])]],
        (out[bone], np.concatenate([out[marrow], back[surface]])),
    )  # fmt: skip


def _outwards(read: TaggedMesh, facets: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """Facets turned so that their normals point away from the vertex opposite them."""
    x = read.points[facets]
    if facets.shape[1] == 2:
        e = x[:, 1] - x[:, 0]
        normal = np.column_stack([e[:, 1], -e[:, 0]])
    else:
        normal = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
    wrong = ((read.points[apex] - x[:, 0]) * normal).sum(1) > 0
    out = facets.copy()
    out[wrong, 0], out[wrong, 1] = facets[wrong, 1], facets[wrong, 0]
    return out


def _check_surface(read: TaggedMesh, surface: np.ndarray, path: Path, spec: TagSpec) -> None:
    if not len(surface):
        raise InputError(
            Problem(
                "no facet lies between a bone and a marrow cell, so there is no bone surface: the two "
                "regions do not touch.",
                path,
            )
        )
    bad = non_manifold_edges(surface)
    if bad:
        raise InputError(
            Problem(
                f"at {bad} edges more than two facets of the bone surface meet; mend the mesh there.", path
            )
        )
    if read.tagged is None:
        return
    here, there = ({tuple(sorted(f)) for f in facets.tolist()} for facets in (surface, read.tagged))
    if here != there:
        raise InputError(
            Problem(
                f"{len(there)} facets are tagged {spec.surface!r} as bone surface, but {len(here)} lie "
                f"between bone and marrow; {len(here - there)} of these are untagged, {len(there - here)} "
                "tagged ones lie elsewhere.",
                path,
            )
        )


def _by_face(points: np.ndarray, outer: np.ndarray, d: int) -> dict[str, np.ndarray]:
    """Outer facets by the side of the box that they look to most."""
    x = points[outer]
    if d == 2:
        e = x[:, 1] - x[:, 0]
        normal = np.column_stack([e[:, 1], -e[:, 0]])
    else:
        normal = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
    axis = np.abs(normal).argmax(1) if len(normal) else np.zeros(0, int)
    up = normal[np.arange(len(normal)), axis] > 0
    return {f"{'xyz'[k]}{'-+'[s]}": outer[(axis == k) & (up == bool(s))] for k in range(d) for s in (0, 1)}


# -------------------------------------------------------------------- measures
def _distance(
    grid: Grid, points: np.ndarray, surface: np.ndarray, bone: np.ndarray, marrow: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the bone surface at grid nodes, positive in bone; and which nodes lie in marrow."""
    nodes = Nodes(np.array(grid.origin), np.array(grid.spacing), grid.shape)
    inside = in_bone(nodes, points, bone)
    used, facets = np.unique(surface, return_inverse=True)
    far = Surface(points[used], facets.reshape(surface.shape)).nearest(grid.points()).distance
    phi = np.where(inside, 1.0, -1.0) * far.reshape(grid.shape)
    return phi, in_bone(nodes, points, marrow)


def _pieces(cells: np.ndarray) -> int:
    """Pieces connected through points."""
    used, local = np.unique(cells, return_inverse=True)
    local = local.reshape(cells.shape)
    i, j = np.repeat(local[:, :1], cells.shape[1] - 1, 1).ravel(), local[:, 1:].ravel()
    graph = coo_array((np.ones(len(i), bool), (i, j)), shape=(len(used), len(used)))
    return int(connected_components(graph, directed=False)[0])


def _euler(cells: np.ndarray) -> int:
    """Euler number of a set of tetrahedra."""
    total = len(np.unique(cells)) - len(cells)
    for k, sign in ((2, -1), (3, 1)):
        rows = np.concatenate([cells[:, list(c)] for c in combinations(range(4), k)])
        total += sign * len(np.unique(np.sort(rows, axis=1), axis=0))
    return total
