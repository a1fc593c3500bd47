# SPDX-License-Identifier: LGPL-3.0-or-later
"""Images: formats, frames and faults."""

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.geometry.image import read_image

sitk = pytest.importorskip("SimpleITK")

SHAPE = (9, 8, 7)  # x, y, z


def values():
    return (np.arange(np.prod(SHAPE)).reshape(SHAPE) % 251).astype(np.uint8)


def write(path, array, spacing=(0.01, 0.02, 0.03), origin=(1.0, -2.0, 3.0), direction=None):
    image = sitk.GetImageFromArray(array.transpose())
    image.SetSpacing(spacing[: array.ndim])
    image.SetOrigin(origin[: array.ndim])
    if direction is not None:
        image.SetDirection(np.asarray(direction, float).ravel())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "a.mhd", "a.nii", "a.nii.gz"])
def test_formats(tmp_path, name):
    direction = np.diag([-1, -1, 1]) if ".nii" in name else None  # NIfTI turns x and y round
    image = read_image(write(tmp_path / name, values(), direction=direction))
    array = values()[::-1, ::-1] if direction is not None else values()
    np.testing.assert_array_equal(image.values, array)
    assert image.spacing == pytest.approx((10, 20, 30))
    first = (1000 - 80, -2000 - 140, 3000) if direction is not None else (1000, -2000, 3000)
    assert image.first == pytest.approx(first)
    assert len(image.sha256) == 64


@pytest.mark.parametrize(
    "direction",
    [
        [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
        [[-1, 0, 0], [0, 1, 0], [0, 0, -1]],
    ],
)
def test_turned_images_have_every_voxel_where_itk_has_it(tmp_path, direction):
    path = write(tmp_path / "a.nrrd", values(), direction=direction)
    image, itk = read_image(path), sitk.ReadImage(str(path))
    for index in [(0, 0, 0), (8, 7, 6), (3, 0, 5), (8, 2, 1)]:
        where = np.array(itk.TransformIndexToPhysicalPoint(index)) * 1000
        at = np.round((where - image.first) / image.spacing).astype(int)
        np.testing.assert_allclose(image.first + at * image.spacing, where, atol=1e-6)
        assert image.values[tuple(at)] == itk[index]


def test_tiff_file_and_folder(tmp_path):
    write(tmp_path / "a.tif", values())
    folder = tmp_path / "slices"
    folder.mkdir()
    for k in range(SHAPE[2]):
        write(folder / f"s{k + 8}.tif", values()[:, :, k])  # s8, s9, s10: natural order
    for path in (tmp_path / "a.tif", folder):
        image = read_image(path, voxel=19.5)
        np.testing.assert_array_equal(image.values, values())
        assert image.spacing == (19.5, 19.5, 19.5)
        with pytest.raises(InputError, match="TIFF images carry no voxel size"):
            read_image(path)


def test_single_layer_is_two_dimensional(tmp_path):
    image = read_image(write(tmp_path / "a.nrrd", values()[:, :, :1]))
    assert image.values.shape == SHAPE[:2]
    assert image.first == pytest.approx((1000, -2000))


def test_files_that_are_no_image(tmp_path):
    (tmp_path / "a.nrrd").write_text("hello")
    (tmp_path / "b.xyz").write_bytes(b"123")
    (tmp_path / "empty").mkdir()
    for name, message in (
        ("a.nrrd", "cannot be read as an image"), ("b.xyz", "readable formats: .nrrd"),
        ("c.nrrd", "no such image file"), ("empty", "holds neither TIFF slices"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=message) as e:
            read_image(tmp_path / name)
        assert e.value.problems[0].file == tmp_path / name


def test_oblique_colour_and_voxel_conflicts(tmp_path):
    c, s = np.cos(0.3), np.sin(0.3)
    path = write(tmp_path / "a.nrrd", values(), direction=[[c, -s, 0], [s, c, 0], [0, 0, 1]])
    with pytest.raises(InputError, match="oblique"):
        read_image(path)
    colour = sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True)
    sitk.WriteImage(colour, str(tmp_path / "b.nrrd"))
    with pytest.raises(InputError, match="3 values per voxel"):
        read_image(tmp_path / "b.nrrd")
    path = write(tmp_path / "c.nrrd", values())
    with pytest.raises(InputError, match="measure 10 x 20 x 30 um, but the case says voxel = 19.5 um"):
        read_image(path, voxel=19.5)
    path = write(tmp_path / "d.nrrd", values(), spacing=(1.0, 1.0, 1.0))
    assert read_image(path, voxel=19.5).spacing == (19.5, 19.5, 19.5)  # unit spacing says nothing
    assert read_image(path, voxel=1000.0).spacing == (1000.0, 1000.0, 1000.0)
    with pytest.raises(InputError, match=r'1000 x 1000 x 1000 um, too large.*voxel = "19.5 um"'):
        read_image(path)


def test_a_file_in_micrometres_needs_its_voxel_size_stated(tmp_path):
    path = write(tmp_path / "a.nrrd", values(), spacing=(20.0, 20.0, 20.0), origin=(100.0, 0.0, -40.0))
    with pytest.raises(InputError, match=r'20000 x 20000 x 20000 um, too large.*voxel = "20 um"'):
        read_image(path)
    image = read_image(path, voxel=20.0)
    assert image.spacing == (20.0, 20.0, 20.0)
    assert image.first == pytest.approx((100.0, 0.0, -40.0))


def test_voxels_without_a_number_are_refused(tmp_path):
    array = values().astype(np.float32)
    array[2, 3, 4], array[0, 0, 0] = np.nan, np.inf
    with pytest.raises(InputError, match="NaN or infinity: 2 of 504"):
        read_image(write(tmp_path / "a.nrrd", array))
