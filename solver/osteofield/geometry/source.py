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
from .boxes import Box, Partition
from .cut import Islands
from .foam import foam_over
from .grid import Grid
from .implant import Implant, ImplantMap, ImplantShape
from .kuhn import kuhn
from .levelset import distance_over, phases
from .segmentation import load_bone_over
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
    implant: Implant | None = None


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
        body = _body(spec, np.array(grid.origin), np.array(grid.upper))
        rough = Partition.even(team, grid.shape)
        held = rough.own.grown(0, 1, grid.shape)
        sign = np.where(_with(body, shapes.signed_distance(spec.shape, grid, held), grid, held) > 0, 1, -1)
        nodes = Partition.balanced(rough, vertices(sign, rough))
        phi = _with(body, shapes.signed_distance(spec.shape, grid, nodes.own), grid, nodes.own)
        about = {"implant": body.facts} if body else {}
        return Source(phi, grid, nodes, "keep", {"shape": plain(spec.shape), **about}, body)
    field, facts, mapped = _voxels(spec, team, log)
    body = _body(spec, *field.box)
    if spec.slice is not None:
        axis, at = _place(field, spec.slice)
        field, where = _slice(field, axis, at)
        facts["slice"] = where
        body = body and body.section(axis, at)
        mapped = mapped and mapped.section(axis, at)
    lo, hi = field.box
    grid = Grid.fit(lo, hi, cell_size)
    rough = Partition.even(team, grid.shape)
    held = rough.own.grown(0, 1, grid.shape)
    sign = _with(body, phases(field, grid, held), grid, held)
    nodes = Partition.balanced(rough, vertices(np.where(sign > 0, 1, -1), rough))
    phi = _with(body, distance_over(field, grid, nodes), grid, nodes.own)
    if body is not None:
        facts["implant"] = body.facts
    return Source(phi, grid, nodes, "remove" if field.dimension == 3 else "keep", facts, mapped or body)


def _body(spec: SampleSpec, lower: np.ndarray, upper: np.ndarray) -> ImplantShape | None:
    """The body that is put into a sample, before it is sliced."""
    if spec.implant is None:
        return None
    for name in ("center", "size"):
        given = getattr(spec.implant, name)
        if given is not None and len(given) != len(lower):
            what = f"the sample has {len(lower)} dimensions, but this has {len(given)} values."
            raise InputError(Problem(what, key=f"sample.implant.{name}"))
    return ImplantShape.of(spec.implant, lower, upper)


def _with(body: ImplantShape | None, phi: np.ndarray, grid: Grid, box: Box) -> np.ndarray:
    """The signed distance `phi` at the nodes in a box, with a body counted as bone."""
    if body is None:
        return phi
    return np.maximum(phi, body.distance(grid.points(box)).reshape(box.shape))


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


def _place(field: VoxelField, spec: SliceSpec) -> tuple[int, float]:
    """Axis and place of a section, um."""
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
    return axis, at


def _slice(field: VoxelField, axis: int, at: float) -> tuple[VoxelField, dict[str, Any]]:
    """Collective: a plane through 3-D voxels; its own 2-D distance is measured in that plane afterwards."""
    normal = "xyz"[axis]
    plane: Voxels = field.plane(axis, at)
    share = float((plane.values > 0).mean())
    if share in (0.0, 1.0):
        what = "marrow" if share == 0 else "bone"
        raise InputError(
            Problem(f"the slice at {normal} = {at:g} um shows only {what}.", key="sample.slice.at")
        )
    where = {"axis": normal, "at [um]": at, "axes": "xyz".replace(normal, "")}
    return VoxelField.shared(field.partition.team, plane), where


def plain(spec: Any) -> dict[str, Any]:
    """A specification as plain values."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in vars(spec).items() if v is not None}
