# SPDX-License-Identifier: LGPL-3.0-or-later
"""The JSON schema of one key of a case, by the way in which the reader asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TABLE, ARRAY = {"type": "object"}, {"type": "array"}  # of tables, which are described in place
_DECIMAL = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"


def _number(facts: Mapping[str, Any]) -> dict[str, Any]:
    bounds = {
        "above": "exclusiveMinimum",
        "at_least": "minimum",
        "below": "exclusiveMaximum",
        "at_most": "maximum",
    }
    found = {word: facts[name] for name, word in bounds.items() if abs(facts[name]) != float("inf")}
    return {"type": "number", **found}


def _quantity(facts: Mapping[str, Any]) -> dict[str, Any]:
    example = facts.get("example") if "counts" not in facts else None
    return {
        "type": "string",
        "pattern": rf"^\s*{_DECIMAL}\s*\S",
        "examples": [example or f"1 {facts['like']}"],
    }


def _quantities(facts: Mapping[str, Any]) -> dict[str, Any]:
    counts = facts["counts"]
    length = {"minItems": min(counts), "maxItems": max(counts)} if counts else {}
    item = _quantity(facts)
    return {"type": "array", "items": item, **length}


def _words(facts: Mapping[str, Any]) -> dict[str, Any]:
    item = {"enum": list(facts["options"])} if facts["options"] else {"type": "string"}
    return {"type": "array", "items": item, "uniqueItems": True}


FORMS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "text": lambda facts: {"type": "string"},
    "choice": lambda facts: {"enum": list(facts["options"])},
    "words": _words,
    "flag": lambda facts: {"type": "boolean"},
    "integer": lambda facts: {"type": "integer", "minimum": facts["at_least"]},
    "integers": lambda facts: {"type": "array", "items": {"type": "integer"}},
    "number": _number,
    "quantity": _quantity,
    "quantities": _quantities,
    "path": lambda facts: {"type": "string"},
    "table": lambda facts: TABLE,
    "tables": lambda facts: ARRAY,
}
"""Method of `Table` to what it makes of the arguments it was called with."""
