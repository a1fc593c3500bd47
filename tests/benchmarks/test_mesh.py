# SPDX-License-Identifier: LGPL-3.0-or-later
"""The mesh of problem W."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.problem_w import cube
from benchmarks.problem_w.mesh import SIDE


@pytest.mark.parametrize("n", [6, 9])
def test_fills_the_cube_with_positive_cells(n):
    sample = cube(n)
    edges = sample.points[sample.marrow[:, 1:]] - sample.points[sample.marrow[:, :1]]
    volumes = np.linalg.det(edges) / 6
    assert len(sample.points) == (n + 1) ** 3 and len(sample.marrow) == 6 * n**3
    assert volumes.min() > 0
    assert volumes.sum() == pytest.approx(SIDE**3, rel=1e-12)


def test_moves_inner_nodes_and_keeps_the_faces():
    n = 6
    sample = cube(n)
    regular = np.linspace(0, SIDE, n + 1)
    for d in range(3):
        at = sample.points[:, d]
        assert np.isclose(at, 0).sum() == np.isclose(at, SIDE).sum() == (n + 1) ** 2
    moved = np.abs(sample.points[:, 0, None] - regular).min(axis=1) / (SIDE / n)
    assert 0.15 < moved.max() <= 0.2 + 1e-12


def test_cells_meet_face_to_face():
    cells = cube(6).marrow
    faces = np.sort(np.concatenate([np.delete(cells, k, axis=1) for k in range(4)]), axis=1)
    _, count = np.unique(faces, axis=0, return_counts=True)
    assert count.max() == 2 and (count == 1).sum() == 12 * 6**2
