# SPDX-License-Identifier: LGPL-3.0-or-later
"""A virtual micro-CT scan of the bone at one time, in the frame of the image it came from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from ..errors import InputError, Problem
from ..geometry.sides import Nodes
from .bone import Bone
from .grid import edge_length
from .level import bone_share, level_of

MOST_NODES = 150_000_000
BYTES_PER_NODE = 40
UM_PER_MM = 1000.0
# contrast of titanium to marrow over that of bone to marrow, from linear attenuation coefficients at 50 keV
# of 5.1 (titanium), 0.96 (hydroxyapatite of 1.8 g/cm^3) and 0.21 /cm (water, for marrow), calculated in a
# table of the Journal of Nuclear Medicine (jnm.snmjournals.org/highwire/markup/57366); softer beams give more
TITANIUM = (5.1 - 0.21) / (0.96 - 0.21)
DEFAULT_GREY = 192.0, 64.0  # of bone and marrow for samples that did not come from an image


@dataclass(frozen=True)
class Scan:
    """Grey values with axes in physical order x, y(, z), ascending; lengths in um.

    Attributes:
        grey: One value per voxel.
        share: Share of bone in every voxel before blur and noise, 0 to 1.
        first: Centre of the first voxel.
        spacing: Voxel size per axis.
        direction: As in `geometry.image.Image`.
        bone, marrow: Grey values of pure bone and marrow.
        time: day.
        implant: Share of an implant in every voxel; None without one.
        implant_grey: Its grey value.
    """

    grey: np.ndarray
    share: np.ndarray
    first: np.ndarray
    spacing: np.ndarray
    direction: np.ndarray
    bone: float
    marrow: float
    time: float
    implant: np.ndarray | None = None
    implant_grey: float = np.nan

    @property
    def bv_tv(self) -> float:
        """BV/TV by partial volumes; an implant is no part of the tissue."""
        tissue = 1.0 if self.implant is None else 1.0 - float(self.implant.mean())
        return float(self.share.mean()) / tissue if tissue > 0 else 0.0

    @property
    def threshold(self) -> float:
        """Grey value of a voxel that is half bone."""
        return (self.bone + self.marrow) / 2


def scan(
    bone: Bone,
    voxel: float | None = None,
    *,
    blur: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
    bone_grey: float | None = None,
    marrow_grey: float | None = None,
    implant_grey: float | None = None,
) -> Scan:
    """Image a bone.

    Args:
        bone: What to image.
        voxel: Voxel size, um; None: the voxels of the source image.
        blur: Standard deviation of the scanner's point spread (Gaussian), um.
        noise: Standard deviation of the noise (Gaussian, independent voxels), grey values.
        seed: Of the noise.
        bone_grey, marrow_grey: Grey values of pure bone and marrow. By default marrow has its mean
            of the source image, and bone as much above the threshold as marrow is below it: so the
            threshold of the source finds the surface again (a voxel half of bone has that value).
        implant_grey: Grey value of an implant; by default that of titanium (`TITANIUM`).

    Raises:
        InputError: The voxels do not fit the sample, or grey values are missing or in disorder.
    """
    first, spacing, shape = _voxels(bone, voxel)
    levels = _grey_levels(bone.provenance, bone_grey, marrow_grey)
    split = _split(bone, spacing)
    points = float(np.prod([n * split + 1.0 for n in shape]))
    if points > MOST_NODES:
        raise InputError(
            Problem(
                f"{' x '.join(map(str, shape))} voxels need distances at {points:.2g} places, about "
                f"{points * BYTES_PER_NODE / 1e9:.2g} GB of memory; {MOST_NODES:.0e} places are allowed. Use "
                "larger voxels.",
                "--voxel",
            )
        )
    nodes = Nodes(first - spacing / 2, spacing / split, tuple(n * split + 1 for n in shape))
    level = level_of(bone, nodes)
    share, implant = bone_share(level.bone, nodes.spacing, split), None
    grey = levels[1] + (levels[0] - levels[1]) * share
    metal = levels[1] + TITANIUM * (levels[0] - levels[1]) if implant_grey is None else implant_grey
    if level.implant is not None:
        implant = bone_share(level.implant, nodes.spacing, split)
        share = np.minimum(share, 1.0 - implant)
        grey = levels[1] + (levels[0] - levels[1]) * share + (metal - levels[1]) * implant
    if blur > 0:
        grey = ndimage.gaussian_filter(grey, blur / spacing, mode="nearest", truncate=4.0)
    if noise > 0:
        grey = grey + np.random.default_rng(seed).normal(0.0, noise, grey.shape)
    direction = _direction(bone)
    return Scan(grey.astype(np.float32), share, first, spacing, direction, *levels, bone.time, implant, metal)


def _voxels(bone: Bone, voxel: float | None) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Centre of the first voxel, size and number of voxels: those of the source, or as many as fit."""
    facts, d, side = bone.provenance, bone.dimension, bone.upper - bone.lower
    known = facts.get("voxel size [um]")
    if voxel is None:
        if known is None:
            raise InputError(
                Problem("this sample did not come from an image, so its voxel size has to be given, "
                        'for example --voxel 20um.')
            )  # fmt: skip
        spacing = np.array(known, float)
        if len(spacing) != d:  # a section
            spacing = np.delete(spacing, "xyz".index(facts["slice"]["axis"]))
    else:
        spacing = np.full(d, float(voxel))
    count = np.floor(side / spacing + 1e-6).astype(int)
    if (count < 1).any():
        raise InputError(
            Problem(
                f"voxels of {voxel:g} um do not fit into the sample, which measures "
                f"{' x '.join(f'{s:g}' for s in side)} um.",
                "--voxel",
            )
        )
    return bone.lower + spacing / 2, spacing, tuple(map(int, count))


def _split(bone: Bone, spacing: np.ndarray) -> int:
    """Nodes per voxel, so that they are no further apart than the points of the surface mesh."""
    if not len(bone.facets):
        return 1
    return max(1, int(np.ceil(float(spacing.max()) / edge_length(bone) - 0.25)))


def _grey_levels(facts: dict[str, Any], bone: float | None, marrow: float | None) -> tuple[float, float]:
    means, threshold = facts.get("mean grey value of bone, of marrow"), facts.get("threshold")
    if means is not None and threshold is not None:
        marrow = float(means[1]) if marrow is None else marrow
        bone = 2 * float(threshold) - marrow if bone is None else bone
    else:
        bone = DEFAULT_GREY[0] if bone is None else bone
        marrow = DEFAULT_GREY[1] if marrow is None else marrow
    if not bone > marrow:
        raise InputError(
            Problem(f"bone (grey value {bone:g}) must be brighter than marrow ({marrow:g}).", "--bone-grey")
        )
    return bone, marrow


def _direction(bone: Bone) -> np.ndarray:
    """Direction matrix of the source, or the identity where it does not apply (a section, no image)."""
    given = bone.provenance.get("direction")
    if given is None or len(given) != bone.dimension:
        return np.eye(bone.dimension, dtype=int)
    return np.array(given, int)


def write_scan(made: Scan, path: Path) -> list[str]:
    """Write a scan as NRRD, MHA, MHD, NIfTI or TIFF, or into a folder as TIFF slices.

    Args:
        made: The scan; whole numbers are written if uint8 or int16 holds them.
        path: Its ending chooses the format; without one it is a folder of slices.

    Returns:
        Notes for the user: what the format does not hold.

    Raises:
        InputError: The file cannot be written.
    """
    import SimpleITK as sitk

    values = _typed(made.grey)
    # back from ascending physical axes to the axes of the file
    d, turn = values.ndim, made.direction
    order = [int(np.abs(turn[:, a]).argmax()) for a in range(d)]  # axis a of the file is physical axis k
    flipped = [int(turn[k, a]) < 0 for a, k in enumerate(order)]
    values = values.transpose(order)
    for a in range(d):
        if flipped[a]:
            values = np.flip(values, a)
    last = made.first + made.spacing * (np.array(made.grey.shape) - 1)
    origin = made.first.copy()
    for a, k in enumerate(order):
        if flipped[a]:
            origin[k] = last[k]
    stack = not path.suffix
    try:
        if stack:
            path.mkdir(parents=True, exist_ok=True)
            width = len(str(values.shape[-1] - 1))
            for k in range(values.shape[-1]):
                layer = sitk.GetImageFromArray(np.ascontiguousarray(values[..., k].transpose()))
                sitk.WriteImage(layer, str(path / f"slice_{k:0{width}d}.tif"))
        else:
            image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose()))
            image.SetSpacing([float(made.spacing[k]) / UM_PER_MM for k in order])
            image.SetOrigin([float(x) / UM_PER_MM for x in origin])
            image.SetDirection([float(x) for x in turn.ravel()])
            sitk.WriteImage(image, str(path), useCompression=path.suffix not in (".tif", ".tiff"))
    except (RuntimeError, OSError) as e:
        said_by = str(e).strip().splitlines()[-1].split("ERROR:")[-1].strip()
        raise InputError(Problem(f"the image cannot be written here ({said_by}).", path)) from None
    if stack or path.suffix in (".tif", ".tiff"):
        at = ", ".join(f"{x:g}" for x in origin)
        return [
            "TIFF holds neither voxel size nor position: voxels of "
            f"{' x '.join(f'{made.spacing[k]:g}' for k in order)} um, the first one centred at ({at}) um."
        ]
    return []


def _typed(grey: np.ndarray) -> np.ndarray:
    """Grey values in the smallest common type that holds them all."""
    low, high = float(grey.min()), float(grey.max())
    if low >= -0.5 and high < 255.5:
        return np.rint(grey).astype(np.uint8)
    if low > -32768 and high < 32767:
        return np.rint(grey).astype(np.int16)
    return grey
