# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values at the start: initial assignments computed, and the events that happen at once."""

from __future__ import annotations

import math
from pathlib import Path

from ..errors import InputError, Problem
from .content import Content, Event, Moment
from .formula import Name, Node, evaluate, walk
from .wording import listed

_ROUNDS = 100


def start_values(content: Content, file: Path) -> dict[str, float]:
    """Value of every thing at time 0, whether a rule gives it or not.

    Notes are added to the content.

    Raises:
        InputError: A value that is needed is missing, is no number, or depends on itself.
    """
    first = _First(content, file)
    values = {id: first(id) for id in content.things}
    if first.problems:
        raise InputError(first.problems)
    if first.empty:
        content.notes.append(f"no initial value is given for {listed(first.empty, 10)}; 0 was assumed")
    return _after_events(content, values, file)


class _First:
    """Values at time 0 before any event, each computed once."""

    def __init__(self, content: Content, file: Path):
        self._content, self._file = content, file
        self._values: dict[str, float] = {"<time>": 0.0}
        self._open: list[str] = []
        self._needed = _used(content)
        self.problems: list[Problem] = []
        self.empty: list[str] = []

    def __call__(self, id: str) -> float:
        if id in self._values:
            return self._values[id]
        c = self._content
        if id in self._open:
            self._say(id, f"the initial value of '{id}' depends on itself.")
            return math.nan
        self._open.append(id)
        node: Node | None
        if id in c.rules:
            node = c.rules[id]
        elif id in c.reactions:
            node = c.reactions[id].law
        else:
            node = c.things[id].start
        if node is None:
            value = self._missing(id)
        else:
            value = evaluate(node, self)
            if not abs(value) <= 1e300 and not self.problems and id in self._needed:
                self._say(id, f"the initial value of {self._words(id)} is {value}, which is no number.")
        self._open.pop()
        self._values[id] = value
        return value

    def _missing(self, id: str) -> float:
        thing = self._content.things[id]
        if id not in self._needed:
            return math.nan
        if thing.kind == "species":
            self.empty.append(thing.place.words)
            return 0.0
        self._say(id, f"{thing.place.words} has no value. Give it one, or an <initialAssignment> or a rule.")
        return math.nan

    def _words(self, id: str) -> str:
        c = self._content
        return (c.things[id] if id in c.things else c.reactions[id]).place.words

    def _say(self, id: str, message: str) -> None:
        c = self._content
        place = (c.things[id] if id in c.things else c.reactions[id]).place
        self.problems.append(Problem(message, self._file, place.line or None, place.key))


def _used(c: Content) -> set[str]:
    """Ids whose value plays a part."""
    nodes = c.formulas()
    nodes += [t.start for t in c.things.values() if t.start is not None and t.computed]
    used = {n.id for node in nodes for n in walk(node) if isinstance(n, Name)}
    used |= set(c.rates) | set(c.by_reactions) | set(c.set_by_events())
    used |= {c.things[id].compartment for id in used if id in c.things and c.things[id].compartment}
    used |= {
        n.id for id in used & set(c.things) for n in walk(c.things[id].start or Name(id))
        if isinstance(n, Name)
    }  # fmt: skip
    coefficients = [k for r in c.reactions.values() for _, k in r.changes]
    return used | {n.id for k in coefficients for n in walk(k) if isinstance(n, Name)}


def _after_events(content: Content, values: dict[str, float], file: Path) -> dict[str, float]:
    """Values after the events whose trigger counts as false before time 0 and is true at it."""

    def at(values: dict[str, float]) -> Moment:
        return Moment(content, {k: v for k, v in values.items() if k not in content.rules}, 0.0)

    now = at(values)
    before = [bool(now.of(e.trigger)) for e in content.events]
    waiting = [e for e, holds in zip(content.events, before, strict=True) if holds and not e.true_before]
    happened: list[Event] = []
    while waiting:
        happened += waiting
        if len(happened) > _ROUNDS:
            e = waiting[0]
            raise InputError(
                Problem(
                    f"{e.place.words} happens again and again at time 0.", file, e.place.line, e.place.key
                )
            )
        moment, new = at(values), dict(values)
        for e in waiting:
            new.update({id: moment.of(node) for id, node in e.sets.items()})
        values = new
        after = at(values)
        holds_now = [bool(after.of(e.trigger)) for e in content.events]
        turns = [now and not was for was, now in zip(before, holds_now, strict=True)]
        waiting = [e for e, turned in zip(content.events, turns, strict=True) if turned]
        before = holds_now
    for e in content.events:
        if e in happened:
            content.notes.append(
                f"{e.place.words} happens at time 0, so the initial values are those after it"
            )
    final = at(values)
    return {id: final(id) if id in content.rules else values[id] for id in content.things}
