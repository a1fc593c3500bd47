# SPDX-License-Identifier: LGPL-3.0-or-later
"""The JSON schema of case files, found by watching the reader: `docs/case.schema.json`.

There is one description of a case, the reader. It is given one case after the other; every key that
it asks for is noted with the type it is asked as, and then given in the next case, in every form that
might lead it to further keys, until it asks for nothing new. A new key of the reader is thus in the
schema without further ado. Remake the file with ``make schema``.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .asked import Place, Seen, explored
from .forms import ARRAY, TABLE

TITLE = "osteofield case file"
DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors of TOML read


def case_schema(seeds: Iterable[dict[str, Any]], words: Mapping[Place, str] | None = None) -> dict[str, Any]:
    """The schema of a case.

    Args:
        seeds: Cases or parts of them to start from: values that lead the reader on, as names of drugs do.
        words: Description of keys, by place and name.
    """
    seen = explored([{"format": 1}, *({"format": 1, **seed} for seed in seeds)])
    schema = {"$schema": DIALECT, "title": TITLE}
    return schema | _object((), seen, words or {})


def _object(place: Place, seen: Mapping[Place, Seen], words: Mapping[Place, str]) -> dict[str, Any]:
    """Schema of one table with all that is inside it."""
    table = seen[place]
    properties = {}
    for name, forms in table.asked.items():
        if name in table.own or not table.free:
            properties[name] = _property((*place, name), forms, table.defaults.get(name, []), seen, words)
    out: dict[str, Any] = {"type": "object", "properties": properties}
    if table.needed:
        out["required"] = sorted(table.needed)
    out["additionalProperties"] = {"anyOf": table.free} if table.free else False
    return out


def _property(
    place: Place,
    forms: list[dict[str, Any]],
    defaults: list[Any],
    seen: Mapping[Place, Seen],
    words: Mapping[Place, str],
) -> dict[str, Any]:
    home = _home(place, seen)
    if home != place:
        parent = seen[home[:-1]]
        there = _property(home, parent.asked[home[-1]], parent.defaults.get(home[-1], []), seen, words)
        return {k: v for k, v in there.items() if k != "required"}  # merged into that of the case
    made = []
    for form in forms:
        if form == TABLE:
            made.append(_object(place, seen, words))
        elif form == ARRAY:
            made.append({"type": "array", "items": _object((*place, "*"), seen, words)})
        else:
            made.append(form)
    if {"type": "string"} in made:  # says all that narrower texts say
        made = [f for f in made if f.get("type") != "string" or f == {"type": "string"}]
    out = made[0] if len(made) == 1 else {"anyOf": made}
    if len(defaults) == 1 and place[-1] != "name":
        out = {**out, "default": defaults[0]}
    if place in words:
        out = {"description": words[place], **out}
    return out


def _home(place: Place, seen: Mapping[Place, Seen]) -> Place:
    """Where a table is read: an arm's focus or model is one of the whole case."""
    for n in range(len(place)):
        if any(inner in seen and seen[inner].asked for inner in (place[n:], (*place[n:], "*"))):
            return place[n:]
    return place


# ---------------------------------------------------------------- descriptions
_ROW = re.compile(r"^\| ((?:`[^`]+`(?:, )?)+) \|.*\| ([^|]+) \|$")
_TABLE = re.compile(r"`\[+([\w.]+)\]+`")


def descriptions(reference: str) -> dict[Place, str]:
    """Meaning of keys, from the tables of the reference of case files (Markdown)."""
    out: dict[Place, str] = {}
    at: tuple[str, ...] = ()
    for line in reference.splitlines():
        if line.startswith("## "):
            at = ()
        if not line.startswith("|") and (m := _TABLE.match(line.removeprefix("## "))):
            at = tuple(m[1].split("."))
        if m := _ROW.match(line):
            text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", m[2]).replace("`", "").strip()
            for name in re.findall(r"`([^`]+)`", m[1]):
                for place in ((*at, name.strip('"')), (*at, "*", name.strip('"'))):
                    out[place] = text[:1].upper() + text[1:]
    return out


def main(root: Path) -> None:
    """Write ``docs/case.schema.json`` of a source tree."""
    (root / "docs" / "case.schema.json").write_text(schema_text(root), encoding="utf-8")


def schema_text(root: Path) -> str:
    """What ``docs/case.schema.json`` of a source tree should hold."""
    reference = (root / "docs" / "cases.md").read_text(encoding="utf-8")
    texts = [path.read_text(encoding="utf-8") for path in sorted((root / "cases").glob("*.toml"))]
    texts += re.findall(r"^```toml\n(.*?)^```", reference, re.S | re.M)
    schema = case_schema(map(tomllib.loads, texts), descriptions(reference))
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
