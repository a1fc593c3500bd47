# SPDX-License-Identifier: LGPL-3.0-or-later
"""Grey-value images and label maps of bone: NRRD, MHA/MHD, NIfTI, TIFF and DICOM, through SimpleITK."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from ..case.types import ImageSpec, LabelSpec
from ..errors import InputError, Problem
from ..team import ALONE, Team
from . import dicom
from .boxes import Box, Partition
from .implant import ImplantMap
from .labels import BONE, IMPLANT, phases_of
from .voxels import VoxelField, Voxels

TIFF = (".tif", ".tiff")
FORMATS = (".nrrd", ".nhdr", ".mha", ".mhd", ".nii", ".nii.gz", *TIFF)
CROP = "sample.crop"  # the key of a case that is to blame
_RIM = 2  # voxels next to the surface, whose grey values are mixed
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


def load_bone(spec: ImageSpec) -> tuple[Voxels, dict[str, Any]]:
    """See `load_bone_over`; the whole on one process."""
    field, facts, _ = load_bone_over(spec, ALONE)
    return Voxels(field.values, field.first, field.spacing), facts


def load_bone_over(spec: ImageSpec, team: Team) -> tuple[VoxelField, dict[str, Any], ImplantMap | None]:
    """Collective: read, crop, smooth and threshold an image, or the solid part of a label map.

    Rank 0 reads the file, whose formats are compressed and cannot be read in parts, and hands the
    grey values, in the type of the file, out; everything after that is each rank's own part.

    Returns:
        Grey value minus threshold (of a label map: share of bone and implant minus a half), facts
        for the provenance of the sample, and where a label map has an implant.

    Raises:
        InputError: The file cannot be used, or threshold or crop do not fit it.
    """
    margin = int(np.ceil(4 * spec.smoothing))
    found = team.on_root(lambda: _read(spec, margin))
    about = None
    if found is not None:
        part, inner = found
        about = replace(part, values=part.values[:0]), inner, part.values.shape, part.values.dtype
    image, inner, outer, kind = team.from_root(about)
    shape = tuple(int(s.stop - s.start) for s in inner)
    partition = Partition.even(team, shape)
    own, corner = partition.own, [s.start for s in inner]
    boxes = []
    for box in partition.boxes:
        box = Box(*(tuple(i + c for i, c in zip(e, corner, strict=True)) for e in (box.lo, box.hi)))
        boxes.append(box.grown(margin, margin, outer))
    held = boxes[team.rank]
    values = _hand_out(found[0].values if found is not None else None, boxes, kind, team)
    implant = None
    if spec.labels is not None and spec.labels.implant:  # as a whole on every rank
        phases = team.from_root(found[0].values if found is not None else None)
        implant = ImplantMap.of(phases == IMPLANT, phases == BONE, spec.smoothing, image.first, image.spacing)
    found = None
    mine = Box(*(tuple(i + c for i, c in zip(e, corner, strict=True)) for e in (own.lo, own.hi)))
    grey, values = values[mine.within(held)], values.astype(np.float32)
    if spec.labels is not None:
        values = np.minimum(values, 1.0)  # bone and implant are solid
    if spec.smoothing > 0 and own.size:
        values = scipy.ndimage.gaussian_filter(values, spec.smoothing, mode="nearest", truncate=4.0)
    values = np.ascontiguousarray(values[mine.within(held)])
    first = tuple(f + s.start * h for f, s, h in zip(image.first, inner, image.spacing, strict=True))
    otsu = otsu_threshold(values, team=team)
    threshold = otsu if spec.threshold == "otsu" else float(spec.threshold)
    share = float(team.sum(int((values > threshold).sum()))) / float(np.prod(shape))
    if share in (0.0, 1.0):
        if spec.labels is not None:
            raise InputError(
                Problem(f"the label map has no {'bone' if share == 0 else 'marrow'}.", image.path)
            )
        missing, where = ("bone", "at or below") if share == 0 else ("marrow", "above")
        smooth = "after smoothing " if spec.smoothing > 0 else ""
        least, most = _range(values, team)
        raise InputError(
            Problem(
                f"the image has no {missing}: every voxel is {where} the threshold {threshold:g}. Its grey "
                f"values {smooth}range from {least:g} to {most:g}; Otsu's method suggests "
                f"{otsu:.4g}.",
                image.path,
            )
        )
    facts = {
        "file": image.path.name,
        "sha256": image.sha256,
        "voxels": list(shape),
        "voxel size [um]": list(image.spacing),
        "first voxel [um]": list(first),
        "direction": [list(row) for row in image.direction],
        **(
            _about_labels(spec.labels)
            if spec.labels
            else {
                "grey values": str(kind),
                "mean grey value of bone, of marrow": _plateaus(grey, values > threshold, partition),
                "threshold": threshold,
                "threshold from": "Otsu" if spec.threshold == "otsu" else "case",
            }
        ),
        "Gaussian smoothing [voxel]": spec.smoothing,
        "BV/TV of the voxels": share,
    }
    return VoxelField(partition, values - np.float32(threshold), first, image.spacing), facts, implant


def _read(spec: ImageSpec, margin: int) -> tuple[Image, tuple[slice, ...]]:
    """The image, or the phases of a label map, cropped with a margin."""
    image, inner = _crop(read_image(spec.path, spec.voxel), spec.crop, margin)
    if spec.labels is not None:
        image = replace(image, values=phases_of(image.values, spec.labels, image.path))
    return image, inner


def _about_labels(labels: LabelSpec) -> dict[str, Any]:
    marrow = "rest" if labels.marrow is None else list(labels.marrow)
    out = {"bone": list(labels.bone), "marrow": marrow}
    return {"labels": out | ({"implant": list(labels.implant)} if labels.implant else {})}


def _hand_out(whole: np.ndarray | None, boxes: list[Box], kind: np.dtype, team: Team) -> np.ndarray:
    """Collective: the box of this rank from the array that rank 0 has."""
    if whole is None:
        parts = [np.zeros(0, kind)] * team.size
    else:
        origin = Box((0,) * whole.ndim, whole.shape)
        parts = [whole[b.within(origin)].ravel() for b in boxes]
    return team.exchange(parts)[0].reshape(boxes[team.rank].shape)


def _range(values: np.ndarray, team: Team) -> tuple[float, float]:
    """Collective: least and largest value."""
    none = not values.size
    least = team.least(np.float32(np.inf) if none else values.min())
    return float(least), float(team.most(np.float32(-np.inf) if none else values.max()))


def read_image(path: str | Path, voxel: float | None = None) -> Image:
    """Read an image in its physical frame.

    Direction matrices that permute or flip axes are applied; 3-D images of one layer become 2-D.

    Args:
        path: A file, or a folder of TIFF slices in the natural order of their names, or of the slices
            of one DICOM series.
        voxel: Voxel size in um for formats without one.

    Raises:
        InputError: The file is missing, no image, an oblique one, coloured, or has no voxel size.
    """
    import SimpleITK as sitk

    path = Path(path)
    files = _files(path)
    try:
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
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
    d = values.ndim
    direction = np.array(itk.GetDirection()).reshape(d, d)
    origin, spacing = np.array(itk.GetOrigin()) * UM_PER_MM, np.array(itk.GetSpacing()) * UM_PER_MM
    if d not in (2, 3):
        raise InputError(Problem(f"the image has {d} dimensions; 2 or 3 are needed.", path))
    spacing = _voxel_size(spacing, voxel, path, files)
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
    """TIFF tags hold printer resolutions, not voxel sizes, and are never believed."""
    if files[0].suffix.lower() in TIFF:
        if voxel is None:
            raise InputError(
                Problem(
                    'TIFF images carry no voxel size; give it in the case, for example voxel = "19.5 um".',
                    path,
                )
            )
        return np.full(len(spacing), float(voxel))
    if voxel is not None and not np.allclose(spacing, voxel, rtol=0.01):
        if np.allclose(spacing, UM_PER_MM):  # ITK's default where the file says nothing
            return np.full(len(spacing), float(voxel))
        raise InputError(
            Problem(
                f"the file says that its voxels measure {' x '.join(f'{s:g}' for s in spacing)} um, but the "
                f"case says voxel = {voxel:g} um; leave 'voxel' out or correct the file.",
                path,
            )
        )
    return spacing


def _crop(
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


def _plateaus(grey: np.ndarray, bone: np.ndarray, partition: Partition) -> list[float]:
    """Collective: mean grey values of bone and of marrow, without the voxels next to the surface if any are
    left."""
    team, own, out = partition.team, partition.own, []
    halo = partition.halo(own.grown(_RIM, _RIM, partition.whole))
    for phase in (bone, ~bone):
        core = scipy.ndimage.binary_erosion(halo(phase), iterations=_RIM, border_value=1)[
            own.within(halo.held)
        ]
        inner, all_of_it = (
            team.sum([grey[m].sum(dtype=float), float(m.sum())]).tolist() for m in (core, phase)
        )
        total, count = inner if inner[1] else all_of_it
        out.append(total / count)
    return out


def _corner(x: np.ndarray) -> str:
    return f"({', '.join(f'{v:g}' for v in x)})"


def otsu_threshold(values: np.ndarray, bins: int = 256, team: Team = ALONE) -> float:
    """Collective: threshold of greatest between-class variance (Otsu 1979, IEEE Trans SMC 9:62)."""
    count, edges = np.histogram(values, bins, _range(values, team))
    count = team.sum(count)
    centre = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(count)[:-1].astype(float)
    above = count.sum() - below
    sum_below = np.cumsum(count * centre)[:-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = sum_below / below - (np.sum(count * centre) - sum_below) / above
        variance = np.nan_to_num(below * above * gap**2, nan=-1.0)
    best = np.flatnonzero(variance == variance.max())
    return float(edges[1 + best[len(best) // 2]])
