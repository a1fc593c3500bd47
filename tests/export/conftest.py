# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bones to export, and results folders that hold them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteofield import export
from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.export import Bone
from osteofield.geometry import Sample, build_sample
from osteofield.results import Result, open_results, prepare
from osteofield.simulation.writer import Frame, MeshData, write_frame

Depth = Callable[[np.ndarray], np.ndarray]


def bone_of(sample: Sample, depth: Depth = lambda x: np.zeros(len(x)), *, moved: bool = False) -> Bone:
    """The bone of a sample, with a depth that is a function of place."""
    bone = export.bone_of(sample, depth(sample.points[np.unique(sample.surface)]))
    return replace(bone, depth=np.zeros(len(bone.points))) if moved else bone


def shape(kind: str, size: Sequence[float], cell: float, **more: Any) -> Sample:
    return build_sample(SampleSpec(shape=ShapeSpec(kind, tuple(size), **more), cell_size=cell))  # type: ignore[arg-type]


def written(
    folder: Path, sample: Sample, depths: Sequence[Depth], *, surface: str = "records depth"
) -> Result:
    """A results folder with one output time per depth, a day apart."""
    parts = []
    for cells in (sample.marrow, sample.surface):
        used, local = np.unique(cells, return_inverse=True)
        parts += [sample.points[used], local.reshape(cells.shape)]
    mesh = MeshData(*parts)
    record: dict[str, Any] = {
        "case": {"name": "demo", "hash": "h"},
        "resolved": f'format = 1\nsurface = "{surface}"\n',
        "roles": {"depth": "pit", "bacteria": [], "show": []},
        "box": [list(corner) for corner in sample.box],
        "mesh": {"provenance": sample.provenance},
        "dimension": sample.dimension,
        "eroded_above": 2.0,
        "infected_above": 50.0,
    }  # fmt: skip
    with prepare(folder, "demo", "h", screen=False) as results:
        results.begin({"TNF": "pM", "pit": "um"}, record)
        for time, depth in enumerate(depths):
            fields = {"pit": depth(mesh.surface_points)} if len(mesh.surface_cells) else {}
            if surface == "moves":
                fields["pit_at_cut"] = fields["pit"] - 2.0
            tnf = np.zeros(len(mesh.marrow_points))
            row = {"time [day]": float(time)}
            new = None if time else mesh
            write_frame(results, Frame(float(time), {"TNF": tnf}, fields, row, new))
        results.end({})
    return open_results(folder)


@pytest.fixture(scope="session")
def ball() -> Sample:
    """A ball of bone, 200 um in radius, in a cube of 600 um."""
    return shape("sphere", (600.0,) * 3, 30.0, radius=200.0)
