# SPDX-License-Identifier: LGPL-3.0-or-later
"""Grey-value images and label maps of bone: NRRD, MHA/MHD, NIfTI, TIFF and DICOM, through SimpleITK."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, Problem
from . import dicom

TIFF = (".tif", ".tiff")
FORMATS = (".nrrd", ".nhdr", ".mha", ".mhd", ".nii", ".nii.gz", *TIFF)
CROP = "sample.crop"  # the key of a case that is to blame
UM_PER_MM = 1000.0  # ITK images are in mm


@dataclass(frozen=True)
class Image:
    """Grey values with axes in physical order x, y(, z), ascending, and lengths in um.

    Attributes:
        values: One grey value per voxel.
        first: Centre of the first voxel.
        spacing: Voxel size per axis.
        path: Where it was read.
        sha256: Of the file, or of all slices.
        direction: Entry ``[k][a]`` is 1 or -1 where physical axis k is the file's axis a, along or
            against it, and 0 elsewhere.
    """

    values: np.ndarray
    first: tuple[float, ...]
    spacing: tuple[float, ...]
    path: Path
    sha256: str
    direction: tuple[tuple[int, ...], ...]


def read_image(path: str | Path, voxel: float | None = None) -> Image:
    """Read an image in its physical frame.

    Direction matrices that permute or flip axes are applied; 3-D images of one layer become 2-D.

    Args:
        path: A file, or a folder of TIFF slices in the natural order of their names, or of the slices
            of one DICOM series.
        voxel: Voxel size in um for formats without one.

    Raises:
        InputError: The file is missing, no image, an oblique one, coloured, has no voxel size, or grey values
            that are no numbers.
    """
    import SimpleITK as sitk

    path = Path(path)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # what is wrong is said here
    files = _files(path)
    try:
        itk = sitk.ReadImage([str(f) for f in files] if len(files) > 1 else str(files[0]))
    except RuntimeError as e:
        said = str(e).strip().splitlines()[-1].split("ERROR:")[-1].strip()
        raise InputError(
            Problem(
                f"this cannot be read as an image ({said}); readable formats: {', '.join(FORMATS)}.", path
            )
        ) from None
    if itk.GetNumberOfComponentsPerPixel() != 1:
        n = itk.GetNumberOfComponentsPerPixel()
        raise InputError(Problem(f"the image has {n} values per voxel; one grey value is needed.", path))
    values = sitk.GetArrayViewFromImage(itk)
    if np.iscomplexobj(values):
        raise InputError(Problem("the image has complex values; grey values are needed.", path))
    values = np.array(values).transpose()  # ITK arrays run z, y, x
    if values.dtype.kind == "f" and (odd := values.size - int(np.isfinite(values).sum())):
        raise InputError(
            Problem(
                f"voxels that hold no number but NaN or infinity: {odd} of {values.size}; give them a grey "
                "value first.",
                path,
            )
        )
    d = values.ndim
    direction = np.array(itk.GetDirection()).reshape(d, d)
    origin, spacing = np.array(itk.GetOrigin()) * UM_PER_MM, np.array(itk.GetSpacing()) * UM_PER_MM
    if d not in (2, 3):
        raise InputError(Problem(f"the image has {d} dimensions; 2 or 3 are needed.", path))
    given, spacing = spacing, _voxel_size(spacing, voxel, path, files)
    if _in_micrometres(given, spacing):
        origin /= UM_PER_MM
    turn = np.round(direction)
    if not np.allclose(direction, turn, atol=1e-4) or not np.array_equal(turn @ turn.T, np.eye(d)):
        raise InputError(
            Problem(
                "the image axes are oblique to x, y, z (direction matrix "
                f"{[[round(float(c), 4) for c in row] for row in direction]}); resample it "
                "onto axis-aligned voxels first.",
                path,
            )
        )
    axis = np.abs(turn).argmax(1)  # physical axis k is image axis axis[k]
    first = []
    for k, a in enumerate(axis):
        if turn[k, a] < 0:
            values = np.flip(values, a)
        first.append(origin[k] - (spacing[a] * (values.shape[a] - 1) if turn[k, a] < 0 else 0.0))
    values, spacing = values.transpose(axis), spacing[axis]
    if d == 3 and 1 in values.shape:
        keep = [k for k in range(3) if values.shape[k] > 1]
        if len(keep) != 2:
            raise InputError(
                Problem(f"the image has {' x '.join(map(str, values.shape))} voxels only.", path)
            )
        values, first, spacing = values.squeeze(), [first[k] for k in keep], spacing[keep]
        turn = turn[np.ix_(keep, sorted(axis[keep]))]
    return Image(
        np.ascontiguousarray(values), tuple(map(float, first)), tuple(map(float, spacing)), path,
        _hash(files), tuple(tuple(map(int, row)) for row in turn),
    )  # fmt: skip


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted((f for f in path.iterdir() if f.suffix.lower() in TIFF), key=_natural)
        return files or dicom.slices(path)
    if not path.exists():
        raise InputError(Problem("there is no such image file.", path))
    if dicom.is_slice(path):
        raise InputError(
            Problem("this is one slice of a DICOM series; name the folder that holds them all.", path)
        )
    return [path]


def _natural(path: Path) -> list[Any]:
    return [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", path.name)]


def _hash(files: list[Path]) -> str:
    h = hashlib.sha256()
    for f in files:
        h.update(f.read_bytes())
    return h.hexdigest()


def _voxel_size(spacing: np.ndarray, voxel: float | None, path: Path, files: list[Path]) -> np.ndarray:
    """TIFF tags hold printer resolutions, not voxel sizes, and are never believed.

    A voxel of a millimetre and more shows no trabecula: the file says nothing, where ITK takes 1 mm, or means
    micrometres. Then the case has to say what it is.
    """
    if files[0].suffix.lower() in TIFF:
        if voxel is None:
            raise InputError(
                Problem(
                    'TIFF images carry no voxel size; give it in the case, for example voxel = "19.5 um".',
                    path,
                )
            )
        return np.full(len(spacing), float(voxel))
    size = " x ".join(f"{s:g}" for s in spacing)
    if voxel is None:
        if spacing.min() < UM_PER_MM:
            return spacing
        meant = float(spacing[0]) / UM_PER_MM if spacing.min() > UM_PER_MM else 19.5
        raise InputError(
            Problem(
                f"its voxels would measure {size} um, too large to show trabeculae: the file states no voxel "
                "size, or states micrometres where its format has millimetres. Give it, for example "
                f'voxel = "{meant:g} um".',
                path,
            )
        )
    stated = np.full(len(spacing), float(voxel))
    if np.allclose(spacing, stated, rtol=0.01):
        return spacing
    if np.allclose(spacing, UM_PER_MM) or _in_micrometres(spacing, stated):
        return stated
    raise InputError(
        Problem(
            f"the file says that its voxels measure {size} um, but the case says voxel = {voxel:g} um; leave "
            "'voxel' out or correct the file.",
            path,
        )
    )


def _in_micrometres(spacing: np.ndarray, stated: np.ndarray) -> bool:
    """Whether the numbers of a file, taken for millimetres, are the micrometres that are stated."""
    return bool(np.allclose(spacing, stated * UM_PER_MM, rtol=0.01))


def cropped(
    image: Image, crop: tuple[tuple[float, ...], tuple[float, ...]] | None, margin: int
) -> tuple[Image, tuple[slice, ...]]:
    """Cut out the voxels whose centres lie in the crop, with a margin for the filter.

    Returns:
        The image with margin, and the slices of the crop proper within it.
    """
    shape, first, spacing = np.array(image.values.shape), np.array(image.first), np.array(image.spacing)
    if crop is None:
        return image, tuple(slice(0, n) for n in shape)
    lo, hi = (np.array(c, float) for c in crop)
    d = image.values.ndim
    problem = None
    outer = first - spacing / 2, first + spacing * (shape - 0.5)
    if len(lo) != d or len(hi) != d:
        problem = f"its corners need {d} coordinates each"
    elif (lo >= hi).any():
        problem = "its lower corner is not below its upper one"
    elif (lo < outer[0] - 0.01 * spacing).any() or (hi > outer[1] + 0.01 * spacing).any():
        problem = "it reaches outside the image"
    if problem:
        raise InputError(
            Problem(
                f"the crop {_corner(lo)} to {_corner(hi)} um cannot be used: {problem}. The image "
                f"'{image.path.name}' reaches from {_corner(outer[0])} to {_corner(outer[1])} um.",
                key=CROP,
            )
        )
    a = np.maximum(0, np.ceil((lo - first) / spacing - 1e-6)).astype(int)
    b = np.minimum(shape, np.floor((hi - first) / spacing + 1e-6).astype(int) + 1)
    if (b - a < 2).any():
        raise InputError(
            Problem(f"the crop {_corner(lo)} to {_corner(hi)} um is thinner than two voxels.", key=CROP)
        )
    outer_a, outer_b = np.maximum(0, a - margin), np.minimum(shape, b + margin)
    part = Image(
        image.values[tuple(slice(i, j) for i, j in zip(outer_a, outer_b, strict=True))],
        tuple(map(float, first + outer_a * spacing)), image.spacing, image.path, image.sha256,
        image.direction,
    )  # fmt: skip
    return part, tuple(slice(i - o, j - o) for i, j, o in zip(a, b, outer_a, strict=True))


def _corner(x: np.ndarray) -> str:
    return f"({', '.join(f'{v:g}' for v in x)})"
