# SPDX-License-Identifier: LGPL-3.0-or-later
"""The sample that a case describes: cut by any number of ranks, as pieces or as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..case.types import SampleSpec
from ..errors import ComputationStopped, InputError, Problem
from ..team import ALONE, Team
from .cut import Cut, cut_over
from .fingerprint import fingerprint
from .halfthickness import half_thickness_over, mean_thickness
from .implant import Implant, without_implant
from .morphometry import (
    Morphometry,
    anisotropy,
    areas,
    connectivity_density,
    non_manifold_edges,
    total_volume,
)
from .piece import Piece, deal, part_of
from .sample import Origin, Sample
from .source import MANY, Log, Source, level_set

if TYPE_CHECKING:
    from mpi4py import MPI


def build_sample(spec: SampleSpec, *, log: Log = lambda _: None, thickness: bool = False) -> Sample:
    """Build, or load, the sample that a case describes, as a whole on one process.

    Args:
        spec: One of image, foam, shape, mesh.
        log: Receives one line per step.
        thickness: Also measure Tb.Th, Tb.Sp and DA (seconds to a minute).

    Raises:
        InputError: The specification or the file it names cannot be used.
        ComputationStopped: The cut failed its own checks.
    """
    if spec.mesh is not None:
        return _load(spec, log, thickness)
    made = _make(spec, ALONE, log)
    mesh, grid, numbers = made.mesh, made.source.grid, made.numbers
    if thickness and len(made.at_surface):
        numbers = replace(numbers, anisotropy=anisotropy(mesh.points, mesh.surface))
        surface = mesh.points[made.at_surface]
        bone, marrow = mean_thickness(mesh.phi, grid, surface), mean_thickness(-mesh.phi, grid, surface)
        numbers = replace(
            numbers, thickness=bone[0], thickness_sd=bone[1], separation=marrow[0], separation_sd=marrow[1]
        )
    return Sample(
        grid.dimension, mesh.points, mesh.marrow, mesh.bone, mesh.surface, mesh.faces,
        (grid.origin, grid.upper), made.half, numbers, made.facts, Origin(grid, mesh.phi, mesh.keys),
    )  # fmt: skip


def build_piece(
    spec: SampleSpec, comm: MPI.Comm | None, *, whole: bool = False, log: Log = lambda _: None
) -> Piece:
    """Collective: build, or load, the sample that a case describes; every rank gets its piece.

    Args:
        spec: One of image, foam, shape, mesh.
        comm: Communicator.
        whole: Every rank also keeps the whole sample, and builds it by itself.
        log: Receives one line per step, on every rank (from a mesh file: on rank 0).

    Raises:
        InputError: The specification or the file it names cannot be used.
        ComputationStopped: The cut failed its own checks.
    """
    team = Team(comm)
    if whole:
        sample = build_sample(spec, log=log)
        return replace(part_of(sample, team), whole=sample)
    if spec.mesh is not None:
        return deal(team.on_root(lambda: _load(spec, log)), team)
    return _piece(_make(spec, team, log), team)


def _load(spec: SampleSpec, log: Log, thickness: bool = False) -> Sample:
    from .sample_file import load_sample
    from .tagged import load_tagged

    assert spec.mesh is not None
    if spec.tags is not None:
        return load_tagged(spec.mesh, spec.tags, log=log, thickness=thickness)
    return load_sample(spec.mesh)


@dataclass(frozen=True)
class _Made:
    """A cut that was checked and measured.

    Attributes:
        source: What was cut.
        mesh: What this rank has of the mesh.
        at_surface: Points of this rank on the bone surface.
        half: Half thickness of bone at them, nan at other points.
        numbers: Of the whole.
        facts: For the provenance.
    """

    source: Source
    mesh: Cut
    at_surface: np.ndarray
    half: np.ndarray
    numbers: Morphometry
    facts: dict[str, Any]


def _make(spec: SampleSpec, team: Team, log: Log) -> _Made:
    """Collective: cut and measure."""
    if spec.well_mixed:
        raise ValueError("a well-mixed sample has no geometry")
    if spec.cell_size is None:
        raise InputError(Problem("a sample that is meshed here needs a cell size.", key="sample.cell_size"))
    source = level_set(spec, spec.cell_size, team, log)
    grid, nodes = source.grid, source.nodes
    facts = {
        "source": spec.kind, **source.facts, "cell size [um]": list(grid.spacing), "cells": list(grid.cells),
    }  # fmt: skip
    log(f"cutting a grid of {' x '.join(map(str, grid.cells))} cells of {grid.h:.4g} um")
    mesh = cut_over(source.phi, grid, nodes, islands=source.islands)
    if source.implant is not None:
        mesh = _take_out(mesh, source.implant, team, log)
    bad = int(team.sum(non_manifold_edges(mesh.surface, mesh.mine)))
    if bad:
        raise ComputationStopped(
            f"the cut surface has {bad} non-manifold edges; this is a bug, please report it."
        )
    touching = np.zeros(len(mesh.points), bool)
    touching[mesh.surface] = True
    at_surface = np.flatnonzero(touching & mesh.mine)
    half = np.full(len(mesh.points), np.nan)
    half[at_surface] = half_thickness_over(
        mesh.phi, grid, nodes, mesh.points[at_surface], mesh.keys[at_surface]
    )
    on, below = team.sum([len(at_surface), int((half[at_surface] < 0.75 * grid.h).sum())]).tolist()
    thin = below / on if on else 0.0
    if thin > MANY:
        log(
            f"note: {thin:.0%} of the bone surface is on bone thinner than 1.5 cells, which the mesh "
            "does not resolve"
        )
    facts |= {
        "island nodes": {"bone removed": mesh.bone_removed, "marrow filled": mesh.marrow_removed},
        "surface on bone thinner than 1.5 cells": thin,
    }
    numbers = _measure(mesh, source)
    if not numbers.marrow_volume:
        raise InputError(Problem("the sample has no marrow at this cell size.", key="sample.cell_size"))
    if grid.dimension == 2 and max(mesh.components) > 1:
        log(
            f"in this plane bone is in {mesh.components[0]} pieces and marrow in {mesh.components[1]}; "
            "all are kept"
        )
    marrow, bone, points = team.sum([mesh.own_marrow, mesh.own_bone, int(mesh.mine.sum())]).tolist()
    log(f"{marrow} marrow cells, {bone} bone cells, {points} points, BV/TV {numbers.bv_tv:.4f}")
    return _Made(source, mesh, at_surface, half, numbers, facts)


def _take_out(solid: Cut, implant: Implant, team: Team, log: Log) -> Cut:
    """Collective: the cut without its implant, which nothing crosses."""
    mesh = without_implant(solid, implant)
    cells = team.sum([solid.own_bone, mesh.own_bone])
    if cells[0] == cells[1]:
        what = (
            "no cell of the mesh lies in the implant: it is outside of the sample, thinner than a cell, or "
            "floats in the marrow, where no bone holds it."
        )
        raise InputError(Problem(what, key="sample.implant"))
    taken, free = team.sum([
        total_volume(solid.points, solid.bone[: solid.own_bone])
        - total_volume(mesh.points, mesh.bone[: mesh.own_bone]),
        float(areas(solid.points, solid.surface[: solid.own_surface]).sum())
        - float(areas(mesh.points, mesh.surface[: mesh.own_surface]).sum()),
    ]).tolist()  # fmt: skip
    d = mesh.points.shape[1]
    unit, mm = ("mm^3", "mm^2") if d == 3 else ("mm^2", "mm"), 1e-3
    log(
        f"the implant takes {taken * mm**d:.4g} {unit[0]} out of the sample, which BV/TV leaves "
        f"out; {free * mm ** (d - 1):.4g} {unit[1]} of it touch marrow"
    )
    return mesh


def _measure(mesh: Cut, source: Source) -> Morphometry:
    """Collective: sums over all ranks."""
    team, grid = source.nodes.team, source.grid
    volumes = team.sum([
        total_volume(mesh.points, mesh.bone[: mesh.own_bone]),
        total_volume(mesh.points, mesh.marrow[: mesh.own_marrow]),
        float(areas(mesh.points, mesh.surface[: mesh.own_surface]).sum()),
    ])  # fmt: skip
    q = mesh.quality
    cells, below_5, below_10 = team.sum([q.cells, q.below_5, q.below_10]).tolist()
    quality = replace(
        q, cells=cells, below_5=below_5, below_10=below_10,
        smallest=float(team.least(q.smallest)), largest=float(team.most(q.largest)),
    )  # fmt: skip
    return Morphometry(
        bone_volume=float(volumes[0]),
        marrow_volume=float(volumes[1]),
        bone_surface=float(volumes[2]),
        bone_pieces=mesh.components[0],
        marrow_pieces=mesh.components[1],
        quality=quality,
        connectivity=connectivity_density(_bone(mesh, source), grid, source.nodes)
        if grid.dimension == 3
        else None,
    )


def _bone(mesh: Cut, source: Source) -> np.ndarray:
    """Signed distance at the nodes of this rank, positive where there is bone."""
    if source.implant is None:
        return mesh.phi
    held = source.implant.holds(source.grid.points(source.nodes.own)).reshape(mesh.phi.shape)
    return np.where(held, -np.abs(mesh.phi), mesh.phi)


def _piece(made: _Made, team: Team) -> Piece:
    """Collective: number the points over all ranks; bone cells are left behind."""
    mesh, numbers, grid = made.mesh, made.numbers, made.source.grid
    mine, keys = mesh.mine, mesh.keys
    member = np.zeros((len(keys), 3), bool)  # of the sample, of its marrow, of the bone surface
    member[:, 0] = True
    member[mesh.marrow, 1] = True
    member[mesh.surface, 2] = True
    number = np.full((len(keys), 3), -1, np.int64)
    for k in range(3):
        at = np.flatnonzero(member[:, k] & mine)
        number[at, k] = team.places(keys[at])
    number[~mine] = team.look_up(keys[mine], number[mine], keys[~mine])
    order = np.concatenate([np.flatnonzero(mine), np.flatnonzero(~mine)])
    row = np.empty(len(keys), np.int32)
    row[order] = np.arange(len(keys), dtype=np.int32)
    name = fingerprint(
        team, number[order, 0], mesh.points[order], int(mine.sum()),
        {
            "marrow": row[mesh.marrow[: mesh.own_marrow]],
            "bone": row[mesh.bone[: mesh.own_bone]],
            "surface": row[mesh.surface[: mesh.own_surface]],
        },
    )  # fmt: skip
    here = np.zeros(len(keys), bool)
    here[mesh.marrow] = True
    order = order[here[order]]
    row[:] = -1
    row[order] = np.arange(len(order), dtype=np.int32)
    counts = [int((member[mine, k]).sum()) for k in (1, 2)]
    marrow_points, surface_points, cells = team.sum([*counts, mesh.own_marrow]).tolist()
    surface, volume = numbers.bone_surface, numbers.marrow_volume
    return Piece(
        team=team,
        dimension=grid.dimension,
        points=mesh.points[order],
        own=int((mine & here).sum()),
        number=number[order, 1],
        surface_number=number[order, 2],
        marrow=row[mesh.marrow],
        own_cells=mesh.own_marrow,
        surface=row[mesh.surface],
        own_facets=mesh.own_surface,
        faces={f: row[rows] for f, rows in mesh.faces.items()},
        half_thickness=made.half[order],
        marrow_points=marrow_points,
        marrow_cells=cells,
        surface_points=surface_points,
        box=(grid.origin, grid.upper),
        morphometry=numbers,
        provenance=made.facts,
        hash=name,
        sigma0=surface / volume,
        d0=numbers.bone_volume / surface if surface else float("nan"),
    )
