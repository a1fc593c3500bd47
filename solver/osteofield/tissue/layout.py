# SPDX-License-Identifier: LGPL-3.0-or-later
"""Where values live: nodes of a meshed sample or the one point of a well-mixed one, over ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import Sample
from ..integrator.halo import Halo, LocalMatrix
from .marrow import marrow_mesh
from .measure import lumped, sizes

if TYPE_CHECKING:
    from mpi4py import MPI
    from petsc4py import PETSc


@dataclass(frozen=True)
class WellMixed:
    """A sample without space: one cubic millimetre of marrow in contact with bone surface.

    Attributes:
        sigma0: Bone surface per marrow volume, 1/um.
        d0: Bone volume per bone surface, um.
    """

    sigma0: float
    d0: float
    dimension: int = 0
    volume: float = 1e9


@dataclass(frozen=True)
class Layout:
    """Values of the whole sample, and which of them this rank owns.

    Attributes:
        marrow_vertices, surface_vertices: Sample point of every marrow and surface value.
        marrow_cells, surface_cells: Cells in those numberings.
        volumes, areas: Lumped measure of every marrow and surface value.
        half_thickness: Of bone at every surface value, um.
        outer: Lumped area of the box faces at every marrow value.
        faces: The same of each face by itself, ``x-``, ``x+``, ...
        owned: Marrow value of every row of this rank.
        on_surface: Rows of this rank that touch bone.
        owned_surface: Surface value of each of them.
        facets: Facets of the bone surface that count on this rank (each counts on one), as its rows, ghosts
            after the owned ones.
        facet_sizes: Their areas, um^2 (lengths in 2-D, um).
        position: (rows, 3) coordinates of this rank's rows, um.
        stiffness, local: Scalar stiffness (None for one point) and its local rows.
    """

    marrow_vertices: np.ndarray
    surface_vertices: np.ndarray
    marrow_cells: np.ndarray
    surface_cells: np.ndarray
    volumes: np.ndarray
    areas: np.ndarray
    half_thickness: np.ndarray
    outer: np.ndarray
    faces: Mapping[str, np.ndarray]
    owned: np.ndarray
    on_surface: np.ndarray
    owned_surface: np.ndarray
    facets: np.ndarray
    facet_sizes: np.ndarray
    position: np.ndarray
    stiffness: PETSc.Mat | None
    local: LocalMatrix


def lay_out(sample: Sample | WellMixed, comm: MPI.Comm) -> Layout:
    """Collective: distribute a sample."""
    return _point(sample, comm) if isinstance(sample, WellMixed) else _mesh(sample, comm)


def _point(sample: WellMixed, comm: MPI.Comm) -> Layout:
    from mpi4py import MPI

    rows = np.arange(1 if comm.rank == 0 else 0)  # one point lives on one rank
    alone = Halo(np.zeros(0, np.int64), (0, len(rows)), MPI.COMM_SELF)
    local = LocalMatrix(np.zeros(len(rows) + 1, np.int32), np.zeros(0, np.int32), np.zeros(0), alone)
    one, no_cells = np.zeros(1, np.int64), np.zeros((0, 1), np.int64)
    return Layout(
        marrow_vertices=one,
        surface_vertices=one,
        marrow_cells=no_cells,
        surface_cells=no_cells,
        volumes=np.array([sample.volume]),
        areas=np.array([sample.volume * sample.sigma0]),
        half_thickness=np.array([sample.d0]),
        outer=np.zeros(1),
        faces={},
        owned=rows,
        on_surface=rows,
        owned_surface=rows,
        facets=no_cells,
        facet_sizes=np.zeros(0),
        position=np.zeros((len(rows), 3)),
        stiffness=None,
        local=local,
    )


def _mesh(sample: Sample, comm: MPI.Comm) -> Layout:
    mesh = marrow_mesh(sample, comm)
    n, points = len(sample.points), sample.points
    marrow, owned = mesh.vertices, mesh.owned
    surface = np.unique(sample.surface)
    marrow_value, surface_value = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    marrow_value[marrow] = np.arange(len(marrow))
    surface_value[surface] = np.arange(len(surface))
    faces = {side: lumped(points, f, n)[marrow] for side, f in sample.faces.items() if len(f)}
    on_surface = np.flatnonzero(surface_value[marrow[owned]] >= 0)
    position = np.zeros((len(owned), 3))
    position[:, : sample.dimension] = points[marrow[owned]]
    local = LocalMatrix.from_petsc(mesh.stiffness, comm)
    values_of_rows = _with_ghosts(owned, local)
    facets = _own_facets(marrow_value[sample.surface], values_of_rows, local.rows)
    return Layout(
        marrow_vertices=marrow,
        surface_vertices=surface,
        marrow_cells=marrow_value[sample.marrow],
        surface_cells=surface_value[sample.surface],
        volumes=lumped(points, sample.marrow, n)[marrow],
        areas=lumped(points, sample.surface, n)[surface],
        half_thickness=sample.half_thickness[surface],
        outer=sum(faces.values(), np.zeros(len(marrow))),
        faces=faces,
        owned=owned,
        on_surface=on_surface,
        owned_surface=surface_value[marrow[owned[on_surface]]],
        facets=facets,
        facet_sizes=sizes(points, marrow[values_of_rows][facets]),
        position=position,
        stiffness=mesh.stiffness,
        local=local,
    )


def _with_ghosts(values: np.ndarray, local: LocalMatrix) -> np.ndarray:
    """Collective: whole numbers of the owned rows, and those of the ghosts after them."""
    out = np.zeros((local.rows + local.halo.ghosts, 1))
    out[: local.rows, 0] = values
    local.halo(out)
    return out[:, 0].astype(np.int64)


def _own_facets(facets: np.ndarray, values: np.ndarray, rows: int) -> np.ndarray:
    """Of all facets of the bone surface (marrow values) those whose first vertex is owned here, as rows.

    Every vertex of a facet is a neighbour of the others, and so at least a ghost where one of them is owned.
    """
    row = np.full(int(max(facets.max(initial=-1), values.max(initial=-1))) + 1, -1, np.int64)
    row[values] = np.arange(len(values))
    first = row[facets[:, 0]]
    return row[facets[(first >= 0) & (first < rows)]]
