# SPDX-License-Identifier: LGPL-3.0-or-later
"""Lesion morphometry and its tables."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.export import lesions_of, write_lesions, write_points
from osteofield.export.facets import lumped, positive_part, sizes
from osteofield.geometry import Sample

from .conftest import Depth, bone_of, shape


@pytest.mark.parametrize("k", [2, 3])
def test_positive_part_of_linear_functions(k: int) -> None:
    """Against sampling, for every number of positive corners and for equal values."""
    rng = np.random.default_rng(0)
    values = np.concatenate(
        [rng.normal(size=(50, k)), np.ones((1, k)), np.zeros((1, k)), -np.eye(k), np.eye(k)]
    )
    share, mean = positive_part(values)
    w = rng.exponential(size=(40_000, k))
    at = values @ (w / w.sum(1, keepdims=True)).T
    np.testing.assert_allclose(share, (at > 0).mean(1), atol=0.012)
    np.testing.assert_allclose(mean, np.maximum(at, 0).mean(1), atol=0.012)


@pytest.fixture(scope="module")
def plate() -> Sample:
    """A plate, 100 um thick, normal to x."""
    return shape("plate", (300.0, 800.0, 600.0), 25.0, thickness=100.0)


def pit(y: float, depth: float, side: int = 0, radius: float = 140.0, least: float = 0.0) -> Depth:
    """A pit with the section of a parabola, on both sides of the plate (0) or on one of them."""

    def of(x: np.ndarray) -> np.ndarray:
        r = np.linalg.norm(x[:, 1:] - [y, 300], axis=1)
        on = (np.sign(x[:, 0] - 150) == side) | (side == 0)
        return np.where(on, np.maximum(depth * (1 - (r / radius) ** 2), least), 0.0)

    return of


def test_a_pit_on_one_side_is_a_lesion_without_a_hole(plate: Sample) -> None:
    bone = bone_of(plate, pit(400.0, 40.0, side=1, least=-20.0))
    (lesion,), total = lesions_of(bone)
    assert lesion.perforations == total.perforations == 0
    r = 140 * np.sqrt(1 - 2 / 40)  # where it is 2 um deep
    assert lesion.volume == pytest.approx(np.pi * r**2 * (40 + 2) / 2, rel=0.03)  # chords of a dome
    assert lesion.surface == pytest.approx(np.pi * r**2, rel=0.02)
    assert lesion.share == pytest.approx(lesion.surface / (2 * 800 * 600))
    assert lesion.deepest == 40 and lesion.depth == pytest.approx(lesion.volume / lesion.surface)
    assert 4 / 3 * np.pi * lesion.radius**3 == pytest.approx(lesion.volume)
    np.testing.assert_allclose(lesion.centre, [200, 400, 300], atol=2)
    assert lesion.reach == pytest.approx(r, abs=12)
    assert total.volume == lesion.volume


def test_pits_that_meet_are_one_perforated_lesion(plate: Sample) -> None:
    shallow, total = lesions_of(bone_of(plate, pit(400.0, 35.0)))
    assert (len(shallow), total.perforations) == (2, 0)
    (one,), total = lesions_of(bone_of(plate, pit(400.0, 49.5)))  # the models stop at half the thickness
    assert (one.perforations, total.perforations) == (1, 1)
    np.testing.assert_allclose(one.centre, [150, 400, 300], atol=2)


def test_two_holes_and_a_pit(plate: Sample) -> None:
    depths = pit(200.0, 60.0, radius=90.0), pit(600.0, 60.0), pit(400.0, 20.0, side=1, radius=30.0)
    found, total = lesions_of(bone_of(plate, lambda x: sum(d(x) for d in depths)))
    assert [lesion.perforations for lesion in found] == [1, 1, 0]
    assert found[0].centre[1] == pytest.approx(600, abs=3) and found[2].centre[1] == pytest.approx(400, abs=3)
    assert total.volume == pytest.approx(sum(lesion.volume for lesion in found))
    assert total.surface == pytest.approx(sum(lesion.surface for lesion in found))


def test_a_rod_cut_through() -> None:
    rod = shape("rod", (300.0, 300.0, 500.0), 25.0, radius=60.0)
    (lesion,), _ = lesions_of(bone_of(rod, lambda x: np.where(abs(x[:, 2] - 250) < 60, 62.0, 0.0)))
    assert lesion.perforations == 1


def test_a_section(tmp_path: Path) -> None:
    """Two dimensions: volumes and areas per millimetre of thickness."""
    bone = bone_of(
        shape("sphere", (600.0, 600.0), 20.0, radius=200.0), lambda x: np.where(x[:, 0] > 300, 10.0, 0)
    )
    (lesion,), total = lesions_of(bone)
    assert lesion.surface == pytest.approx(np.pi * 200, rel=0.03)
    write_lesions([lesion], total, tmp_path / "lesion.csv")
    header, row, last = csv.reader((tmp_path / "lesion.csv").read_text("utf-8").splitlines())
    numbers = dict(zip(header, row, strict=True))
    assert (row[0], last[0], header[1:3]) == ("1", "total", ["x [um]", "y [um]"])
    assert float(numbers["ES [mm^2]"]) == pytest.approx(0.2 * np.pi, rel=0.03)
    assert float(numbers["volume [mm^3]"]) == pytest.approx(0.01 * 0.2 * np.pi, rel=0.05)
    assert float(numbers["equivalent_radius [um]"]) == pytest.approx(np.sqrt(2000), rel=0.03)
    assert write_points(bone, tmp_path / "points.csv") == len(bone.points)
    assert (tmp_path / "points.csv").read_text("utf-8").splitlines()[
        0
    ] == "x [um],y [um],depth [um],length [um]"


def test_healthy_bone_has_no_lesion(tmp_path: Path, ball: Sample) -> None:
    found, total = lesions_of(bone_of(ball))
    assert found == [] and total.volume == total.depth == total.radius == 0
    write_lesions(found, total, tmp_path / "lesion.csv")
    (_, last) = csv.reader((tmp_path / "lesion.csv").read_text("utf-8").splitlines())
    assert last[:4] == ["total", "", "", ""] and last[-1] == "0"
    marrow = bone_of(shape("marrow", (200.0,) * 3, 50.0))
    assert lesions_of(marrow)[1].share == 0 and write_points(marrow, tmp_path / "p.csv") == 0


def test_points_carry_depth_and_area(tmp_path: Path, ball: Sample) -> None:
    bone = bone_of(ball, lambda x: x[:, 0] / 100)
    write_points(bone, tmp_path / "points.csv")
    table = np.genfromtxt(tmp_path / "points.csv", delimiter=",", names=True)
    np.testing.assert_allclose(table["depth_um"], bone.points[:, 0] / 100, rtol=1e-7)
    assert table["area_um2"].sum() == pytest.approx(sizes(bone.points, bone.facets).sum())
    assert lumped(bone.points, bone.facets).min() > 0
    with pytest.raises(InputError, match="cannot be written here: No such file"):
        write_points(bone, tmp_path / "missing" / "p.csv")
