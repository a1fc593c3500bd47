# SPDX-License-Identifier: LGPL-3.0-or-later
"""How a model file says that the healthy state is found: ``[steady]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..tomlsource import Key
from .expression import Expression
from .modelreader import ModelReader
from .populations import PopulationEntry, near
from .value import Value


@dataclass(frozen=True)
class Steady:
    """How the healthy state is found: populations held, guesses, and the starred quantities."""

    fixed: Mapping[str, Value]
    guess: Mapping[str, Value]
    values: Mapping[str, Expression]


def read_steady(r: ModelReader, populations: Mapping[str, PopulationEntry]) -> Steady | None:
    """Read ``[steady]``, if the model file has one."""
    if "steady" not in r.source.data:
        return None
    raw = r.table(r.source.data, "steady")
    r.known(raw, ("steady",), ("fixed", "guess", "value"))
    values = {}
    for name, v in r.table(raw, "value", ("steady",)).items():
        r.good_name(name, ("steady", "value", name))
        values[name] = r.expression(v, ("steady", "value", name))
    return Steady(
        _of_population(r, r.table(raw, "fixed", ("steady",)), ("steady", "fixed"), populations),
        _of_population(r, r.table(raw, "guess", ("steady",)), ("steady", "guess"), populations),
        values,
    )


def _of_population(
    r: ModelReader, raw: dict[str, Any], at: Key, populations: Mapping[str, PopulationEntry]
) -> dict[str, Value]:
    out = {}
    for name, v in raw.items():
        if name in populations:
            out[name] = r.value(v, (*at, name), populations[name].unit)
        else:
            r.say((*at, name), f"there is no population '{name}'{near(name, populations)}")
    return out
