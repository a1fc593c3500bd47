# SPDX-License-Identifier: LGPL-3.0-or-later
"""What can be set in a model: ``[parameter]``, ``[switch]`` and ``[input]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..tomlsource import Key
from .modelreader import ModelReader
from .value import Value


@dataclass(frozen=True)
class Parameter:
    """A number of the model: where it comes from, and named alternatives.

    Attributes:
        in_health: A case that changes it changes the healthy state too (anatomy, species); otherwise
            such a change is a disease that starts at day 0, after homeostasis.
    """

    name: str
    value: Value
    meaning: str
    source: str
    options: Mapping[str, Value] = field(default_factory=dict)
    in_health: bool = False


@dataclass(frozen=True)
class Switch:
    """Something that is on or off; 1 or 0 in formulas. `in_health` as for a `Parameter`."""

    name: str
    on: bool
    meaning: str
    source: str
    in_health: bool = False


@dataclass(frozen=True)
class Input:
    """Something set from outside over time, such as a drug level.

    Attributes:
        unit: Text of the unit.
        factor: That unit in internal units.
        default: Value without therapy, internal units.
        signed: Whether a therapy may set it below zero.
    """

    name: str
    unit: str
    factor: float
    default: float
    meaning: str
    signed: bool = False


def read_parameter(
    r: ModelReader, name: str, raw: dict[str, Any], at: Key, cites: Mapping[str, str]
) -> Parameter:
    """Read ``[parameter.NAME]``; `cites` are the file's sources."""
    r.known(raw, at, ("value", "meaning", "source", "options", "in_health"), ("value", "meaning"))
    value = r.value(raw.get("value", 1), (*at, "value"))
    options = {k: r.value(v, (*at, "options", k), value.unit) for k, v in r.table(raw, "options", at).items()}
    return Parameter(
        name,
        value,
        r.text(raw, "meaning", at),
        r.cited(raw, at, cites),
        options,
        r.flag(raw, "in_health", at),
    )


def read_switch(r: ModelReader, name: str, raw: dict[str, Any], at: Key, cites: Mapping[str, str]) -> Switch:
    """Read ``[switch.NAME]``; `cites` are the file's sources."""
    r.known(raw, at, ("on", "meaning", "source", "in_health"), ("on", "meaning"))
    on, healthy = r.flag(raw, "on", at), r.flag(raw, "in_health", at)
    return Switch(name, on, r.text(raw, "meaning", at), r.cited(raw, at, cites), healthy)


def read_input(r: ModelReader, name: str, raw: dict[str, Any], at: Key) -> Input:
    """Read ``[input.NAME]``."""
    r.known(raw, at, ("unit", "default", "signed", "meaning"), ("unit", "meaning"))
    u = r.unit(raw, at)
    default = raw.get("default", 0)
    number = (
        default * u.factor if type(default) in (int, float) else r.value(default, (*at, "default"), u).number
    )
    signed = r.flag(raw, "signed", at)
    return Input(name, u.text or "1", u.factor, float(number), r.text(raw, "meaning", at), signed)
