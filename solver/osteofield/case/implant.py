# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[sample.implant]`` table: a solid body put into the bone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

from .table import Table

_KEYS = {
    "cylinder": ("diameter", "center", "axis", "length", "from", "to"),
    "box": ("size", "center"),
    "sphere": ("diameter", "center"),
}


@dataclass(frozen=True)
class ImplantSpec:
    """A solid body that replaces what bone and marrow are where it lies; lengths in um.

    Positions are those of the sample before it is sliced. In a sample of two dimensions bodies are cut
    at z = 0.

    Attributes:
        shape: ``cylinder`` (a pin, rod or screw), ``box`` (a plate) or ``sphere`` (a bead).
        center: None for the centre of the sample.
        axis: Direction of a cylinder, of any length.
        diameter: Of a cylinder or sphere.
        length: Of a cylinder; None: through the whole sample.
        size: Side lengths of a box.
    """

    shape: Literal["cylinder", "box", "sphere"]
    center: tuple[float, ...] | None = None
    axis: tuple[float, ...] = (0.0, 0.0, 1.0)
    diameter: float | None = None
    length: float | None = None
    size: tuple[float, ...] | None = None


def read_implant(table: Table, dimension: int | None, *, labelled: bool = False) -> ImplantSpec | None:
    """A body of a simple shape; its positions have as many coordinates as the sample before it is sliced."""
    if not table.has("implant"):
        return None
    body = table.table("implant")
    if labelled:
        body.problem(None, "the label map has an implant already; leave one of the two out.")
    shape = body.choice("shape", tuple(_KEYS))
    keys = _KEYS.get(shape, ())
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
        if body.data.get("center") == "center":
            body.text("center", "center")
        elif "center" in keys and body.has("center"):
            center = place("center")
        if "axis" in keys:
            named = body.choice("axis", ("x", "y", "z"), "z")
            axis = cast(Any, tuple(float(named == a) for a in "xyz"))
        if "length" in keys and body.has("length"):
            length = body.quantity("length", "um")
    others = {k for ks in _KEYS.values() for k in ks} - set(keys)
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
