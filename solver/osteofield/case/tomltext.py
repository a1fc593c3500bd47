# SPDX-License-Identifier: LGPL-3.0-or-later
"""TOML text from plain values: the standard library reads TOML but does not write it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(data: Mapping[str, Any]) -> str:
    """Write tables, arrays of tables and values; reading the text again gives `data`."""
    return "\n".join(_table(data, "")).strip() + "\n"


def _table(data: Mapping[str, Any], header: str) -> list[str]:
    lines, below = [], []
    for name, value in data.items():
        path = f"{header}.{_key(name)}" if header else _key(name)
        if isinstance(value, Mapping):
            below += ["", f"[{path}]", *_table(value, path)]
        elif isinstance(value, (list, tuple)) and value and all(isinstance(v, Mapping) for v in value):
            for v in value:
                below += ["", f"[[{path}]]", *_table(v, path)]
        else:
            lines.append(f"{_key(name)} = {_value(value)}")
    return lines + below


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ("nan" if math.isnan(value) else f"{value:+}")
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, (date, time)):  # never allowed, but what is wrong is told elsewhere
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} cannot be written as TOML")


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
