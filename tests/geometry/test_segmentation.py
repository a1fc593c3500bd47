# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bone in an image: crop and threshold."""

import numpy as np
import pytest

from osteofield.case.types import ImageSpec
from osteofield.errors import InputError
from osteofield.geometry.segmentation import load_bone, otsu_threshold

from .test_image import values, write

pytest.importorskip("SimpleITK")


def test_threshold_faults_tell_the_range(tmp_path):
    path = write(tmp_path / "a.nrrd", values())
    with pytest.raises(
        InputError, match=r"no bone.*threshold 300.*range from 0 to 250; Otsu's method suggests 1"
    ):
        load_bone(ImageSpec(path, 300.0, smoothing=0.0))
    with pytest.raises(InputError, match=r"no marrow: every voxel is above the threshold -5"):
        load_bone(ImageSpec(path, -5.0))


def test_otsu_separates_two_heaps(tmp_path):
    rng = np.random.default_rng(0)
    array = rng.normal(40, 8, (20, 20, 20))
    array[:8] = rng.normal(140, 8, (8, 20, 20))
    assert 70 < otsu_threshold(array) < 110
    assert otsu_threshold(np.array([3.0, 3.0])) == pytest.approx(3, abs=0.6)  # one value only
    path = write(tmp_path / "a.nrrd", array.astype(np.float32))
    voxels, facts = load_bone(ImageSpec(path, "otsu", smoothing=0.0))
    assert (voxels.values > 0).mean() == pytest.approx(0.4, abs=0.001)
    assert facts["threshold from"] == "Otsu"
    assert 70 < facts["threshold"] < 110


def test_crop_is_physical_and_filtered_with_its_surroundings(tmp_path):
    rng = np.random.default_rng(0)
    path = write(
        tmp_path / "a.nrrd",
        rng.random((30, 30, 30)).astype(np.float32),
        spacing=(0.01,) * 3,
        origin=(1, 2, 3),
    )
    whole, _ = load_bone(ImageSpec(path, 0.5))
    part, _ = load_bone(ImageSpec(path, 0.5, crop=((1045.0, 2095.0, 3105.0), (1145.0, 2195.0, 3205.0))))
    assert part.values.shape == (10, 10, 10)
    assert part.first == pytest.approx((1050, 2100, 3110))
    np.testing.assert_allclose(part.values, whole.values[5:15, 10:20, 11:21], atol=1e-6)
    np.testing.assert_allclose(part.box, [(1045, 2095, 3105), (1145, 2195, 3205)])
    for crop, message in (
        (
            ((0.0,) * 3, (100.0,) * 3),
            r"reaches outside the image. The image 'a.nrrd' reaches from \(995, 1995, 2995\)",
        ),
        (((1050.0, 2050.0), (1100.0, 2100.0)), "3 coordinates each"),
        (((1100.0,) * 3, (1050.0,) * 3), "not below"),
        (((1050.0, 2050.0, 3050.0), (1055.0, 2100.0, 3100.0)), "thinner than two voxels"),
    ):
        with pytest.raises(InputError, match=message):
            load_bone(ImageSpec(path, 0.5, crop=crop))
