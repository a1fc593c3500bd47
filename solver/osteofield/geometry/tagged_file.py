# SPDX-License-Identifier: LGPL-3.0-or-later
"""Files of tagged meshes, read through meshio: XDMF, Gmsh and what else it knows."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..case.types import TagSpec
from ..errors import InputError, Problem, did_you_mean
from .morphometry import volumes

BONE, MARROW, IMPLANT = 1, 2, 3
_SIMPLEX = {3: "tetra", 2: "triangle"}
_FACET = {3: "triangle", 2: "line"}
_SOLID = {3: ("hexahedron", "wedge", "pyramid"), 2: ("quad",)}
_GMSH = "gmsh:physical"


@dataclass(frozen=True)
class TaggedMesh:
    """A mesh as it was read: lengths in um, every point in a cell, cells positively oriented.

    Attributes:
        points: ``(N, d)``.
        cells: ``(n, d+1)``.
        phase: ``(n,)`` `BONE`, `MARROW` or `IMPLANT`.
        tagged: ``(m, d)`` facets that the file tags as bone surface, or None.
    """

    points: np.ndarray
    cells: np.ndarray
    phase: np.ndarray
    tagged: np.ndarray | None


def read_tagged(path: Path, spec: TagSpec) -> TaggedMesh:
    """Read a mesh and the phase of its cells.

    Raises:
        InputError: The file cannot be read, or its cells or tags are not those of bone and marrow.
    """
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
    return TaggedMesh(points, cells, phase, tagged)


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
        ("bone", BONE, spec.bone), ("marrow", MARROW, spec.marrow), ("implant", IMPLANT, spec.implant),
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
