# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a model computes by name: ``[quantity]``, ``[field]`` and ``[conserved]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..tomlsource import Key
from ..units import Unit
from .expression import Expression
from .modelreader import ModelReader

_COLUMN = re.compile(r"[A-Za-z][\w./]*")
# columns that a history has anyway (simulation/measures.py, simulation/moving.py)
TAKEN = (
    "time", "BV/TV", "bone_loss", "depth.mean", "E.De.mean", "E.De.max", "ES/BS", "infected_marrow",
    "bacteria_total", "resorbed", "formed", "detached", "perforations", "BS/BV", "Tb.Th", "Conn.D",
)  # fmt: skip


@dataclass(frozen=True)
class Quantity:
    """A named intermediate result; `report` marks one that is there to be looked at.

    Attributes:
        part_of: Marrow population of which it is a part, such as what is bound of it.
        column: Name in ``history.csv`` of its mean over bone surface or marrow; empty for none.
    """

    name: str
    expression: Expression
    unit: Unit | None
    meaning: str
    source: str
    report: bool
    key: Key
    part_of: str | None = None
    column: str = ""


@dataclass(frozen=True)
class FieldEntry:
    """A given value per surface point: `default` without a sample, or taken at homeostasis."""

    name: str
    unit: Unit
    at_homeostasis: Expression | None
    default: Expression | None
    meaning: str
    source: str


@dataclass(frozen=True)
class Conserved:
    """A claim: the rates leave this sum of populations unchanged."""

    name: str
    total: Expression
    meaning: str


def read_quantity(r: ModelReader, name: str, raw: object, cites: Mapping[str, str]) -> Quantity:
    """Read ``quantity.NAME``: a formula, or a table with one; `cites` are the file's sources."""
    at: Key = ("quantity", name)
    r.good_name(name, at)
    if not isinstance(raw, dict):
        return Quantity(name, r.expression(raw, at), None, "", "", False, at)
    r.known(raw, at, ("value", "unit", "meaning", "source", "report", "part_of", "column"), ("value",))
    column = r.text(raw, "column", at)
    if "column" in raw and (not _COLUMN.fullmatch(column) or column in TAKEN):
        taken = "is a column of every history" if column in TAKEN else "is none"
        r.say(
            (*at, "column"),
            f"the name of a column is needed here, such as 'Oc.S/BS' (letters, digits, '.', '/' and '_'); "
            f"'{column}' {taken}.",
        )
    return Quantity(
        name,
        r.expression(raw.get("value", "0"), (*at, "value")),
        r.unit(raw, at) if "unit" in raw else None,
        r.text(raw, "meaning", at),
        r.cited(raw, at, cites, needed=False),
        r.flag(raw, "report", at) or "part_of" in raw or "column" in raw,
        at,
        r.text(raw, "part_of", at) or None,
        column,
    )


def read_field(
    r: ModelReader, name: str, raw: dict[str, Any], at: Key, cites: Mapping[str, str]
) -> FieldEntry:
    """Read ``[field.NAME]``; `cites` are the file's sources."""
    r.known(raw, at, ("domain", "unit", "at_homeostasis", "default", "meaning", "source"), ("unit",))
    if raw.get("domain", "surface") != "surface":
        r.say((*at, "domain"), f"only 'surface' is possible here, not {raw['domain']!r}.")
    if ("at_homeostasis" in raw) == ("default" in raw):
        r.say(at, "exactly one of 'at_homeostasis' and 'default' (value without a sample) is needed.")
    at_home = (
        r.expression(raw["at_homeostasis"], (*at, "at_homeostasis")) if "at_homeostasis" in raw else None
    )
    default = r.expression(raw["default"], (*at, "default")) if "default" in raw else None
    return FieldEntry(
        name,
        r.unit(raw, at),
        at_home,
        default,
        r.text(raw, "meaning", at),
        r.cited(raw, at, cites, needed=False),
    )


def read_conserved(r: ModelReader, name: str, raw: dict[str, Any], at: Key) -> Conserved:
    """Read ``[conserved.NAME]``."""
    r.known(raw, at, ("total", "meaning"), ("total",))
    return Conserved(name, r.expression(raw.get("total", "0"), (*at, "total")), r.text(raw, "meaning", at))
