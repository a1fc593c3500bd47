# SPDX-License-Identifier: LGPL-3.0-or-later
"""The piece of bone that a case is about: marrow, bone and the surface between them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..case.types import CENTER, SampleSpec, SliceSpec
from ..errors import ComputationStopped, InputError, Problem
from . import shapes
from .cut import Cut, Islands, cut
from .foam import foam
from .grid import Grid
from .halfthickness import half_thickness, mean_thickness
from .image import load_bone
from .levelset import signed_distance
from .morphometry import Morphometry, areas, connectivity_density, non_manifold_edges, total_volume
from .voxels import Voxels

Log = Callable[[str], None]

MANY = 0.05  # shares of removed or unresolved bone beyond which the user is told


@dataclass(frozen=True)
class Origin:
    """What a sample was cut out of: the way on for a surface that moves.

    Attributes:
        grid: The background grid.
        phi: Signed distance at its nodes, islands filled in, um, positive in bone.
        keys: Global key of every point of the sample (`Cut.keys`).
    """

    grid: Grid
    phi: np.ndarray
    keys: np.ndarray


@dataclass(frozen=True)
class Sample:
    """A conforming two-phase simplex mesh in the physical frame of its source; lengths in um.

    Attributes:
        dimension: 2 or 3.
        points: ``(N, d)``; every one belongs to a cell.
        marrow: ``(n, d+1)`` positively oriented cells.
        bone: ``(n, d+1)`` positively oriented cells.
        surface: ``(n, d)`` facets between bone and marrow, normal into the marrow; never on the box.
        faces: ``x-``, ``x+``, ``y-``, ... to ``(n, d)`` marrow facets on that face of the box.
        box: Lower and upper corner.
        half_thickness: ``(N,)`` local half thickness of bone at surface points, nan elsewhere.
        morphometry: Sums, pieces, cell quality.
        provenance: Where it comes from: JSON-able.
        origin: What it was cut out of; None for a sample from a file.
        reference: sigma0 and d0 of the sample it began as, where the surface has moved since.
    """

    dimension: int
    points: np.ndarray
    marrow: np.ndarray
    bone: np.ndarray
    surface: np.ndarray
    faces: dict[str, np.ndarray]
    box: tuple[tuple[float, ...], tuple[float, ...]]
    half_thickness: np.ndarray
    morphometry: Morphometry
    provenance: dict[str, Any]
    origin: Origin | None = None
    reference: tuple[float, float] | None = None

    @property
    def sigma0(self) -> float:
        """Bone surface per marrow volume, 1/um."""
        if self.reference is not None:
            return self.reference[0]
        return self.morphometry.bone_surface / self.morphometry.marrow_volume

    @property
    def d0(self) -> float:
        """Bone volume per bone surface, um; nan without bone surface."""
        if self.reference is not None:
            return self.reference[1]
        m = self.morphometry
        return m.bone_volume / m.bone_surface if m.bone_surface else float("nan")

    @cached_property
    def hash(self) -> str:
        """SHA-256 of points and cells: the same mesh has the same hash."""
        h = hashlib.sha256()
        for a in (self.points, self.marrow, self.bone, self.surface):
            h.update(str(a.shape).encode())
            h.update(np.ascontiguousarray(a, np.float64 if a is self.points else np.int64).data)
        return h.hexdigest()


def build_sample(spec: SampleSpec, *, log: Log = lambda _: None, thickness: bool = False) -> Sample:
    """Build, or load, the sample that a case describes. Serial, deterministic.

    Args:
        spec: One of image, foam, shape, mesh.
        log: Receives one line per step.
        thickness: Also measure Tb.Th and Tb.Sp over the volume (seconds to a minute).

    Raises:
        InputError: The specification or the file it names cannot be used.
        ComputationStopped: The cut failed its own checks.
    """
    if spec.mesh is not None:
        from .sample_file import load_sample

        return load_sample(spec.mesh)
    if spec.well_mixed:
        raise ValueError("a well-mixed sample has no geometry")
    if spec.cell_size is None:
        raise InputError(Problem("a sample that is meshed here needs a cell size.", key="sample.cell_size"))
    phi, grid, islands, facts = _level_set(spec, spec.cell_size, log)
    facts = {"source": spec.kind, **facts, "cell size [um]": list(grid.spacing), "cells": list(grid.cells)}
    log(f"cutting a grid of {' x '.join(map(str, grid.cells))} cells of {grid.h:.4g} um")
    mesh = cut(phi, grid, islands=islands)
    bad = non_manifold_edges(mesh.surface)
    if bad:
        raise ComputationStopped(
            f"the cut surface has {bad} non-manifold edges; this is a bug, please report it."
        )
    return _assemble(mesh, grid, facts, thickness, log)


def _level_set(
    spec: SampleSpec, cell_size: float, log: Log
) -> tuple[np.ndarray, Grid, Islands, dict[str, Any]]:
    """Signed distance on the background grid, what to do with islands, and facts."""
    if spec.shape is not None:
        if spec.slice is not None:
            raise InputError(
                Problem("a shape cannot be sliced; give it two side lengths.", key="sample.slice")
            )
        shapes.check(spec.shape)
        grid = Grid.fit((0.0,) * len(spec.shape.size), spec.shape.size, cell_size)
        return shapes.signed_distance(spec.shape, grid), grid, "keep", {"shape": _plain(spec.shape)}
    if spec.image is not None:
        log(f"reading {spec.image.path}")
        voxels, facts = load_bone(spec.image)
    elif spec.foam is not None:
        log("drawing a synthetic foam")
        voxels, facts = foam(spec.foam), {"foam": _plain(spec.foam)}
    else:
        raise ValueError("the sample names no source")
    if voxels.dimension == 3:
        bone = int((voxels.values > 0).sum())
        voxels, dropped, filled = voxels.without_islands()
        facts["island voxels"] = {"bone removed": dropped, "marrow filled": filled}
        if dropped > MANY * bone:
            log(f"note: {dropped / bone:.0%} of the bone is not connected to the rest and was removed")
    if spec.slice is not None:
        voxels, where = _slice(voxels, spec.slice)
        facts["slice"] = where
    lo, hi = voxels.box
    grid = Grid.fit(lo, hi, cell_size)
    phi = signed_distance(voxels, grid)
    return phi, grid, "remove" if voxels.dimension == 3 else "keep", facts


def _slice(voxels: Voxels, spec: SliceSpec) -> tuple[Voxels, dict[str, Any]]:
    """A plane through 3-D voxels; its own 2-D distance is measured in that plane afterwards."""
    if voxels.dimension != 3:
        raise InputError(Problem("the image is 2-D already and cannot be sliced.", key="sample.slice"))
    axis = "xyz".index(spec.axis)
    lo, hi = (float(c[axis]) for c in voxels.box)
    at = (lo + hi) / 2 if spec.at == CENTER else float(spec.at)
    if not lo <= at <= hi:
        raise InputError(
            Problem(
                f"the slice at {spec.axis} = {at:g} um lies outside the sample, which reaches "
                f"from {lo:g} to {hi:g} um.",
                key="sample.slice.at",
            )
        )
    plane = voxels.plane(axis, at)
    share = float((plane.values > 0).mean())
    if share in (0.0, 1.0):
        what = "marrow" if share == 0 else "bone"
        raise InputError(
            Problem(f"the slice at {spec.axis} = {at:g} um shows only {what}.", key="sample.slice.at")
        )
    return plane, {"axis": spec.axis, "at [um]": at, "axes": "xyz".replace(spec.axis, "")}


def _assemble(mesh: Cut, grid: Grid, facts: dict[str, Any], thickness: bool, log: Log) -> Sample:
    at_surface = np.unique(mesh.surface)
    half = np.full(len(mesh.points), np.nan)
    half[at_surface] = half_thickness(mesh.phi, grid, mesh.points[at_surface])
    thin = float((half[at_surface] < 0.75 * grid.h).mean()) if len(at_surface) else 0.0
    if thin > MANY:
        log(
            f"note: {thin:.0%} of the bone surface is on bone thinner than 1.5 cells, which the mesh "
            "does not resolve"
        )
    facts |= {
        "island nodes": {"bone removed": mesh.bone_removed, "marrow filled": mesh.marrow_removed},
        "surface on bone thinner than 1.5 cells": thin,
    }
    numbers = Morphometry(
        bone_volume=total_volume(mesh.points, mesh.bone),
        marrow_volume=total_volume(mesh.points, mesh.marrow),
        bone_surface=float(areas(mesh.points, mesh.surface).sum()),
        bone_pieces=mesh.components[0],
        marrow_pieces=mesh.components[1],
        quality=mesh.quality,
        connectivity=connectivity_density(mesh.phi, grid) if grid.dimension == 3 else None,
    )
    if thickness and len(at_surface):
        bone = mean_thickness(mesh.phi, grid, mesh.points[at_surface])
        marrow = mean_thickness(-mesh.phi, grid, mesh.points[at_surface])
        numbers = replace(
            numbers, thickness=bone[0], thickness_sd=bone[1], separation=marrow[0], separation_sd=marrow[1]
        )
    if not numbers.marrow_volume:
        raise InputError(Problem("the sample has no marrow at this cell size.", key="sample.cell_size"))
    if grid.dimension == 2 and max(mesh.components) > 1:
        log(
            f"in this plane bone is in {mesh.components[0]} pieces and marrow in {mesh.components[1]}; "
            "all are kept"
        )
    log(
        f"{len(mesh.marrow)} marrow cells, {len(mesh.bone)} bone cells, {len(mesh.points)} points, "
        f"BV/TV {numbers.bv_tv:.4f}"
    )
    return Sample(
        grid.dimension, mesh.points, mesh.marrow, mesh.bone, mesh.surface, mesh.faces,
        (grid.origin, grid.upper), half, numbers, facts, Origin(grid, mesh.phi, mesh.keys),
    )  # fmt: skip


def _plain(spec: Any) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(spec).items() if v is not None}
