# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bone in an image: crop, filter and threshold, each rank its part."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy

from ..case.types import ImageSpec, LabelSpec
from ..errors import InputError, Problem
from ..team import ALONE, Team
from .boxes import Box, Partition
from .image import Image, cropped, read_image
from .implant import ImplantMap
from .labels import BONE, IMPLANT, phases_of
from .voxels import VoxelField, Voxels

_RIM = 2  # voxels next to the surface, whose grey values are mixed


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
    image, inner = cropped(read_image(spec.path, spec.voxel), spec.crop, margin)
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


def _range(values: np.ndarray, team: Team) -> tuple[float, float]:
    """Collective: least and largest value."""
    none = not values.size
    least = team.least(np.float32(np.inf) if none else values.min())
    return float(least), float(team.most(np.float32(-np.inf) if none else values.max()))
