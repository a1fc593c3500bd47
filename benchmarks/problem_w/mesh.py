# SPDX-License-Identifier: LGPL-3.0-or-later
"""The mesh of problem W: a cube of 6 n^3 tetrahedra, its inner nodes moved by a fifth of a cell."""

from __future__ import annotations

import numpy as np

from osteofield.geometry import Sample
from osteofield.geometry.morphometry import Morphometry

SIDE = 2000.0  # um
JITTER = 0.2
WAVES = (13.727, 11.3, 5.7)  # of the displacement, per cell, along x, y, z
PHASES = (0.0, 1.7, 3.1)  # of its x, y, z components
# the six tetrahedra of a cell around its diagonal, as corners with bits x, y, z
TETRAHEDRA = np.array(
    [[0, 1, 3, 7], [0, 5, 1, 7], [0, 4, 5, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7]], np.int64
)


def cube(n: int) -> Sample:
    """The mesh as a sample of marrow without bone; nodes on a face stay on it."""
    points, cells = _grid(n)
    shifted = points.copy()
    phase = points @ np.array(WAVES) * (n / SIDE)
    inner = (points > 0) & (points < SIDE)
    for d in range(3):
        shifted[:, d] += JITTER * (SIDE / n) * np.sin(phase + PHASES[d]) * inner[:, d]
    edges = shifted[cells[:, 1:]] - shifted[cells[:, :1]]
    volume = np.linalg.det(edges) / 6.0
    if not volume.min() > 0:
        raise ValueError(f"{int((volume <= 0).sum())} cells of the cube are turned over")
    return Sample(
        dimension=3,
        points=shifted,
        marrow=cells,
        bone=np.zeros((0, 4), np.int64),
        surface=np.zeros((0, 3), np.int64),
        faces={},
        box=((0.0,) * 3, (SIDE,) * 3),
        half_thickness=np.full(len(points), np.nan),
        morphometry=Morphometry(0.0, float(volume.sum()), 0.0, 0, 1),
        provenance={"source": f"benchmark cube, n = {n}"},
    )


def _grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points, x running fastest, and positively oriented cells."""
    axis = np.linspace(0.0, SIDE, n + 1)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    points = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    k, j, i = np.meshgrid(*(np.arange(n),) * 3, indexing="ij")
    first = (i + (n + 1) * (j + (n + 1) * k)).ravel()
    corner = np.array([(c & 1) + (n + 1) * ((c >> 1 & 1) + (n + 1) * (c >> 2)) for c in range(8)])
    return points, (first[:, None, None] + corner[TETRAHEDRA][None]).reshape(-1, 4)
