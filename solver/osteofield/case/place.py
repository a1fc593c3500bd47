# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[[probe]]`` and ``[[region]]`` tables: where the history is written apart from the whole sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .sample import CENTER, SampleSpec
from .table import Table

_NAME = re.compile(r"[A-Za-z_][\w-]*")


@dataclass(frozen=True)
class ProbeSpec:
    """A point of the marrow with a history of its own.

    Attributes:
        name: Heads its columns.
        at: Position in the image's physical frame, um, or ``"center"`` of the sample box.
        populations: Which ones; None for all of the marrow.
    """

    name: str
    at: tuple[float, ...] | str
    populations: tuple[str, ...] | None = None


@dataclass(frozen=True)
class RegionSpec:
    """A ball or box with a history of its own.

    Attributes:
        name: Heads its columns.
        center, radius: Of the ball, um; None for a box.
        corners: Lower and upper corner of the box, um; None for a ball.
        populations: Which ones; None for all.
    """

    name: str
    center: tuple[float, ...] | str | None
    radius: float | None
    corners: tuple[tuple[float, ...], tuple[float, ...]] | None
    populations: tuple[str, ...] | None = None


def read_places(
    probes: Sequence[Table], regions: Sequence[Table], sample: SampleSpec
) -> tuple[tuple[ProbeSpec, ...], tuple[RegionSpec, ...]]:
    """Read all probes and regions; problems are noted in their tables."""
    taken: set[str] = set()
    found = tuple(_probe(t, sample, taken) for t in probes)
    return found, tuple(_region(t, sample, taken) for t in regions)


def _probe(table: Table, sample: SampleSpec, taken: set[str]) -> ProbeSpec:
    name = _name(table, sample, taken, "tip")
    spec = ProbeSpec(name, _position(table, "at", sample) or (0.0,), _populations(table))
    table.close()
    return spec


def _region(table: Table, sample: SampleSpec, taken: set[str]) -> RegionSpec:
    name = _name(table, sample, taken, "shell")
    center = radius = corners = None
    if table.has("from") or table.has("to"):
        low, high = _corner(table, "from", sample), _corner(table, "to", sample)
        if low is not None and high is not None:
            corners = low, high
            if len(low) != len(high):
                table.problem("to", f"'from' has {len(low)} coordinates, 'to' has {len(high)}.")
            elif any(a >= b for a, b in zip(low, high, strict=True)):
                table.problem("to", "every coordinate of 'to' must be larger than that of 'from'.")
    else:
        center = _position(table, "center", sample)
        radius = table.quantity("radius", "um", example="300 um")
    spec = RegionSpec(name, center, radius, corners, _populations(table))
    both = "a region is either a ball ('center' and 'radius') or a box ('from' and 'to')."
    table.close(dict.fromkeys(("center", "radius"), both))
    return spec


def _name(table: Table, sample: SampleSpec, taken: set[str], example: str) -> str:
    name = table.text("name", example=f'"{example}"')
    if name and not _NAME.fullmatch(name):
        table.problem(
            "name",
            f"'{name}' heads columns of the history: use letters, digits, '-' and '_', a letter first.",
        )
    elif name in taken:
        table.problem("name", f"another probe or region is called '{name}' already.")
    taken.add(name)
    if sample.well_mixed and sample.dimension == 0:
        table.problem(None, "a well-mixed sample has no places in it; leave this table out.")
    return name


def _position(table: Table, key: str, sample: SampleSpec) -> tuple[float, ...] | str | None:
    if table.data.get(key) == CENTER:
        table.text(key)
        return CENTER
    return _corner(table, key, sample, '"center".')


def _corner(
    table: Table, key: str, sample: SampleSpec, example: str = '["0 mm", "0 mm", "0 mm"]'
) -> tuple[float, ...] | None:
    dimension = sample.dimension
    return table.quantities(key, "um", (dimension,) if dimension else (2, 3), example=example, any_sign=True)


def _populations(table: Table) -> tuple[str, ...] | None:
    return table.words("populations") if table.has("populations") else None
