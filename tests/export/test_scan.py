# SPDX-License-Identifier: LGPL-3.0-or-later
"""Virtual micro-CT: partial volume, erosion, round trips, frames, grey values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from osteofield.case.types import FoamSpec, ImageSpec, SampleSpec
from osteofield.errors import InputError
from osteofield.export import scan, write_scan
from osteofield.geometry import Sample, build_sample, read_image
from osteofield.geometry.foam import foam
from osteofield.geometry.segmentation import load_bone

from .conftest import bone_of, shape

sitk = pytest.importorskip("SimpleITK")


@pytest.mark.parametrize(("d", "voxel"), [(2, 10.0), (2, 60.0), (3, 15.0), (3, 60.0)])
def test_partial_volumes_add_up_to_the_mesh(d: int, voxel: float) -> None:
    """Voxels smaller and larger than the cells of the mesh."""
    sample = shape("sphere", (600.0,) * d, 30.0, radius=200.0)
    made = scan(bone_of(sample), voxel)
    assert made.share.shape == (int(600 / voxel),) * d
    assert made.bv_tv == pytest.approx(sample.morphometry.bv_tv, rel=0.005)
    assert ((made.share > 0) & (made.share < 1)).any()
    assert made.share[(0,) * d] == 0 and made.share[(made.share.shape[0] // 2,) * d] == 1


@pytest.mark.parametrize("depth", [7.0, 33.0, -12.0])
def test_a_plate_loses_and_gains_what_its_depth_says(depth: float) -> None:
    sample = shape("plate", (400.0, 200.0, 200.0), 25.0, thickness=150.0)
    made = scan(bone_of(sample, lambda x: np.full(len(x), depth)), 20.0)
    assert made.bv_tv * 400 == pytest.approx(150 - 2 * depth, abs=0.3)
    one = scan(bone_of(sample, lambda x: np.where(x[:, 0] < 200, depth, 0.0)), 20.0)
    assert one.bv_tv * 400 == pytest.approx(150 - depth, abs=0.3)


def test_a_ball_is_eroded_evenly(ball: Sample) -> None:
    made = scan(bone_of(ball, lambda x: np.full(len(x), 60.0)), 20.0)
    radius = (ball.morphometry.bone_volume * 3 / 4 / np.pi) ** (1 / 3)  # of the polyhedron, 1 um less
    assert made.bv_tv == pytest.approx(4 / 3 * np.pi * (radius - 60) ** 3 / 600**3, rel=0.01)


def test_bone_eroded_through_is_gone(ball: Sample) -> None:
    assert scan(bone_of(ball, lambda x: np.full(len(x), 250.0)), 30.0).bv_tv == 0


def test_only_marrow() -> None:
    sample = shape("marrow", (200.0,) * 3, 50.0)
    made = scan(bone_of(sample), 20.0, bone_grey=90, marrow_grey=10)
    assert made.bv_tv == 0 and (made.grey == 10).all()


def away(bone: np.ndarray) -> np.ndarray:
    """Voxels with no voxel of the other phase among their neighbours."""
    cube = np.ones((3, 3, 3))
    return ndimage.binary_erosion(bone, cube, border_value=1) | ndimage.binary_erosion(
        ~bone, cube, border_value=1
    )


def test_round_trip_of_a_foam() -> None:
    spec = FoamSpec((1248.0,) * 3)  # 64^3 voxels
    voxels = foam(spec).without_islands()[0].values > 0
    made = scan(bone_of(build_sample(SampleSpec(foam=spec, cell_size=22.0))), 19.5)
    assert made.share.shape == voxels.shape == (64, 64, 64)
    assert made.bv_tv == pytest.approx(voxels.mean(), rel=0.005)
    assert ((made.share > 0.5) == voxels)[away(voxels)].mean() > 0.999


def test_round_trip_of_real_bone(shared_data: Path, tmp_path: Path) -> None:
    """Image, mesh, virtual scan, and the scan read again with the threshold of the image."""
    corner = np.array([1000.0, 1000.0, 1000.0])
    image = ImageSpec(
        shared_data / "lhdl_3155_D_4_200.nrrd", 63.0, crop=(tuple(corner), tuple(corner + 96 * 19.5))
    )
    voxels = load_bone(image)[0].without_islands()[0]
    bone = voxels.values > 0
    made = scan(bone_of(build_sample(SampleSpec(image=image, cell_size=39.0))))
    assert made.bv_tv == pytest.approx(bone.mean(), rel=0.005)
    assert ((made.share > 0.5) == bone)[away(bone)].mean() > 0.99
    write_scan(made, tmp_path / "scan.nrrd")
    again = read_image(tmp_path / "scan.nrrd")
    np.testing.assert_allclose(again.first, voxels.first)
    np.testing.assert_allclose(again.spacing, voxels.spacing)
    assert again.values.dtype == np.uint8
    assert (again.values > 63).mean() == pytest.approx(bone.mean(), rel=0.005)


TURNS = [np.eye(3), [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[0, -1, 0], [1, 0, 0], [0, 0, -1]]]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", ["scan.nrrd", "scan.mha", "scan.nii.gz"])
def test_every_voxel_is_where_the_source_has_it(tmp_path: Path, turn: np.ndarray, name: str) -> None:
    """A ball off centre in an image whose axes are swapped and flipped."""
    shape_ = (26, 20, 22)
    source = sitk.Image(*shape_, sitk.sitkUInt8)
    source.SetSpacing((0.05, 0.06, 0.05))
    source.SetDirection(np.asarray(turn, float).ravel())
    source.SetOrigin((-3.0, 2.0, 5.0))
    middle = np.array(source.TransformContinuousIndexToPhysicalPoint([n / 2 + 1.3 for n in shape_]))
    index = np.stack(np.indices(shape_), -1).reshape(-1, 3)
    place = np.array(source.GetOrigin()) + (index * source.GetSpacing()) @ np.asarray(turn, float).T
    grey = np.where(np.linalg.norm(place - middle, axis=1) < 0.3, 200, 20).astype(np.uint8)
    values = grey.reshape(shape_).transpose()
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(source)
    sitk.WriteImage(image, str(tmp_path / "source.nrrd"))
    spec = ImageSpec(tmp_path / "source.nrrd", 110.0, smoothing=0.5)
    made = scan(bone_of(build_sample(SampleSpec(image=spec, cell_size=60.0))))
    write_scan(made, tmp_path / name)
    out = sitk.ReadImage(str(tmp_path / name))
    assert out.GetSize() == shape_
    for a, b in (("Origin", 1e-4), ("Spacing", 1e-6), ("Direction", 1e-6)):
        np.testing.assert_allclose(getattr(out, f"Get{a}")(), getattr(image, f"Get{a}")(), atol=b)
    got = sitk.GetArrayFromImage(out)
    assert ((got > 110) == (values > 110)).mean() > 0.995


def test_slices(tmp_path: Path, ball: Sample) -> None:
    made = scan(bone_of(ball), 30.0)
    (note,) = write_scan(made, tmp_path / "slices")
    assert "voxels of 30 x 30 x 30 um, the first one centred at (15, 15, 15) um" in note
    assert sorted(p.name for p in (tmp_path / "slices").iterdir())[:2] == ["slice_00.tif", "slice_01.tif"]
    again = read_image(tmp_path / "slices", voxel=30.0)
    np.testing.assert_array_equal(again.values, np.rint(made.grey))


def test_a_section_is_written_in_two_dimensions(tmp_path: Path) -> None:
    made = scan(bone_of(shape("sphere", (600.0, 400.0), 25.0, radius=100.0)), 20.0)
    assert write_scan(made, tmp_path / "scan.nrrd") == []
    assert sitk.ReadImage(str(tmp_path / "scan.nrrd")).GetSize() == (30, 20)


def test_blur_keeps_the_sum_and_noise_its_seed(ball: Sample) -> None:
    bone = bone_of(ball)
    plain, soft = scan(bone, 20.0), scan(bone, 20.0, blur=40.0)
    assert soft.grey.mean() == pytest.approx(plain.grey.mean(), rel=1e-4)
    assert ((soft.grey > 70) & (soft.grey < 185)).sum() > 1.5 * ((plain.grey > 70) & (plain.grey < 185)).sum()
    one, same, other = (scan(bone, 20.0, noise=9.0, seed=s).grey - plain.grey for s in (4, 4, 5))
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.03
    assert (one.std(), one.mean()) == (pytest.approx(9, rel=0.03), pytest.approx(0, abs=0.3))
    assert soft.bv_tv == plain.bv_tv


def test_grey_values_by_default_and_by_wish(tmp_path: Path, ball: Sample) -> None:
    bone = bone_of(ball)
    facts = {
        "threshold": 63.0,
        "mean grey value of bone, of marrow": [157.0, 19.0],
        "voxel size [um]": [30.0] * 3,
    }
    like = replace(bone, provenance=facts)
    made = scan(like)
    assert (made.bone, made.marrow, made.threshold) == (107.0, 19.0, 63.0)
    assert (scan(like, marrow_grey=3).bone, scan(like, bone_grey=200).bone) == (123.0, 200)
    write_scan(scan(bone, 30.0, bone_grey=2000, marrow_grey=-500), tmp_path / "hu.nrrd")
    assert read_image(tmp_path / "hu.nrrd").values.min() == -500
    write_scan(scan(bone, 30.0, bone_grey=1e5, marrow_grey=0.5), tmp_path / "big.nrrd")
    assert read_image(tmp_path / "big.nrrd").values.max() == 1e5
    with pytest.raises(InputError, match="must be brighter"):
        scan(bone, 30.0, bone_grey=10)


def test_voxels_that_cannot_be(ball: Sample) -> None:
    bone = bone_of(ball)
    with pytest.raises(InputError, match="did not come from an image, so its voxel size has to be given"):
        scan(bone)
    with pytest.raises(InputError, match="do not fit into the sample, which measures 600 x 600 x 600 um"):
        scan(bone, 700.0)
    with pytest.raises(
        InputError, match="6000 x 6000 x 6000 voxels need distances at 2.2e.11 places, about 8.6e.03 GB"
    ):
        scan(bone, 0.1)
