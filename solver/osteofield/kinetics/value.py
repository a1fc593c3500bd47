# SPDX-License-Identifier: LGPL-3.0-or-later
"""A number with its unit, as a model file writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..units import Unit, UnitError, unit

_NUMBER = re.compile(
    r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s+([A-Za-z%µμ\d].*)|([A-Za-z%µμ].*)|\s*)$", re.S
)


@dataclass(frozen=True)
class Value:
    """A number with its unit: `number` in internal units, `text` as written."""

    number: float
    unit: Unit
    text: str


def read_value(raw: object) -> Value:
    """A number (a plain one) or text such as ``"20 um^2/s"`` as a `Value`.

    Raises:
        UnitError: It is no number, or its unit is unknown.
    """
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise UnitError(f"{raw!r} is not a number with a unit; write for example '0.5' or '0.5 1/day'")
    if isinstance(raw, int | float):
        return Value(float(raw), unit("1"), repr(raw))
    m = _NUMBER.match(raw)
    if not m:
        raise UnitError(f"'{raw}' is not a number with a unit; write for example '0.5' or '0.5 1/day'")
    u = unit((m[2] or m[3] or "").strip() or "1")
    return Value(float(m[1]) * u.factor, u, raw.strip())


def is_number(raw: object) -> bool:
    """Whether a value is written as a number with or without unit, not as a formula."""
    return isinstance(raw, int | float) or (isinstance(raw, str) and bool(_NUMBER.match(raw)))
