# SPDX-License-Identifier: LGPL-3.0-or-later
"""Meshes from elsewhere whose cells are tagged bone or marrow: XDMF, Gmsh and what else meshio reads."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..case.types import TagSpec
from ..errors import InputError, Problem, did_you_mean
from ..team import ALONE
from .grid import Grid
from .halfthickness import half_thickness, mean_thickness
from .implant import FACE as IMPLANT
from .implant import hull_over
from .morphometry import Morphometry, anisotropy, areas, non_manifold_edges, total_volume, volumes
from .nearest import Surface
from .quality import Quality
from .sample import Sample
from .sides import Nodes, in_bone

Log = Callable[[str], None]

_SIMPLEX = {3: "tetra", 2: "triangle"}
_FACET = {3: "triangle", 2: "line"}
_SOLID = {3: ("hexahedron", "wedge", "pyramid"), 2: ("quad",)}
_GMSH = "gmsh:physical"
_BONE, _MARROW, _IMPLANT = 1, 2, 3


@dataclass(frozen=True)
class _Read:
    """A mesh as it was read: lengths in um, every point in a cell, cells positively oriented.

    Attributes:
        points: ``(N, d)``.
        cells: ``(n, d+1)``.
        phase: ``(n,)`` one of the three above.
        tagged: ``(m, d)`` facets that the file tags as bone surface, or None.
    """

    points: np.ndarray
    cells: np.ndarray
    phase: np.ndarray
    tagged: np.ndarray | None


def load_tagged(path: Path, spec: TagSpec, *, log: Log = lambda _: None, thickness: bool = False) -> Sample:
    """A sample from a mesh of tetrahedra (or triangles in a plane) with tagged cells.

    Bone surface is every facet between a bone and a marrow cell. Outer facets of the marrow count
    to the face of the box that they look to most. Implant cells are left out: nothing crosses their facets.

    Raises:
        InputError: The file cannot be read, or its cells, tags or points do not make up a sample.
    """
    log(f"reading {path}")
    read = _read(path, spec)
    d = read.points.shape[1]
    surface, outer, free, shared = _facets(read)
    _check_surface(read, surface, path, spec)
    bone, marrow = read.cells[read.phase == _BONE], read.cells[read.phase == _MARROW]
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
        faces[IMPLANT] = free
        implant = read.cells[read.phase == _IMPLANT]
        at = np.flatnonzero(used)[free]  # rows of the points of the file
        hull = hull_over(read.points, np.arange(len(read.points)), implant, at, ALONE)
    return Sample(
        d, points, marrow, bone, surface, faces,
        (tuple(map(float, lo)), tuple(map(float, hi))), half, Morphometry(**{**vars(numbers), **more}), facts,
        implant=hull,
    )  # fmt: skip


# -------------------------------------------------------------------- reading
def _read(path: Path, spec: TagSpec) -> _Read:
    import meshio

    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            mesh = meshio.read(path)
    except SystemExit as e:  # its way to say that a file is odd
        raise InputError(Problem(f"this cannot be read as a mesh ({e}).", path)) from None
    except Exception as e:  # its readers raise whatever their parsers do
        said = str(e).strip().splitlines()
        raise InputError(
            Problem(f"this cannot be read as a mesh ({said[0] if said else type(e).__name__}).", path)
        ) from None
    kinds = {block.type: 0 for block in mesh.cells}
    for block in mesh.cells:
        kinds[block.type] += len(block.data)
    d = 3 if any(k in kinds for k in ("tetra", "tetra10", *_SOLID[3])) else 2
    odd = [k for k in kinds if k in _SOLID[d] or k in (f"{_SIMPLEX[d]}10", f"{_SIMPLEX[d]}6")]
    if odd or _SIMPLEX[d] not in kinds:
        there = ", ".join(f"{n} {k}" for k, n in kinds.items()) or "no cells"
        raise InputError(
            Problem(
                "a sample needs linear tetrahedra, or linear triangles in two dimensions; the file has "
                f"{there}.",
                path,
            )
        )
    cells = np.concatenate([b.data for b in mesh.cells if b.type == _SIMPLEX[d]]).astype(np.int64)
    tags = _tags(mesh.cell_data_dict, _SIMPLEX[d], spec, path)
    names = {n: int(v[0]) for n, v in mesh.field_data.items() if len(v) > 1 and int(v[1]) == d}
    phase = _phases(tags, spec, names, path)
    points = np.asarray(mesh.points, float) * spec.unit
    if d == 2 and points.shape[1] == 3:
        if np.ptp(points[:, 2]) > 1e-6 * np.ptp(points):
            raise InputError(
                Problem("its triangles do not lie in a plane z = constant: a sample is a volume or a plane "
                        "section, not a curved surface.", path)
            )  # fmt: skip
        points = points[:, :2]
    used = np.zeros(len(points), bool)
    used[cells] = True
    row = np.cumsum(used) - 1
    points, cells = points[used], row[cells]
    _check_points(points, path)
    size = volumes(points, cells)
    flat = np.abs(size) <= 1e-12 * float(np.abs(size).max())
    if flat.any():
        raise InputError(Problem(f"{int(flat.sum())} cells have no volume; remove them.", path))
    cells[size < 0] = cells[size < 0][:, [1, 0, *range(2, d + 1)]]
    tagged = None
    if spec.surface is not None:
        facet_names = {n: int(v[0]) for n, v in mesh.field_data.items() if len(v) > 1 and int(v[1]) == d - 1}
        tagged = _tagged_facets(mesh, d, spec, facet_names, path)
        tagged = row[tagged[used[tagged].all(1)]]
    return _Read(points, cells, phase, tagged)


def _tags(data: Mapping[str, Mapping[str, Any]], kind: str, spec: TagSpec, path: Path) -> np.ndarray:
    """The array of cell tags that the case names, Gmsh's physical groups, or the only one there is."""
    there = {
        name: np.asarray(by[kind]).ravel()
        for name, by in data.items()
        if kind in by and np.asarray(by[kind]).ndim == 1 and np.all(np.asarray(by[kind]) % 1 == 0)
    }
    if spec.array is not None:
        if spec.array not in there:
            hint = did_you_mean(spec.array, there, otherwise="there are") if there else "; it has none."
            raise InputError(
                Problem(f"the file has no whole numbers '{spec.array}' of its cells{hint}", path)
            )
        return there[spec.array]
    if _GMSH in there:
        return there[_GMSH]
    own = {name: v for name, v in there.items() if not name.startswith("gmsh:")}
    if len(own) != 1:
        what = f'several sets of them ({", ".join(sorted(own))}); choose one with tags = "NAME".'
        none = (
            "no tags: cells must say whether they are bone or marrow. In Gmsh, make a physical group of "
            "each; with meshio, write a cell data array of whole numbers."
        )
        raise InputError(Problem(f"its cells have {what if own else none}", path))
    return next(iter(own.values()))


def _phases(tags: np.ndarray, spec: TagSpec, names: Mapping[str, int], path: Path) -> np.ndarray:
    phase = np.zeros(len(tags), np.int8)
    found, count = np.unique(tags, return_counts=True)
    called = {v: f"{int(v)} ({n})" for n, v in names.items()}
    there = ", ".join(f"{called.get(int(v), int(v))} on {c} cells" for v, c in zip(found, count, strict=True))
    for name, number, value in (
        ("bone", _BONE, spec.bone), ("marrow", _MARROW, spec.marrow), ("implant", _IMPLANT, spec.implant),
    ):  # fmt: skip
        if value is None:
            continue
        tag = _number(value, names, path)
        if not (tags == tag).any():
            raise InputError(Problem(f"no cell has the tag {value!r} of {name}; there are: {there}.", path))
        phase[tags == tag] = number
    if (phase == 0).any():
        raise InputError(
            Problem(
                f"{int((phase == 0).sum())} of {len(tags)} cells are neither bone nor marrow nor implant; "
                f"there are the tags {there}. Tag them, remove them, or name them in the case.",
                path,
            )
        )
    return phase


def _number(tag: int | str, names: Mapping[str, int], path: Path) -> int:
    if isinstance(tag, int):
        return tag
    if tag not in names:
        hint = (
            did_you_mean(tag, names, otherwise="there are") if names else "; it names no groups: use numbers."
        )
        raise InputError(Problem(f"there is no group '{tag}' in this file{hint}", path))
    return names[tag]


def _check_points(points: np.ndarray, path: Path) -> None:
    """Bone and marrow that were meshed apart have their own points on the surface."""
    size = float(np.ptp(points, axis=0).max())
    twice = len(points) - len(np.unique(np.round(points / (1e-9 * size)).astype(np.int64), axis=0))
    if twice:
        raise InputError(
            Problem(
                f"{twice} points lie where another one does: the meshes of bone and marrow are not joined. "
                "Merge them (in Gmsh: 'Coherence Mesh;').",
                path,
            )
        )


# -------------------------------------------------------------------- facets
def _tagged_facets(mesh: Any, d: int, spec: TagSpec, names: Mapping[str, int], path: Path) -> np.ndarray:
    assert spec.surface is not None
    kind = _FACET[d]
    blocks = [b.data for b in mesh.cells if b.type == kind]
    if not blocks:
        raise InputError(Problem(f"the file has no {kind}s, so none is tagged as bone surface.", path))
    tags = _tags(mesh.cell_data_dict, kind, spec, path)
    tag = _number(spec.surface, names, path)
    chosen = np.concatenate(blocks).astype(np.int64)[tags == tag]
    if not len(chosen):
        raise InputError(Problem(f"no {kind} has the tag {spec.surface!r} of the bone surface.", path))
    return chosen


def _facets(read: _Read) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
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
    bone, marrow = (pa == _BONE) & (pb != _BONE), (pa == _MARROW) & (pb != _MARROW)
    surface = bone & (pb == _MARROW)
    free = out[marrow & (pb == _IMPLANT)]
    return (
        out[surface], out[marrow & (pb == 0)], free[:, [1, 0, *range(2, free.shape[1])]],
        (out[bone], np.concatenate([out[marrow], back[surface]])),
    )  # fmt: skip


def _outwards(read: _Read, facets: np.ndarray, apex: np.ndarray) -> np.ndarray:
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


def _check_surface(read: _Read, surface: np.ndarray, path: Path, spec: TagSpec) -> None:
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
