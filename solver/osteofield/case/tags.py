# SPDX-License-Identifier: LGPL-3.0-or-later
"""How to read a mesh from elsewhere: the keys of ``[sample]`` beside ``mesh``."""

from __future__ import annotations

from dataclasses import dataclass

from ..units import UnitError, quantity
from .table import Table

KEYS = ("unit", "bone", "marrow", "implant", "bone_surface", "tags")


@dataclass(frozen=True)
class TagSpec:
    """How to read a mesh from elsewhere: numbers, or names of groups where the file has them.

    Attributes:
        unit: um per unit of length of the file.
        bone: Tag of bone cells.
        marrow: Tag of marrow cells.
        implant: Tag of implant cells, if there are any.
        surface: Tag of the bone surface, to be checked; None: it is not.
        array: Name of the array of tags; None: Gmsh's physical groups, or the only one.
    """

    unit: float
    bone: int | str
    marrow: int | str
    implant: int | str | None = None
    surface: int | str | None = None
    array: str | None = None


def read_tags(table: Table) -> TagSpec | None:
    """How the mesh of ``[sample]`` is tagged; None for a sample file, which says it itself."""
    if not any(table.has(k) for k in KEYS):
        return None
    if isinstance(table.data.get("unit"), str) and not table.data["unit"][:1].isdigit():
        unit = _unit(table)
    else:
        unit = table.quantity("unit", "um", example="mm")
    return TagSpec(
        unit,
        _tag(table, "bone", "1") or 0,
        _tag(table, "marrow", "2") or 0,
        _tag(table, "implant"),
        _tag(table, "bone_surface"),
        table.text("tags") if table.has("tags") else None,
    )


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
