# SPDX-License-Identifier: LGPL-3.0-or-later
"""Folders of DICOM slices: which files make up the one series, and whether none is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError, Problem

POSITION, ORIENTATION = "0020|0032", "0020|0037"
UNEVEN = 0.01  # of the mean distance of slices


def is_slice(path: Path) -> bool:
    """Whether a file begins as DICOM files do (PS3.10: 128 bytes, then DICM)."""
    with open(path, "rb") as f:
        return f.read(132)[128:] == b"DICM"


def slices(folder: Path) -> list[Path]:
    """Files of the one DICOM series in a folder, in the order of their positions.

    Raises:
        InputError: There is no series, or more than one, or a slice is missing.
    """
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader
    series = {
        uid: reader.GetGDCMSeriesFileNames(str(folder), uid) for uid in reader.GetGDCMSeriesIDs(str(folder))
    }
    if not series:
        raise InputError(
            Problem("the folder holds neither TIFF slices (.tif, .tiff) nor a DICOM series.", folder)
        )
    if len(series) > 1:
        found = "; ".join(f"{len(files)} slices such as {Path(files[0]).name}" for files in series.values())
        raise InputError(
            Problem(
                f"the folder holds {len(series)} DICOM series ({found}); put one in a folder of its own.",
                folder,
            )
        )
    (files,) = series.values()
    paths = [Path(f) for f in files]
    _check_distances(paths, folder)
    return paths


def _check_distances(files: list[Path], folder: Path) -> None:
    """Slices of a volume lie evenly along their common normal."""
    import SimpleITK as sitk

    heights = []
    for file in files:
        header = sitk.ImageFileReader()
        header.SetFileName(str(file))
        header.ReadImageInformation()
        if not (header.HasMetaDataKey(POSITION) and header.HasMetaDataKey(ORIENTATION)):
            return  # nothing is said about their places: ITK counts them
        place, axes = (
            np.array([float(x) for x in header.GetMetaData(key).split("\\")])
            for key in (POSITION, ORIENTATION)
        )
        heights.append(float(place @ np.cross(axes[:3], axes[3:])))
    gaps = np.diff(heights)
    usual = float(np.median(gaps)) if len(gaps) else 1.0
    odd = np.flatnonzero(np.abs(gaps - usual) > UNEVEN * abs(usual))
    if len(odd):
        k = int(odd[0])
        raise InputError(
            Problem(
                f"the slices are not evenly spaced: {files[k].name} and {files[k + 1].name} are "
                f"{abs(gaps[k]):g} mm apart, others {abs(usual):g} mm; is a slice missing?",
                folder,
            )
        )
