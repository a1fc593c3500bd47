# SPDX-License-Identifier: LGPL-3.0-or-later
"""Where values live: nodes of a meshed sample or the one point of a well-mixed one, over ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import Piece, Sample, part_of
from ..geometry.implant import FACE as IMPLANT
from ..integrator.halo import Halo, LocalMatrix
from ..team import Team
from .marrow import marrow_mesh
from .measure import lumped, sizes

if TYPE_CHECKING:
    from mpi4py import MPI


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
    """The values of this rank, and their places among those of the whole sample.

    Values are numbered by the marrow points of the sample and by its bone-surface points, in an order
    that is the same on any number of ranks; rows are the values of this rank in an order of its own.

    Attributes:
        marrow_count, surface_count, cell_count: Marrow and surface values and marrow cells of the whole.
        owned: Marrow value of every row.
        on_surface: Rows that touch bone.
        owned_surface: Surface value of each of them.
        volumes, outer: Lumped volume, and lumped area of the box faces, of every row.
        faces: The latter of each face by itself, ``x-``, ``x+``, ..., and that of an ``implant``; of those
            that have marrow on this rank.
        areas, half_thickness: Lumped area, and half thickness of bone (um), of every surface row.
        points: ``(rows + ghosts, d)`` um; ghosts are rows of other ranks next to those of this one.
        values, surface_values: Marrow value of every one of them, and surface value, -1 away from bone.
        cells: Marrow cells, as rows and ghosts: those that count on this rank (each counts on one), then
            others that touch its rows.
        own_cells: How many of them count here.
        facets: Facets of the bone surface that count here, as rows and ghosts.
        facet_sizes: Their areas, um^2 (lengths in 2-D, um).
        position: ``(rows, 3)`` coordinates of the rows, um.
        local: This rank's rows of the scalar stiffness (none for one point).
    """

    marrow_count: int
    surface_count: int
    cell_count: int
    owned: np.ndarray
    on_surface: np.ndarray
    owned_surface: np.ndarray
    volumes: np.ndarray
    outer: np.ndarray
    faces: Mapping[str, np.ndarray]
    areas: np.ndarray
    half_thickness: np.ndarray
    points: np.ndarray
    values: np.ndarray
    surface_values: np.ndarray
    cells: np.ndarray
    own_cells: int
    facets: np.ndarray
    facet_sizes: np.ndarray
    position: np.ndarray
    local: LocalMatrix


def lay_out(sample: Sample | Piece | WellMixed, comm: MPI.Comm) -> Layout:
    """Collective: rows and measures of a piece, of a sample that every rank has, or of one point."""
    if isinstance(sample, WellMixed):
        return _point(sample, comm)
    return _mesh(part_of(sample, Team(comm)) if isinstance(sample, Sample) else sample, comm)


def _point(sample: WellMixed, comm: MPI.Comm) -> Layout:
    from mpi4py import MPI

    rows = np.arange(1 if comm.rank == 0 else 0)  # one point lives on one rank
    n = len(rows)
    alone = Halo(np.zeros(0, np.int64), (0, n), MPI.COMM_SELF)
    local = LocalMatrix(np.zeros(n + 1, np.int32), np.zeros(0, np.int32), np.zeros(0), alone)
    no_cells = np.zeros((0, 1), np.int32)
    return Layout(
        marrow_count=1,
        surface_count=1,
        cell_count=0,
        owned=rows,
        on_surface=rows,
        owned_surface=rows,
        volumes=np.full(n, sample.volume),
        outer=np.zeros(n),
        faces={},
        areas=np.full(n, sample.volume * sample.sigma0),
        half_thickness=np.full(n, sample.d0),
        points=np.zeros((n, 0)),
        values=rows,
        surface_values=rows,
        cells=no_cells,
        own_cells=0,
        facets=no_cells,
        facet_sizes=np.zeros(0),
        position=np.zeros((n, 3)),
        local=local,
    )


def _mesh(piece: Piece, comm: MPI.Comm) -> Layout:
    mesh = marrow_mesh(piece, comm)
    own, order, points = piece.own, mesh.points, piece.points
    rows = order[:own]
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    faces = {side: lumped(points, f, len(points))[rows] for side, f in piece.faces.items() if len(f)}
    surface_value = piece.surface_number[rows]
    on_surface = np.flatnonzero(surface_value >= 0)
    at_bone = rows[on_surface]
    facets = piece.surface[: piece.own_facets]
    ordered = points[order]
    position = ordered[:own]
    if piece.dimension == 2:
        position = np.column_stack([position, np.zeros(own)])
    return Layout(
        marrow_count=piece.marrow_points,
        surface_count=piece.surface_points,
        cell_count=piece.marrow_cells,
        owned=piece.number[rows],
        on_surface=on_surface,
        owned_surface=surface_value[on_surface],
        volumes=lumped(points, piece.marrow, len(points))[rows],
        outer=sum((a for side, a in faces.items() if side != IMPLANT), np.zeros(own)),
        faces=faces,
        areas=lumped(points, piece.surface, len(points))[at_bone],
        half_thickness=piece.half_thickness[at_bone],
        points=ordered,
        values=piece.number[order],
        surface_values=piece.surface_number[order],
        cells=place[piece.marrow],
        own_cells=piece.own_cells,
        facets=place[facets],
        facet_sizes=sizes(points, facets),
        position=np.ascontiguousarray(position),
        local=mesh.local,
    )
