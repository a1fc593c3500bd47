# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the reader of cases asks for, found by giving it one case after the other."""

from __future__ import annotations

import copy
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..tomlsource import Key, dotted
from .forms import ARRAY, FORMS, TABLE
from .loader import read_source
from .overrides import OverriddenSource
from .table import Table
from .watching import watched

_STRANGE = "no-key-has-this-name"
_GUESSES: tuple[Any, ...] = ({}, [], "center", "1 um", 1.0, True, ["1 um", "1 um", "1 um"], ["a"])

Place = tuple[str, ...]  # of a table, with "*" for the number of an element


@dataclass
class Seen:
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


def explored(documents: Iterable[dict[str, Any]]) -> dict[Place, Seen]:
    """Every table of a case, beginning with these cases or parts of them."""
    seen: dict[Place, Seen] = {(): Seen()}
    tried: set[tuple[Place, str, str]] = set()
    answered: set[tuple[Place, str, str, str]] = set()
    waiting = deque(documents)
    while waiting:
        document = waiting.popleft()
        for key, name, method, facts in _questions(document, seen):
            place = _place(key)
            question = (place, name, method, repr(facts))
            if question in answered:
                continue
            answered.add(question)
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
                if form in (TABLE, ARRAY):
                    inner = ("*",) * (form == ARRAY)
                    seen.setdefault((*place, name, *inner), Seen())
    for place, table in seen.items():
        if place not in ((), ("arm", "*")):
            table.free = _free(place)
    return seen


def _questions(
    document: dict[str, Any], seen: dict[Place, Seen]
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
            seen.setdefault(_place(table.key), Seen()).own.add(name)

    _read(document, note)
    for key, name, method, facts in asked:
        table = seen.setdefault(_place(key), Seen())
        if method in FORMS:
            _add(table.asked.setdefault(name, []), FORMS[method](facts))
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
        if name == _STRANGE and method in FORMS:
            _add(forms, FORMS[method](facts))

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
