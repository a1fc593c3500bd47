# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bone of a results folder at one time: its surface, and how deep it is eroded there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InputError, Problem
from ..geometry import Sample
from ..geometry.implant import Hull
from ..results import Result

AT_CUT = "_at_cut"  # behind the name of the depth: the part of it that a moving mesh shows


@dataclass(frozen=True)
class Bone:
    """Bone in a box; lengths in um.

    Attributes:
        time: day.
        lower, upper: ``(d,)`` corners of the box.
        points: ``(n, d)`` points of the bone surface.
        facets: ``(m, d)`` rows of `points`, normals into the marrow.
        depth: ``(n,)`` net eroded depth below these points that the mesh does not show itself:
            where the surface moves, what was recorded since the mesh was last cut.
        recorded: ``(n,)`` net eroded depth since day 0 as written by the run.
        eroded_above: Depth from which surface counts as eroded.
        provenance: Where the sample comes from.
        moved: Whether the mesh is not that of day 0: the surface moves.
        hull: Surface of an implant in the sample; None without one.
    """

    time: float
    lower: np.ndarray
    upper: np.ndarray
    points: np.ndarray
    facets: np.ndarray
    depth: np.ndarray
    recorded: np.ndarray
    eroded_above: float
    provenance: dict[str, Any]
    moved: bool = False
    hull: Hull | None = None

    @property
    def dimension(self) -> int:
        return len(self.lower)

    @property
    def implant(self) -> bool:
        """Whether the sample holds an implant, so that its bone surface alone does not bound its bone."""
        known = "implant" in self.provenance or "implant" in (self.provenance.get("labels") or {})
        return known or self.hull is not None

    @property
    def hull_in_box(self) -> Hull:
        """The implant's surface without what lies in the faces of the box, where the sample ends.

        Raises:
            InputError: The sample holds an implant whose surface was not written.
        """
        if self.hull is None:
            raise InputError(
                Problem(
                    "this sample holds an implant, but the folder has no implant.xdmf; run the case again."
                )
            )
        x, facets = self.hull.points, self.hull.facets
        near = 1e-6 * float((self.upper - self.lower).max())
        inside = np.ones(len(facets), bool)
        for side in (self.lower, self.upper):
            inside &= ~(np.abs(x - side) < near)[facets].all(1).any(1)
        return _compact(replace(self.hull, facets=facets[inside]))

    @cached_property
    def solid(self) -> Solid:
        """What bounds bone and implant together: the bone surface, and the implant's where it touches marrow.

        Raises:
            InputError: As `hull_in_box`.
        """
        if not self.implant:
            return Solid(self.points, self.facets, self.depth, self.recorded, len(self.facets))
        hull = self.hull_in_box
        free = hull.facets[hull.at_marrow[hull.facets].all(1)]
        both = np.concatenate([self.points, hull.points])
        rows = np.concatenate([self.facets, free + len(self.points)])
        used, first, number = np.unique(both[rows.ravel()], axis=0, return_index=True, return_inverse=True)
        row = rows.ravel()[first]  # bone comes first, so where they meet the point is one of bone
        none = np.zeros(len(hull.points))
        return Solid(
            used, number.reshape(rows.shape), np.append(self.depth, none)[row],
            np.append(self.recorded, none)[row], len(self.facets),
        )  # fmt: skip


@dataclass(frozen=True)
class Solid:
    """The surface of bone and implant towards marrow.

    Attributes:
        points: ``(n, d)`` um.
        facets: ``(m, d)`` rows of `points`, normals into the marrow; those of bone first.
        depth, recorded: ``(n,)`` as of `Bone`; 0 on an implant.
        bone: How many facets are of bone.
    """

    points: np.ndarray
    facets: np.ndarray
    depth: np.ndarray
    recorded: np.ndarray
    bone: int


def _compact(hull: Hull) -> Hull:
    used, facets = np.unique(hull.facets, return_inverse=True)
    return Hull(hull.points[used], facets.reshape(hull.facets.shape), hull.at_marrow[used])


def bone_of(sample: Sample, depth: np.ndarray | None = None) -> Bone:
    """The bone of a sample, for example to make a scan of it without a run.

    Args:
        sample: The sample.
        depth: ``(n,)`` net eroded depth at its surface points, ascending by their numbers in the
            sample, um; None: not eroded.
    """
    used, facets = np.unique(sample.surface, return_inverse=True)
    lost = np.zeros(len(used)) if depth is None else np.asarray(depth, float)
    return Bone(
        time=0.0,
        lower=np.array(sample.box[0]),
        upper=np.array(sample.box[1]),
        points=sample.points[used],
        facets=facets.reshape(sample.surface.shape),
        depth=lost,
        recorded=lost,
        eroded_above=2.0,
        provenance=sample.provenance,
        hull=sample.implant,
    )


def bone_at(result: Result, time: float | None = None) -> Bone:
    """The bone at the output time nearest to `time` (day; None: the last).

    Raises:
        InputError: The run has no place in it (well mixed), no output yet, or wrote no depth.
    """
    record, times = result.record, result.marrow.times
    box = record.get("box")
    if box is None:
        raise InputError(Problem("this run was well mixed: it has no bone in space to export.", result.path))
    if not len(times):
        raise InputError(Problem("this run has not written any output time yet.", result.path))
    step = len(times) - 1 if time is None else int(np.abs(times - time).argmin())
    lower, upper = (np.asarray(corner, float) for corner in box)
    d = len(lower)
    if not len(result.surface.times):  # a sample without bone
        points, facets = np.zeros((0, d)), np.zeros((0, d), np.int64)
        recorded = np.zeros(0)
        depth = recorded
    else:
        points, facets = result.surface.mesh(step)
        name = (record.get("roles") or {}).get("depth")
        if not isinstance(name, str) or name not in result.surface:
            raise InputError(
                Problem(
                    f"the model '{record.get('model', {}).get('name')}' has no eroded depth, so its bone "
                    "does not change and there is nothing to export.",
                    result.path,
                )
            )
        depth = recorded = result.surface[name][step]
        if _moves(result):
            shown = f"{name}{AT_CUT}"
            depth = recorded - (result.surface[shown][step] if shown in result.surface else recorded)
    return Bone(
        time=float(times[step]),
        lower=lower,
        upper=upper,
        points=np.ascontiguousarray(points[:, :d]),
        facets=facets,
        depth=depth,
        recorded=recorded,
        eroded_above=float(record.get("eroded_above") or 0.0),
        moved=_moves(result),
        provenance=dict((record.get("mesh") or {}).get("provenance") or {}),
        hull=_hull(result, d),
    )


def _hull(result: Result, d: int) -> Hull | None:
    if result.implant is None:
        return None
    points, facets, free = result.implant
    at_marrow = np.zeros(len(points), bool)
    at_marrow[facets[free]] = True
    return Hull(np.ascontiguousarray(points[:, :d]), facets, at_marrow)


def _moves(result: Result) -> bool:
    """Whether the mesh of this run follows its surface."""
    return tomllib.loads(result.case).get("surface") == "moves"
