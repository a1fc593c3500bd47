# SPDX-License-Identifier: LGPL-3.0-or-later
"""The JSON schema of case files, found by watching the reader: `docs/case.schema.json`.

There is one description of a case, the reader. It is given one case after the other; every key that
it asks for is noted with the type it is asked as, and then given in the next case, in every form that
might lead it to further keys, until it asks for nothing new. A new key of the reader is thus in the
schema without further ado. Remake the file with ``make schema``.
"""

from __future__ import annotations

import copy
import json
import re
import sys
import tomllib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..tomlsource import Key, dotted
from .loader import read_source
from .overrides import OverriddenSource
from .table import Table, watched

TITLE = "osteofield case file"
DIALECT = "http://json-schema.org/draft-07/schema#"  # what editors of TOML read
_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_STRANGE = "no-key-has-this-name"
_TABLE_FORM, _ARRAY_FORM = {"type": "object"}, {"type": "array"}  # of tables, which are described in place
_GUESSES: tuple[Any, ...] = ({}, [], "center", "1 um", 1.0, True, ["1 um", "1 um", "1 um"], ["a"])

Place = tuple[str, ...]  # of a table, with "*" for the number of an element


@dataclass
class _Seen:
    """What was seen of one table.

    Attributes:
        asked: Key to the ways in which it was asked for, as JSON schemas.
        defaults: Key to the defaults that were seen.
        own: Keys that were asked for though they were not there: not only because somebody wrote them.
        needed: Keys without which every such table was refused; None before the first one.
        free: Schemas of values under any other key; empty if other keys are refused.
    """

    asked: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    defaults: dict[str, list[Any]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    needed: set[str] | None = None
    free: list[dict[str, Any]] = field(default_factory=list)


def case_schema(seeds: Iterable[dict[str, Any]], words: Mapping[Place, str] | None = None) -> dict[str, Any]:
    """The schema of a case.

    Args:
        seeds: Cases or parts of them to start from: values that lead the reader on, as names of drugs do.
        words: Description of keys, by place and name.
    """
    seen = _explored([{"format": 1}, *({"format": 1, **seed} for seed in seeds)])
    schema = {"$schema": DIALECT, "title": TITLE}
    return schema | _object((), seen, words or {})


# ---------------------------------------------------------------- watching the reader
def _explored(documents: Iterable[dict[str, Any]]) -> dict[Place, _Seen]:
    seen: dict[Place, _Seen] = {(): _Seen()}
    tried: set[tuple[Place, str, str]] = set()
    waiting = deque(documents)
    while waiting:
        document = waiting.popleft()
        for key, name, method, facts in _questions(document, seen):
            place = _place(key)
            for value in _answers(method, facts):
                mark = (place, name, json.dumps(value, sort_keys=True))
                if mark in tried:
                    continue
                tried.add(mark)
                waiting.append(_with(document, (*key, name), value))
                if method == "has" and key:  # it may exclude its neighbours
                    waiting.append(_with(document, key, {name: value}))
    for place, table in list(seen.items()):  # those of which no key was asked
        for name, forms in table.asked.items():
            for form in forms:
                if form in (_TABLE_FORM, _ARRAY_FORM):
                    inner = ("*",) * (form == _ARRAY_FORM)
                    seen.setdefault((*place, name, *inner), _Seen())
    for place, table in seen.items():
        if place not in ((), ("arm", "*")):
            table.free = _free(place)
    return seen


def _questions(
    document: dict[str, Any], seen: dict[Place, _Seen]
) -> list[tuple[Key, str, str, Mapping[str, Any]]]:
    """Let the reader read a document; note and return what it asked for."""
    asked: list[tuple[Key, str, str, Mapping[str, Any]]] = []
    needed: dict[Key, set[str]] = {}

    def note(table: Table, name: str, method: str, facts: Mapping[str, Any]) -> None:
        if not isinstance(table.source, _Probe):
            return  # an arm, read as a case of its own: its keys stand elsewhere
        asked.append((table.key, name, method, facts))
        keys = needed.setdefault(table.key, set())
        wanted = method in ("path", "choice") or facts.get("example")
        if wanted and facts.get("default") is None:
            keys.add(name)
        if name not in table.data and method != "has":
            seen.setdefault(_place(table.key), _Seen()).own.add(name)

    _read(document, note)
    for key, name, method, facts in asked:
        table = seen.setdefault(_place(key), _Seen())
        if method in _FORMS:
            _add(table.asked.setdefault(name, []), _FORMS[method](facts))
        default = facts.get("default")
        if default is not None and name in table.own and default not in table.defaults.setdefault(name, []):
            table.defaults[name].append(default)
    for key, names in needed.items():
        table = seen[_place(key)]
        table.needed = names if table.needed is None else table.needed & names
    return asked


def _add(forms: list[dict[str, Any]], form: dict[str, Any]) -> None:
    """Add a schema that is not there; those that differ by their examples alone become one."""
    for other in forms:
        if {**other, "examples": 0} == {**form, "examples": 0}:
            other["examples"] = sorted({*other.get("examples", ()), *form.get("examples", ())})
            if not other["examples"]:
                del other["examples"]
            return
    forms.append(dict(form))


class _Probe(OverriddenSource):
    """Marks tables of the document itself, as against those of its arms."""


def _read(document: dict[str, Any], note: Any) -> list[str]:
    """Problems of a document, each starting with its key."""
    path = Path("case.toml")
    problems: list[Any] = []
    with watched(note):
        try:
            read_source(path, _Probe(str(path), copy.deepcopy(document), {}), problems)
        except InputError as e:
            problems += e.problems
    return [f"{p.key}: {p.message}" for p in problems]


def _free(place: Place) -> list[dict[str, Any]]:
    """Schemas of what a table takes under a key that nobody knows; none if it does not."""
    forms: list[dict[str, Any]] = []
    key: Key = tuple(0 if part == "*" else part for part in place)

    def note(table: Table, name: str, method: str, facts: Mapping[str, Any]) -> None:
        if name == _STRANGE and method in _FORMS:
            _add(forms, _FORMS[method](facts))

    for value in ("1 um", 1.0, True):
        for complaint in _read(_with({"format": 1}, (*key, _STRANGE), value), note):
            if complaint.startswith(dotted((*key, _STRANGE))) and "not known" in complaint:
                return []
    return forms


def _with(document: dict[str, Any], key: Key, value: Any) -> dict[str, Any]:
    """A copy with one value set, tables and elements on the way made."""
    out = copy.deepcopy(document)
    here: Any = out
    for part, following in zip(key, (*key[1:], None), strict=True):
        if isinstance(part, int):
            while len(here) <= part:
                here.append({})
        if following is None:
            here[part] = copy.deepcopy(value)
            break
        inner = here[part] if isinstance(part, int) or part in here else None
        if not isinstance(inner, (dict, list)):
            here[part] = [] if isinstance(following, int) else {}
        here = here[part]
    return out


def _place(key: Key) -> Place:
    return tuple("*" if isinstance(part, int) else part for part in key)


def _answers(method: str, facts: Mapping[str, Any]) -> list[Any]:
    """Values of a key worth giving, for what the reader asks next: right ones, and of any other kind."""
    return [*_right(method, facts), *_GUESSES]


def _right(method: str, facts: Mapping[str, Any]) -> list[Any]:
    default, like = facts.get("default"), facts.get("like")
    match method:
        case "has":
            return []
        case "choice":
            return list(facts["options"])
        case "words":
            return [list(facts["options"] or ("a",))]
        case "flag":
            return [True, False]
        case "integer":
            return [default]
        case "number":
            return [default if default is not None else 1.0]
        case "quantity":
            return [default or facts["example"] or f"1 {like}"]
        case "quantities":
            return [[f"{k + 1} {like}" for k in range(n)] for n in facts["counts"] or (1,)]
        case "table":
            return [{}]
        case "tables":
            return [[{}]]
        case _:
            return ["text", *([default] if default else [])]


# ---------------------------------------------------------------- writing the schema
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
        "pattern": rf"^\s*{_NUMBER}\s*\S",
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


_FORMS: dict[str, Any] = {
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
    "table": lambda facts: _TABLE_FORM,
    "tables": lambda facts: _ARRAY_FORM,
}


def _object(place: Place, seen: Mapping[Place, _Seen], words: Mapping[Place, str]) -> dict[str, Any]:
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
    seen: Mapping[Place, _Seen],
    words: Mapping[Place, str],
) -> dict[str, Any]:
    home = _home(place, seen)
    if home != place:
        parent = seen[home[:-1]]
        there = _property(home, parent.asked[home[-1]], parent.defaults.get(home[-1], []), seen, words)
        return {k: v for k, v in there.items() if k != "required"}  # merged into that of the case
    made = []
    for form in forms:
        if form == _TABLE_FORM:
            made.append(_object(place, seen, words))
        elif form == _ARRAY_FORM:
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


def _home(place: Place, seen: Mapping[Place, _Seen]) -> Place:
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
