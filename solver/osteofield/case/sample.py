# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[sample]`` table: which piece of bone."""

from __future__ import annotations

import math
from typing import Any, Literal, cast

from ..units import UnitError, quantity
from .table import Table
from .types import (
    CENTER,
    FoamSpec,
    ImageSpec,
    ImplantSpec,
    LabelSpec,
    SampleSpec,
    ShapeSpec,
    SliceSpec,
    TagSpec,
)

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
_TAGS = ("unit", "bone", "marrow", "implant", "bone_surface", "tags")  # of a mesh from elsewhere
_SHAPE_NEEDS = {
    "plate": "thickness", "sphere": "radius", "rod": "radius", "round pore": "radius", "box pore": "pore",
    "marrow": None,
}  # fmt: skip

_IMPLANT_KEYS = {
    "cylinder": ("diameter", "center", "axis", "length", "from", "to"),
    "box": ("size", "center"),
    "sphere": ("diameter", "center"),
}


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
        implant=_implant(table, None, labels),
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
        implant=_implant(table, 3),
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
        implant=_implant(table, len(size) if size else None),
    )


def _implant(table: Table, dimension: int | None, labels: LabelSpec | None = None) -> ImplantSpec | None:
    """A body of a simple shape; its positions have as many coordinates as the sample before it is sliced."""
    if not table.has("implant"):
        return None
    body = table.table("implant")
    if labels is not None and labels.implant:
        body.problem(None, "the label map has an implant already; leave one of the two out.")
    shape = body.choice("shape", tuple(_IMPLANT_KEYS))
    keys = _IMPLANT_KEYS.get(shape, ())
    one = '"1 mm"'
    example = f"[{', '.join([one] * (dimension or 3))}]"

    def place(name: str, any_sign: bool = True) -> tuple[float, ...] | None:
        values = body.quantities(name, "um", (2, 3), example=example, any_sign=any_sign)
        if values is not None and dimension is not None and len(values) != dimension:
            body.problem(name, f"{dimension} values are needed here, but there are {len(values)}.")
            return None
        return values

    center = diameter = length = size = None
    axis = (0.0, 0.0, 1.0)
    if "diameter" in keys:
        diameter = body.quantity("diameter", "um", example="1 mm")
    if "size" in keys:
        size = place("size", any_sign=False)
    if "from" in keys and (body.has("from") or body.has("to")):
        keys = ("from", "to", "diameter")
        start, end = place("from"), place("to")
        if start is not None and end is not None:
            center, axis, length = _between(body, start, end)
    else:
        if body.data.get("center") == CENTER:
            body.text("center", CENTER)
        elif "center" in keys and body.has("center"):
            center = place("center")
        if "axis" in keys:
            named = body.choice("axis", ("x", "y", "z"), "z")
            axis = cast(Any, tuple(float(named == a) for a in "xyz"))
        if "length" in keys and body.has("length"):
            length = body.quantity("length", "um")
    others = {k for ks in _IMPLANT_KEYS.values() for k in ks} - set(keys)
    wrong = f"'{{}}' does not belong to a {shape}; it has {', '.join(keys)}." if shape else ""
    body.close({k: wrong.format(k) for k in others})
    return ImplantSpec(cast(Any, shape or "sphere"), center, axis, diameter, length, size)


def _between(
    table: Table, start: tuple[float, ...], end: tuple[float, ...]
) -> tuple[tuple[float, ...] | None, tuple[float, float, float], float | None]:
    """Centre, direction and length of a cylinder between two points."""
    if len(start) != len(end):
        table.problem("to", f"'from' has {len(start)} coordinates, 'to' has {len(end)}.")
    elif start == end:
        table.problem("to", "a cylinder needs a length: 'to' is the same place as 'from'.")
    else:
        way = [b - a for a, b in zip(start, end, strict=True)]
        x, y, z = [*way, 0.0][:3]
        return tuple((a + b) / 2 for a, b in zip(start, end, strict=True)), (x, y, z), math.hypot(x, y, z)
    return None, (0.0, 0.0, 1.0), None


def _mesh(table: Table) -> SampleSpec:
    path = table.path("mesh", what="sample file", suffixes=(".xdmf", ".h5", ".msh", ".vtu"))
    tags = None
    if any(table.has(k) for k in _TAGS):
        if isinstance(table.data.get("unit"), str) and not table.data["unit"][:1].isdigit():
            unit = _unit(table)
        else:
            unit = table.quantity("unit", "um", example="mm")
        tags = TagSpec(
            unit,
            _tag(table, "bone", "1") or 0,
            _tag(table, "marrow", "2") or 0,
            _tag(table, "implant"),
            _tag(table, "bone_surface"),
            table.text("tags") if table.has("tags") else None,
        )
    return SampleSpec(mesh=path, tags=tags)


def _unit(table: Table) -> float:
    text = table.text("unit")
    try:
        return quantity(f"1 {text}", "um")
    except UnitError as e:
        table.problem("unit", f"{e}.")
        return float("nan")


def _tag(table: Table, name: str, example: str = "") -> int | str | None:
    """A whole number, or the name of a group."""
    if isinstance(table.data.get(name), str):
        return table.text(name)
    numbers = table.integers(name, example=example)
    if len(numbers) > 1:
        table.problem(name, "one tag is needed, or the name of a group.")
    return numbers[0] if numbers else None


def _well_mixed(table: Table) -> SampleSpec:
    chosen = table.flag("well_mixed", True)
    return SampleSpec(
        well_mixed=chosen,
        bone_surface_density=table.quantity("bone_surface_density", "1/um", "4.86 1/mm"),
        bone_thickness=table.quantity("bone_thickness", "um", "100.9 um"),
    )


_READ = {"image": _image, "synthetic": _foam, "shape": _shape, "mesh": _mesh, "well_mixed": _well_mixed}


def sample_dimension(spec: SampleSpec) -> int | None:
    """2 or 3 where the case alone tells, 0 for well mixed, None where only the file tells."""
    if spec.kind == "well mixed":
        return 0
    if spec.shape is not None:
        return len(spec.shape.size)
    if spec.slice is not None:
        return 2
    return 3 if spec.foam is not None else None


def sample_box(spec: SampleSpec) -> tuple[float, ...] | None:
    """Side lengths (um) of a sample that starts at the origin, where the case alone tells them."""
    if spec.shape is not None:
        return spec.shape.size
    if spec.foam is None:
        return None
    sides = dict(zip("xyz", spec.foam.size, strict=True))
    if spec.slice is not None:
        del sides[spec.slice.axis]
    return tuple(sides.values())
