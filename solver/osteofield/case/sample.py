# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which piece of bone a case is about, in um: an image, a foam, a shape, a mesh, or no space at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .implant import ImplantSpec
from .tags import TagSpec

CENTER: Literal["center"] = "center"


@dataclass(frozen=True)
class LabelSpec:
    """What the numbers of a label map stand for.

    Attributes:
        bone: Labels of bone.
        marrow: Labels of marrow; None: all that are neither bone nor implant.
        implant: Labels of an implant.
    """

    bone: tuple[int, ...]
    marrow: tuple[int, ...] | None
    implant: tuple[int, ...] = ()


@dataclass(frozen=True)
class ImageSpec:
    """A grey-value image of bone, or a label map.

    Attributes:
        path: NRRD, MHA/MHD, NIfTI file, a TIFF stack (file or folder of slices), or a folder with
            one DICOM series.
        threshold: Grey value above which a voxel is bone, or ``"otsu"``.
        smoothing: Standard deviation of the Gaussian filter, in voxels (0: none).
        voxel: Voxel size in um where the file format does not carry one (TIFF), else None.
        crop: Physical lower and upper corner in um, or None for the whole image.
        labels: The image is a label map; its threshold is then 0.5 of the smoothed share of bone.
    """

    path: Path
    threshold: float | Literal["otsu"]
    smoothing: float = 1.0
    voxel: float | None = None
    crop: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    labels: LabelSpec | None = None


@dataclass(frozen=True)
class FoamSpec:
    """Synthetic trabecular foam (seeded, periodic Voronoi-edge rods).

    Attributes:
        size: Side lengths of the box in um, three of them.
        bvtv: Bone volume fraction BV/TV.
        spacing: Mean distance of pore centres in um.
        seed: Seed of the random pore centres.
        voxel: Size of the voxels the foam is drawn with, in um.
        smoothing: Standard deviation of the Gaussian filter, in voxels.
    """

    size: tuple[float, float, float]
    bvtv: float = 0.23
    spacing: float = 936.0
    seed: int = 0
    voxel: float = 19.5
    smoothing: float = 2.0


@dataclass(frozen=True)
class ShapeSpec:
    """An analytic test shape in a box; lengths in um.

    Attributes:
        kind: ``plate`` (bone slab, normal along the first axis), ``sphere`` (bone ball), ``rod``
            (bone cylinder along the last axis), ``box pore`` (a box of marrow in bone),
            ``round pore`` (a ball of marrow in bone), or ``marrow`` (no bone at all: the plain box).
        size: Side lengths of the sample box (2 or 3).
        thickness: Plate thickness.
        radius: Radius of sphere, rod or round pore.
        pore: Side lengths of the box pore.
        center: Centre of the shape, or None for the centre of the box.
    """

    kind: Literal["plate", "sphere", "rod", "box pore", "round pore", "marrow"]
    size: tuple[float, ...]
    thickness: float | None = None
    radius: float | None = None
    pore: tuple[float, ...] | None = None
    center: tuple[float, ...] | None = None


@dataclass(frozen=True)
class SliceSpec:
    """A 2-D slice of a 3-D sample: the plane normal to `axis` at `at` um (or the centre)."""

    axis: Literal["x", "y", "z"] = "z"
    at: float | Literal["center"] = CENTER


@dataclass(frozen=True)
class SampleSpec:
    """The piece of bone: exactly one of `image`, `foam`, `shape`, `mesh`, `well_mixed` is set.

    Attributes:
        cell_size: Wanted edge length of the background grid in um; None for a mesh or well mixed.
        slice: Take a 2-D slice of an image or foam.
        implant: A body put into an image, foam or shape.
        mesh: A sample file written by ``osteofield mesh``, or with `tags` any other mesh.
        tags: How to read the other mesh.
        well_mixed: No space at all: one point of marrow in contact with bone surface.
        bone_surface_density: sigma0 = bone surface per marrow volume, 1/um (well mixed only).
        bone_thickness: d0 = bone volume per bone surface, um (well mixed only).
    """

    image: ImageSpec | None = None
    foam: FoamSpec | None = None
    shape: ShapeSpec | None = None
    mesh: Path | None = None
    tags: TagSpec | None = None
    well_mixed: bool = False
    cell_size: float | None = None
    slice: SliceSpec | None = None
    implant: ImplantSpec | None = None
    bone_surface_density: float = 0.00486
    bone_thickness: float = 100.9

    @property
    def kind(self) -> Literal["image", "foam", "shape", "mesh", "well mixed"]:
        for name in ("image", "foam", "shape", "mesh"):
            if getattr(self, name) is not None:
                return name  # type: ignore[return-value]
        return "well mixed"

    @property
    def holds_implant(self) -> bool | None:
        """Whether there is an implant; None where only the file tells."""
        if self.image is not None and self.image.labels is not None and self.image.labels.implant:
            return True
        if self.mesh is not None:
            return None if self.tags is None else self.tags.implant is not None
        return self.implant is not None

    @property
    def dimension(self) -> int | None:
        """2 or 3 where the case alone tells, 0 for well mixed, None where only the file tells."""
        if self.kind == "well mixed":
            return 0
        if self.shape is not None:
            return len(self.shape.size)
        if self.slice is not None:
            return 2
        return 3 if self.foam is not None else None

    @property
    def box(self) -> tuple[float, ...] | None:
        """Side lengths (um) of a sample that starts at the origin, where the case alone tells them."""
        if self.shape is not None:
            return self.shape.size
        if self.foam is None:
            return None
        sides = dict(zip("xyz", self.foam.size, strict=True))
        if self.slice is not None:
            del sides[self.slice.axis]
        return tuple(sides.values())
