# SPDX-License-Identifier: LGPL-3.0-or-later
"""Reading the ``[sample]`` table."""

from __future__ import annotations

from typing import Any, Literal, cast

from .implant import read_implant
from .sample import CENTER, FoamSpec, ImageSpec, LabelSpec, SampleSpec, ShapeSpec, SliceSpec
from .table import Table
from .tags import read_tags

KINDS = ("image", "synthetic", "shape", "mesh", "well_mixed")
_BELONGS = {
    "threshold": "image",
    "labels": "image",
    "smoothing": "image",
    "voxel": "image",
    "crop": "image",
    "slice": "image or synthetic",
    "cell_size": "image, synthetic or shape",
    "unit": "mesh",
    "bone": "mesh",
    "marrow": "mesh",
    "implant": "image, synthetic, shape or mesh",
    "bone_surface": "mesh",
    "tags": "mesh",
    "bone_surface_density": "well_mixed",
    "bone_thickness": "well_mixed",
}


_SHAPE_NEEDS = {
    "plate": "thickness", "sphere": "radius", "rod": "radius", "round pore": "radius", "box pore": "pore",
    "marrow": None,
}  # fmt: skip


def read_sample(table: Table) -> SampleSpec:
    """Read a sample of any kind; problems are noted in the table."""
    given = [k for k in KINDS if table.has(k) and not (k == "well_mixed" and table.data[k] is False)]
    if len(given) != 1:
        if not table.broken:
            what = f"this one has {' and '.join(given)}" if given else "this one has none of them"
            table.problem(
                given[1] if given else None,
                f"a sample needs exactly one of {', '.join(KINDS)}; {what}.",
            )
        if not given:
            table.close(
                dict.fromkeys(("well_mixed", *_BELONGS), "")
            )  # right for some kind: one complaint will do
            return SampleSpec()
    kind = given[0]
    spec = _READ[kind](table)
    elsewhere = {
        key: f"'{key}' belongs to a sample of kind {owner}, but this one is of kind {kind}; leave it out."
        for key, owner in _BELONGS.items()
    }
    elsewhere |= dict.fromkeys(given[1:], "")  # told already
    elsewhere["well_mixed"] = ""
    table.close(elsewhere)
    return spec


def _image(table: Table) -> SampleSpec:
    path = table.path(
        "image", what="image", suffixes=(".nrrd", ".nhdr", ".mha", ".mhd", ".nii", ".gz", ".tif")
    )
    labels = _labels(table) if table.has("labels") else None
    crop = None
    if table.has("crop"):
        corners = table.table("crop")
        low = corners.quantities("from", "um", (2, 3), example='["0 um", "0 um", "0 um"]', any_sign=True)
        high = corners.quantities("to", "um", (2, 3), example='["1 mm", "1 mm", "1 mm"]', any_sign=True)
        corners.close()
        if low is not None and high is not None:
            crop = (low, high)
            if len(low) != len(high):
                corners.problem("to", f"'from' has {len(low)} coordinates, 'to' has {len(high)}.")
            elif any(a >= b for a, b in zip(low, high, strict=True)):
                corners.problem("to", "every coordinate of 'to' must be larger than that of 'from'.")
    return SampleSpec(
        image=ImageSpec(
            path,
            _threshold(table) if labels is None else 0.5,
            table.number("smoothing", 1.0, at_least=0.0),
            table.quantity("voxel", "um") if table.has("voxel") else None,
            crop,
            labels,
        ),
        cell_size=table.quantity("cell_size", "um", example="39 um"),
        slice=_slice(table),
        implant=read_implant(table, None, labelled=bool(labels and labels.implant)),
    )


def _labels(table: Table) -> LabelSpec:
    if table.has("threshold"):
        table.number("threshold")
        table.problem("threshold", "a label map has no threshold: leave out either 'threshold' or 'labels'.")
    labels = table.table("labels")
    rest = labels.data.get("marrow") == "rest"
    if rest:
        labels.text("marrow")
    spec = LabelSpec(
        labels.integers("bone", example="1"),
        None if rest else labels.integers("marrow", example='0, or "rest"'),
        labels.integers("implant"),
    )
    labels.close()
    names: dict[int, str] = {}
    for name, numbers in (("bone", spec.bone), ("marrow", spec.marrow or ()), ("implant", spec.implant)):
        for number in numbers:
            if number in names:
                twice = "twice" if names[number] == name else f"as {names[number]} too"
                labels.problem(name, f"the label {number} stands here {twice}.")
            names[number] = name
    return spec


def _threshold(table: Table) -> float | Literal["otsu"]:
    if isinstance(table.data.get("threshold"), str):
        if table.text("threshold") != "otsu":
            table.problem("threshold", 'a grey value or "otsu" is needed, for example threshold = 63.')
        return "otsu"
    return table.number("threshold", example='63 (the grey value above which a voxel is bone), or "otsu".')


def _slice(table: Table) -> SliceSpec | None:
    if not table.has("slice"):
        return None
    plane = table.table("slice")
    axis = plane.choice("axis", ("x", "y", "z"), "z")
    at: float | Literal["center"] = CENTER
    if plane.data.get("at", CENTER) == CENTER:
        plane.text("at", CENTER)
    else:
        at = plane.quantity("at", "um", any_sign=True)
    plane.close()
    return SliceSpec(cast(Any, axis or "z"), at)


def _foam(table: Table) -> SampleSpec:
    foam = table.table("synthetic")
    size = foam.quantities("size", "um", (3,), example='["2 mm", "2 mm", "2 mm"]')
    spec = FoamSpec(
        cast(tuple[float, float, float], size or (0.0, 0.0, 0.0)),
        foam.number("BV/TV", 0.23, above=0.0, below=1.0),
        foam.quantity("spacing", "um", "936 um"),
        foam.integer("seed", 0, at_least=0),
        foam.quantity("voxel", "um", "19.5 um"),
        foam.number("smoothing", 2.0, at_least=0.0),
    )
    if size and min(size) < 4 * spec.voxel:
        foam.problem("size", f"every side must be at least four voxels ({4 * spec.voxel:g} um) long.")
    foam.close()
    return SampleSpec(
        foam=spec,
        cell_size=table.quantity("cell_size", "um", example="58.5 um"),
        slice=_slice(table),
        implant=read_implant(table, 3),
    )


def _shape(table: Table) -> SampleSpec:
    shape = table.table("shape")
    kind = shape.choice("kind", tuple(_SHAPE_NEEDS))
    size = shape.quantities("size", "um", (2, 3), example='["1 mm", "1 mm", "1 mm"]')
    need = _SHAPE_NEEDS.get(kind)
    dimension = (len(size),) if size else (2, 3)
    thickness = radius = pore = center = None
    if need == "thickness":
        thickness = shape.quantity("thickness", "um", example="200 um")
    elif need == "radius":
        radius = shape.quantity("radius", "um", example="300 um")
    elif need == "pore":
        pore = shape.quantities("pore", "um", dimension, example='["500 um", "500 um", "500 um"]')
    if need and shape.has("center"):
        if shape.data["center"] == CENTER:
            shape.text("center", CENTER)
        else:
            center = shape.quantities("center", "um", dimension, any_sign=True)
    shape.close(
        {k: f"a shape of kind '{kind}' has no '{k}'." for k in ("thickness", "radius", "pore", "center")}
        if kind
        else dict.fromkeys(("thickness", "radius", "pore", "center"), "")
    )
    return SampleSpec(
        shape=ShapeSpec(cast(Any, kind), size or (0.0,), thickness, radius, pore, center),
        cell_size=table.quantity("cell_size", "um", example="20 um"),
        implant=read_implant(table, len(size) if size else None),
    )


def _mesh(table: Table) -> SampleSpec:
    path = table.path("mesh", what="sample file", suffixes=(".xdmf", ".h5", ".msh", ".vtu"))
    return SampleSpec(mesh=path, tags=read_tags(table))


def _well_mixed(table: Table) -> SampleSpec:
    chosen = table.flag("well_mixed", True)
    return SampleSpec(
        well_mixed=chosen,
        bone_surface_density=table.quantity("bone_surface_density", "1/um", "4.86 1/mm"),
        bone_thickness=table.quantity("bone_thickness", "um", "100.9 um"),
    )


_READ = {"image": _image, "synthetic": _foam, "shape": _shape, "mesh": _mesh, "well_mixed": _well_mixed}
