# SPDX-License-Identifier: LGPL-3.0-or-later
"""Surfaces as STL and PLY."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.export import Skin, skin_of, write_skin
from osteofield.export.facets import normals, sizes
from osteofield.geometry import Sample

from .conftest import bone_of, shape

meshio = pytest.importorskip("meshio")


def outwards(skin: Skin, centre: float) -> np.ndarray:
    middle = skin.points[skin.triangles].mean(1) - centre
    return np.asarray((normals(skin.points, skin.triangles) * middle).sum(1))


def test_day_0_is_the_mesh_itself(ball: Sample) -> None:
    bone = bone_of(ball)
    skin = skin_of(bone)
    assert skin.points is bone.points and skin.triangles is bone.facets


def test_an_eroded_ball(ball: Sample, tmp_path: Path) -> None:
    pytest.importorskip("pyvista")
    skin = skin_of(bone_of(ball, lambda x: np.full(len(x), 50.0)))
    r = np.linalg.norm(skin.points - 300, axis=1)
    np.testing.assert_allclose(r, 149, atol=3)
    assert (outwards(skin, 300) > 0).all()
    np.testing.assert_allclose(skin.depth, 50)
    for name in ("a.stl", "a.ply"):
        write_skin(skin, tmp_path / name)
        again = meshio.read(tmp_path / name)
        assert len(again.cells_dict["triangle"]) == len(skin.triangles)
        assert sizes(np.asarray(again.points, float), again.cells_dict["triangle"]).sum() == pytest.approx(
            4 * np.pi * 149**2, rel=0.02
        )
    np.testing.assert_allclose(again.point_data["depth"], 50)


def test_a_hole_is_a_hole() -> None:
    """A plate whose surfaces meet has one boundary: the Euler number falls by 2 per hole."""
    pytest.importorskip("pyvista")
    plate = shape("plate", (300.0, 500.0, 500.0), 25.0, thickness=100.0)

    def depth(x: np.ndarray) -> np.ndarray:
        return np.where(np.linalg.norm(x[:, 1:] - 250, axis=1) < 120, 60.0, 0.0)

    def euler(skin: Skin) -> int:
        t = skin.triangles
        edges = np.unique(np.sort(np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [0, 2]]]), 1), axis=0)
        return len(np.unique(t)) - len(edges) + len(t)

    assert euler(skin_of(bone_of(plate))) == 2  # two discs
    assert euler(skin_of(bone_of(plate, depth))) == 0  # joined by a tube


def test_a_surface_that_moved_keeps_its_mesh_and_shows_its_depth(ball: Sample) -> None:
    skin = skin_of(bone_of(ball, lambda x: np.full(len(x), 30.0), moved=True))
    np.testing.assert_allclose(np.linalg.norm(skin.points - 300, axis=1), 200, atol=3)
    assert (skin.depth == 30).all()


def test_bone_eroded_away_leaves_no_triangle(ball: Sample, tmp_path: Path) -> None:
    pytest.importorskip("pyvista")
    assert len(skin_of(bone_of(ball, lambda x: np.full(len(x), 300.0))).triangles) == 0


def test_samples_without_a_surface() -> None:
    with pytest.raises(InputError, match="2-D section"):
        skin_of(bone_of(shape("sphere", (200.0, 200.0), 25.0, radius=50.0)))
    with pytest.raises(InputError, match="no bone"):
        skin_of(bone_of(shape("marrow", (200.0,) * 3, 50.0)))
