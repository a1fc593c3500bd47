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
from .cutpiece import hash_of, measure, piece_of
from .grid import Grid
from .halfthickness import half_thickness_over, mean_thickness
from .implant import Hull, Implant, smooth, without_implant
from .morphometry import Morphometry, anisotropy, areas, non_manifold_edges, total_volume
from .piece import Piece, deal
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
        (grid.origin, grid.upper), made.half, numbers, made.facts,
        Origin(grid, mesh.phi, mesh.keys, made.source.nodes),
        implant=made.hull,
    )  # fmt: skip


def build_piece(
    spec: SampleSpec, comm: MPI.Comm | None, *, origin: bool = False, log: Log = lambda _: None
) -> Piece:
    """Collective: build, or load, the sample that a case describes; every rank gets its piece.

    Args:
        spec: One of image, foam, shape, mesh.
        comm: Communicator.
        origin: Keep what it is cut out of.
        log: Receives one line per step, on every rank (from a mesh file: on rank 0).

    Raises:
        InputError: The specification or the file it names cannot be used.
        ComputationStopped: The cut failed its own checks.
    """
    team = Team(comm)
    if spec.mesh is not None:
        return deal(team.on_root(lambda: _load(spec, log)), team)
    made = _make(spec, team, log)
    piece = piece_of(
        made.mesh, made.source.grid, made.source.nodes, made.numbers, made.half, made.facts, origin=origin
    )
    return replace(piece, hash=hash_of(made.mesh, team), implant=made.hull)


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
        hull: Of an implant, on rank 0.
    """

    source: Source
    mesh: Cut
    at_surface: np.ndarray
    half: np.ndarray
    numbers: Morphometry
    facts: dict[str, Any]
    hull: Hull | None


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
    hull = None
    if source.implant is not None:
        mesh, hull = _take_out(mesh, source.implant, grid, team, log)
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
    numbers = measure(mesh, grid, nodes, _bone(mesh, source))
    if not numbers.marrow_volume:
        raise InputError(Problem("the sample has no marrow at this cell size.", key="sample.cell_size"))
    if grid.dimension == 2 and max(mesh.components) > 1:
        log(
            f"in this plane bone is in {mesh.components[0]} pieces and marrow in {mesh.components[1]}; "
            "all are kept"
        )
    marrow, bone, points = team.sum([mesh.own_marrow, mesh.own_bone, int(mesh.mine.sum())]).tolist()
    log(f"{marrow} marrow cells, {bone} bone cells, {points} points, BV/TV {numbers.bv_tv:.4f}")
    return _Made(source, mesh, at_surface, half, numbers, facts, hull)


def _take_out(solid: Cut, implant: Implant, grid: Grid, team: Team, log: Log) -> tuple[Cut, Hull | None]:
    """Collective: the cut without its implant, which nothing crosses; and the hull of that on rank 0."""
    mesh, hull = without_implant(solid, implant, team)
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
    return mesh, None if hull is None else smooth(hull, implant, grid)


def _bone(mesh: Cut, source: Source) -> np.ndarray:
    """Signed distance at the nodes of this rank, positive where there is bone."""
    if source.implant is None:
        return mesh.phi
    held = source.implant.level(source.grid.points(source.nodes.own)).reshape(mesh.phi.shape)
    return np.where(held > 0, -np.abs(mesh.phi), mesh.phi)
