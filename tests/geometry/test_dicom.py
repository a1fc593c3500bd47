# SPDX-License-Identifier: LGPL-3.0-or-later
"""Folders of DICOM slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.geometry import read_image

sitk = pytest.importorskip("SimpleITK")

UID = "1.2.826.0.1.3680043.2.1125.1"


def write(folder: Path, values: np.ndarray, series: int = 1, names: str = "slice{:02d}.dcm") -> None:
    """Slices of 0.05 x 0.05 x 0.08 mm from (1, 2, 3) mm; rescaled by 2 x - 100; names in no order."""
    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k in range(values.shape[2]):
        image = sitk.GetImageFromArray(values[:, :, k].T.astype(np.int16))
        image.SetSpacing((0.05, 0.05))
        for key, value in {
            "0008|0060": "CT", "0020|000e": f"{UID}.{series}", "0020|000d": f"{UID}.0",
            "0008|0018": f"{UID}.{series}.{k}", "0020|0013": str(k), "0020|0032": f"1\\2\\{3 + 0.08 * k:g}",
            "0020|0037": "1\\0\\0\\0\\1\\0", "0018|0050": "0.08", "0028|1053": "2", "0028|1052": "-100",
        }.items():  # fmt: skip
            image.SetMetaData(key, value)
        writer.SetFileName(str(folder / names.format((7 * k) % 100)))
        writer.Execute(image)


@pytest.fixture
def values() -> np.ndarray:
    return 2 * np.random.default_rng(0).integers(0, 200, (9, 8, 7))


def test_a_series_has_its_order_place_and_scale(tmp_path: Path, values: np.ndarray) -> None:
    write(tmp_path / "scan", values)
    image = read_image(tmp_path / "scan")
    # the writer stores (x + 100) / 2, which the reader undoes
    np.testing.assert_array_equal(image.values, values)
    assert image.spacing == pytest.approx((50, 50, 80), rel=1e-4)
    assert image.first == pytest.approx((1000, 2000, 3000))


def test_what_is_no_complete_series(tmp_path: Path, values: np.ndarray) -> None:
    write(tmp_path / "gap", values)
    (tmp_path / "gap" / "slice21.dcm").unlink()
    with pytest.raises(InputError, match="not evenly spaced: slice14.dcm and slice28.dcm are 0.16 mm apart"):
        read_image(tmp_path / "gap")
    write(tmp_path / "two", values)
    write(tmp_path / "two", values, 2, names="other{:02d}.dcm")
    with pytest.raises(InputError, match="holds 2 DICOM series .7 slices such as .*; put one in a folder"):
        read_image(tmp_path / "two")
    with pytest.raises(InputError, match="one slice of a DICOM series; name the folder"):
        read_image(tmp_path / "two" / "slice00.dcm")
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="neither TIFF slices .* nor a DICOM series"):
        read_image(tmp_path / "none")
