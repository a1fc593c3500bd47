# SPDX-License-Identifier: LGPL-3.0-or-later
"""What an SBML model consists of, free of XML and of libsbml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from .declared import Declared
from .formula import Node, evaluate
from .mathml import Place

Kind = Literal["compartment", "species", "parameter", "local parameter", "stoichiometry"]


@dataclass
class Thing:
    """Something with a value.

    Attributes:
        id: As formulas call it.
        label: Its name for people, or its id.
        start: Formula of its value at the start (symbols as everywhere); None if the file has none.
        computed: Whether the file gives an initial assignment instead of a number.
        unit: Unit of its value; None if not declared.
        compartment: Of a species.
        amount: Whether a species counts as an amount, not as a concentration.
        boundary: Whether reactions leave a species alone.
    """

    id: str
    kind: Kind
    label: str
    place: Place
    start: Node | None = None
    computed: bool = False
    unit: Declared | None = None
    unit_reference: str = ""
    compartment: str = ""
    amount: bool = False
    boundary: bool = False


@dataclass(frozen=True)
class Reaction:
    """A reaction.

    Attributes:
        law: Its rate, amount per time.
        changes: Species that it changes, with signed coefficients.
        equation: For people: ``A + 2 B -> C``.
    """

    id: str
    label: str
    place: Place
    law: Node
    changes: tuple[tuple[str, Node], ...]
    equation: str


@dataclass(frozen=True)
class Event:
    """Assignments made when a trigger turns from false to true."""

    id: str
    label: str
    place: Place
    trigger: Node
    true_before: bool
    sets: Mapping[str, Node]


@dataclass
class Content:
    """An SBML model.

    Attributes:
        rules: Assignment rules: id to formula.
        rates: Rate rules: id to its time derivative.
        number_units: What unit references at numbers in formulas mean.
        notes: What a reader of the result should know.
    """

    id: str
    name: str
    edition: str
    references: tuple[str, ...]
    things: dict[str, Thing] = field(default_factory=dict)
    rules: dict[str, Node] = field(default_factory=dict)
    rates: dict[str, Node] = field(default_factory=dict)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    number_units: dict[str, Declared | None] = field(default_factory=dict)
    time_unit: Declared | None = None
    extent_unit: Declared | None = None
    notes: list[str] = field(default_factory=list)

    @cached_property
    def by_reactions(self) -> dict[str, list[tuple[str, Node]]]:
        """Species that reactions change: the reactions with their coefficients."""
        out: dict[str, list[tuple[str, Node]]] = {}
        for r in self.reactions.values():
            for species, coefficient in r.changes:
                out.setdefault(species, []).append((r.id, coefficient))
        return out

    def formulas(self) -> list[Node]:
        """Every formula that plays a part after the start."""
        laws = [r.law for r in self.reactions.values()]
        events = [n for e in self.events for n in (e.trigger, *e.sets.values())]
        return [*self.rules.values(), *self.rates.values(), *laws, *events]

    def set_by_events(self) -> list[str]:
        """Everything that events assign to, in the order of the file."""
        return list(dict.fromkeys(id for e in self.events for id in e.sets))


class Moment:
    """Values of everything at one time, from the values of what has no rule.

    Args:
        content: The model.
        known: Value of every thing without an assignment rule.
        time: In the unit of the file.
    """

    def __init__(self, content: Content, known: Mapping[str, float], time: float):
        self._content, self._values = content, {**known, "<time>": time}

    def __call__(self, id: str) -> float:
        """Value of a symbol."""
        if id not in self._values:
            c = self._content
            formula = c.rules[id] if id in c.rules else c.reactions[id].law
            self._values[id] = evaluate(formula, self)
        return self._values[id]

    def of(self, node: Node) -> float:
        """Value of a formula."""
        return evaluate(node, self)

    def rate(self, id: str) -> float:
        """How fast a thing changes, per time unit of the file."""
        c = self._content
        if id in c.rates:
            return self.of(c.rates[id])
        thing = c.things[id]
        total = sum(self.of(coefficient) * self(r) for r, coefficient in c.by_reactions.get(id, []))
        return total if thing.amount else total / self(thing.compartment)
