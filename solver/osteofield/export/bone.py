# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bone of a results folder at one time: its surface, and how deep it is eroded there."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, Problem
from ..geometry import Sample
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

    @property
    def dimension(self) -> int:
        return len(self.lower)

    @property
    def implant(self) -> bool:
        """Whether the sample holds an implant, so that its bone surface alone does not bound its bone."""
        return "implant" in self.provenance or "implant" in (self.provenance.get("labels") or {})


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
    )


def _moves(result: Result) -> bool:
    """Whether the mesh of this run follows its surface."""
    return tomllib.loads(result.case).get("surface") == "moves"
