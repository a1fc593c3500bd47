# SPDX-License-Identifier: LGPL-3.0-or-later
"""From what a case names - image, foam, shape - to a signed distance on the background grid, over ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..case.types import CENTER, SampleSpec, SliceSpec
from ..errors import InputError, Problem
from ..team import Team
from . import shapes
from .boxes import Partition
from .cut import Islands
from .foam import foam_over
from .grid import Grid
from .image import load_bone_over
from .kuhn import kuhn
from .labels import ImplantMap
from .levelset import distance_over, phases
from .voxels import VoxelField, Voxels

Log = Callable[[str], None]

MANY = 0.05  # shares of removed or unresolved bone beyond which the user is told


@dataclass(frozen=True)
class Source:
    """What is cut.

    Attributes:
        phi: Signed distance at this rank's nodes, um, positive in bone.
        grid: The background grid.
        nodes: Which of its nodes are whose: about the same number of marrow vertices on every rank.
        islands: What to do with loose pieces.
        facts: For the provenance of the sample.
        implant: Where what counts as bone here is an implant.
    """

    phi: np.ndarray
    grid: Grid
    nodes: Partition
    islands: Islands
    facts: dict[str, Any]
    implant: ImplantMap | None = None


def level_set(spec: SampleSpec, cell_size: float, team: Team, log: Log) -> Source:
    """Collective: signed distance of a sample that is meshed here.

    Raises:
        InputError: The specification or the file it names cannot be used.
    """
    if spec.shape is not None:
        if spec.slice is not None:
            raise InputError(
                Problem("a shape cannot be sliced; give it two side lengths.", key="sample.slice")
            )
        shapes.check(spec.shape)
        grid = Grid.fit((0.0,) * len(spec.shape.size), spec.shape.size, cell_size)
        rough = Partition.even(team, grid.shape)
        held = rough.own.grown(0, 1, grid.shape)
        sign = np.where(shapes.signed_distance(spec.shape, grid, held) > 0, 1, -1)
        nodes = Partition.balanced(rough, vertices(sign, rough))
        phi = shapes.signed_distance(spec.shape, grid, nodes.own)
        return Source(phi, grid, nodes, "keep", {"shape": plain(spec.shape)})
    field, facts, implant = _voxels(spec, team, log)
    if spec.slice is not None:
        if implant is not None:
            raise InputError(Problem("a label map with an implant cannot be sliced.", key="sample.slice"))
        field, where = _slice(field, spec.slice)
        facts["slice"] = where
    lo, hi = field.box
    grid = Grid.fit(lo, hi, cell_size)
    rough = Partition.even(team, grid.shape)
    sign = phases(field, grid, rough.own.grown(0, 1, grid.shape))
    nodes = Partition.balanced(rough, vertices(sign, rough))
    phi = distance_over(field, grid, nodes)
    return Source(phi, grid, nodes, "remove" if field.dimension == 3 else "keep", facts, implant)


def vertices(sign: np.ndarray, nodes: Partition) -> np.ndarray:
    """About how many marrow vertices every node of this rank stands for: itself, crossings on its edges.

    Args:
        sign: 1 in bone, -1 in marrow at this rank's nodes and one more layer above.
        nodes: Which nodes are whose.
    """
    held = nodes.own.grown(0, 1, nodes.whole)
    here = sign[nodes.own.within(held)]
    out = (here < 0).astype(np.int64)
    for o in kuhn(sign.ndim).corners[1:]:
        size = tuple(min(n, m - q) for n, m, q in zip(here.shape, sign.shape, o, strict=True))
        low = tuple(slice(0, n) for n in size)
        high = tuple(slice(q, q + n) for q, n in zip(o, size, strict=True))
        out[low] += here[low] != sign[high]
    return out


def _voxels(spec: SampleSpec, team: Team, log: Log) -> tuple[VoxelField, dict[str, Any], ImplantMap | None]:
    """Collective: image or foam without islands, facts, and the implant of a label map."""
    implant = None
    if spec.image is not None:
        log(f"reading {spec.image.path}")
        field, facts, implant = load_bone_over(spec.image, team)
    elif spec.foam is not None:
        log("drawing a synthetic foam")
        field, facts = foam_over(spec.foam, team), {"foam": plain(spec.foam)}
    else:
        raise ValueError("the sample names no source")
    if field.dimension == 3:
        bone = field.bone()
        field, dropped, filled = field.without_islands()
        facts["island voxels"] = {"bone removed": dropped, "marrow filled": filled}
        if dropped > MANY * bone:
            log(f"note: {dropped / bone:.0%} of the bone is not connected to the rest and was removed")
    return field, facts, implant


def _slice(field: VoxelField, spec: SliceSpec) -> tuple[VoxelField, dict[str, Any]]:
    """Collective: a plane through 3-D voxels; its own 2-D distance is measured in that plane afterwards."""
    if field.dimension != 3:
        raise InputError(Problem("the image is 2-D already and cannot be sliced.", key="sample.slice"))
    axis = "xyz".index(spec.axis)
    lo, hi = (float(c[axis]) for c in field.box)
    at = (lo + hi) / 2 if spec.at == CENTER else float(spec.at)
    if not lo <= at <= hi:
        raise InputError(
            Problem(
                f"the slice at {spec.axis} = {at:g} um lies outside the sample, which reaches "
                f"from {lo:g} to {hi:g} um.",
                key="sample.slice.at",
            )
        )
    plane: Voxels = field.plane(axis, at)
    share = float((plane.values > 0).mean())
    if share in (0.0, 1.0):
        what = "marrow" if share == 0 else "bone"
        raise InputError(
            Problem(f"the slice at {spec.axis} = {at:g} um shows only {what}.", key="sample.slice.at")
        )
    where = {"axis": spec.axis, "at [um]": at, "axes": "xyz".replace(spec.axis, "")}
    return VoxelField.shared(field.partition.team, plane), where


def plain(spec: Any) -> dict[str, Any]:
    """A specification as plain values."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(spec).items() if v is not None}
