# SPDX-License-Identifier: LGPL-3.0-or-later
"""A small sample with made-up fields that know their own right values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from osteofield.simulation.writer import Frame, MeshData

UNITS = {"RANKL": "pM", "bacteria": "CFU/mm^3", "OCa": "pM", "depth": "um"}
RECORD: dict[str, Any] = {
    "case": {"name": "demo", "hash": "h1", "file": "demo.toml"},
    "resolved": 'format = 1\nsurface = "records depth"\n',
    "roles": {"depth": "depth", "bacteria": ["bacteria"], "show": ["RANKL"]},
    "units": UNITS,
    "versions": {"osteofield": "0.1", "numpy": np.__version__},
    "dimension": 3,
    "ranks": 2,
    "eroded_above": 2.0,
    "infected_above": 50.0,
}


def cube(n: int = 3) -> MeshData:
    """A unit cube of n^3 cells in um, each cut into six tetrahedra; its top face as surface."""
    i = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3)
    s = np.array([(n + 1) ** 2, n + 1, 1])
    base = i @ s
    paths = [[0, a, a + b, s.sum()] for a in s for b in s if a != b]
    cells = np.concatenate([base[:, None] + np.array(p) for p in paths])
    points = np.stack(np.meshgrid(*[np.linspace(0, 1, n + 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
    j = np.stack(np.meshgrid(*[np.arange(n)] * 2, indexing="ij"), -1).reshape(-1, 2) @ [n + 1, 1]
    surface = np.concatenate([j[:, None] + [0, n + 1, n + 2], j[:, None] + [0, n + 2, 1]])
    top = points[points[:, 2] == 1.0]
    return MeshData(points, cells, top, surface)


def square(n: int = 4) -> MeshData:
    """A unit square of triangles, its lower side as surface."""
    points = np.stack(np.meshgrid(*[np.linspace(0, 1, n + 1)] * 2, indexing="ij"), -1).reshape(-1, 2)
    j = np.stack(np.meshgrid(*[np.arange(n)] * 2, indexing="ij"), -1).reshape(-1, 2) @ [n + 1, 1]
    cells = np.concatenate([j[:, None] + [0, n + 1, n + 2], j[:, None] + [0, n + 2, 1]])
    line = np.column_stack([np.arange(n), np.arange(1, n + 1)])
    return MeshData(points, cells, points[points[:, 1] == 0.0], line)


def frame(time: float, mesh: MeshData, *, new: bool = False) -> Frame:
    """Fields of which every value follows from time and position."""
    m, s = mesh.marrow_points, mesh.surface_points
    return Frame(
        time,
        {"RANKL": m.sum(1) + time, "bacteria": 100 * np.exp(-time) * m[:, 0]},
        {"OCa": 1e-3 * s[:, 0] + time, "depth": time * s[:, 1]},
        {"time [day]": time, "bone_loss [mm^3]": time / 3, "RANKL.mean [pM]": 1e-17 + time},
        mesh if new else None,
    )


@pytest.fixture(params=[2, 3], ids=["2-D", "3-D"])
def mesh(request: pytest.FixtureRequest) -> MeshData:
    return cube() if request.param == 3 else square()
