# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small results to draw: a ball of bone in marrow, infected at one side; the same in 2-D."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.errors import InputError
from osteofield.geometry import build_sample
from osteofield.results import Result, open_results, prepare
from osteofield.simulation.writer import Frame, MeshData, write_frame
from osteofield.view.opengl import require_opengl

SIZE, RADIUS = 1000.0, 300.0
FOCUS = np.array([500.0, 150.0, 500.0])
UNITS = {"TNF": "pM", "bacteria": "CFU/mm^3", "OCa": "pM", "OBa": "pM", "pit": "um"}


@pytest.fixture(scope="session")
def opengl() -> None:
    """Skip where nothing can be drawn in 3-D."""
    try:
        require_opengl()
    except InputError:
        pytest.skip("this machine has no OpenGL")


def ball(dimension: int, radius: float = RADIUS) -> MeshData:
    """Marrow around a ball (a disc in 2-D) of bone in the middle of the box, and its surface."""
    size = (SIZE,) * dimension
    sample = build_sample(SampleSpec(shape=ShapeSpec("sphere", size, radius=radius), cell_size=62.5))
    parts = []
    for cells in (sample.marrow, sample.surface):
        used, local = np.unique(cells, return_inverse=True)
        parts += [sample.points[used], local.reshape(cells.shape)]
    return MeshData(*parts)


def write(folder: Path, mesh: MeshData, *, healthy: bool = False, roles: bool = True) -> Result:
    """Two output times; the population that is called depth elsewhere is called pit here."""
    dimension = mesh.marrow_points.shape[1]
    focus = FOCUS[:dimension]
    record: dict[str, Any] = {
        "roles": {"depth": "pit", "bacteria": ["bacteria"], "show": ["TNF", "OCa", "bacteria"]}
        if roles
        else {},
        "foci": [] if healthy else [{"center": focus, "radius": 150.0}],
        "box": [[0.0] * dimension, [SIZE] * dimension],
        "dimension": dimension,
        "eroded_above": 2.0,
        "infected_above": 50.0,
    }
    far = np.linalg.norm(mesh.marrow_points - focus, axis=1)
    near = np.linalg.norm(mesh.surface_points - focus, axis=1)
    on = 0.0 if healthy else 1.0
    with prepare(folder, "ball", "h", screen=False) as results:
        results.begin(UNITS, record)
        for t in (0.0, 10.0):
            marrow = {"TNF": 1e-3 + on * t * np.exp(-far / 60), "bacteria": on * 1000.0 * (far < 150)}
            surface = {
                "OCa": 1e-3 * (1 + on * t * np.exp(-near / 100)), "OBa": np.full(len(near), 5e-4),
                "pit": on * t * np.exp(-near / 200) - on * 0.02 * t,
            }  # fmt: skip
            row = {
                "time [day]": t,
                "bacteria_total [CFU]": on * 20 + t,
                "bone_loss [mm^3]": t,
                "bone_loss [%]": t,
            }
            for name, values in (marrow | surface).items():
                row |= {
                    f"{name}.{k} [{UNITS[name]}]": float(f(values))
                    for k, f in (("mean", np.mean), ("max", np.max))
                }
            write_frame(results, Frame(t, marrow, surface, row, None if t else mesh))
        results.end({})
    return open_results(folder)


@pytest.fixture(scope="session")
def result3(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return write(tmp_path_factory.mktemp("view") / "three", ball(3))


@pytest.fixture(scope="session")
def result2(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return write(tmp_path_factory.mktemp("view") / "two", ball(2))
