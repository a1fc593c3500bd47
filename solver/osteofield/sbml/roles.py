# SPDX-License-Identifier: LGPL-3.0-or-later
"""What becomes of everything in an SBML model: population, named result, level that events set, number."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from .content import Content, Moment, Reaction
from .declared import Declared
from .formula import TIME, Apply, Name, Node, Number, apply, evaluate, is_condition, names

_SAMPLES = 12


class Roles:
    """Roles of the ids of a model.

    Attributes:
        net: Species to the reactions that change it, with the net coefficient.
        populations: Ids that change over time by rates, or are species that events set.
        inputs: Parameters that events set and nothing else changes.
        constants: Ids with one value for ever.
        scale: Typical magnitude of every population.
        signed: Populations whose rates can take them below zero.
    """

    def __init__(self, content: Content, start: Mapping[str, float]):
        self._content, self._start = content, start
        self.net: dict[str, dict[str, float]] = {}
        for r in content.reactions.values():
            for species, coefficient in r.changes:
                of = self.net.setdefault(species, {})
                of[r.id] = of.get(r.id, 0.0) + evaluate(coefficient, start.__getitem__)
        for species, of in self.net.items():
            self.net[species] = {r: n for r, n in of.items() if n != 0}
        moved = {s for s, of in self.net.items() if of} | set(content.rates)
        set_by_events = set(content.set_by_events())
        elsewhere = self._used_elsewhere()
        self.populations: list[str] = []
        self.inputs: list[str] = []
        self.constants: list[str] = []
        for id, thing in content.things.items():
            if id in content.rules:
                continue
            if id in moved or (id in set_by_events and (thing.kind == "species" or id not in elsewhere)):
                self.populations.append(id)
            else:
                (self.inputs if id in set_by_events else self.constants).append(id)
        self.scale = self._scales()
        self.signed = {id for id in self.populations if self._may_turn_negative(id)}

    def _used_elsewhere(self) -> set[str]:
        """Ids that anything but the right sides of events uses."""
        c = self._content
        nodes: list[Node] = [*c.rules.values(), *c.rates.values(), *(r.law for r in c.reactions.values())]
        return set().union(*map(names, nodes), *(names(e.trigger) for e in c.events))

    def _scales(self) -> dict[str, float]:
        """Typical magnitudes: the value at the start, else that of the largest of its kind, else 1."""
        of = {id: self._content.things[id] for id in self.populations}
        size = {id: abs(self._start[id]) for id in self.populations}
        largest: dict[tuple[str, Declared | None, bool], float] = {}
        for id, t in of.items():
            kind = t.kind, t.unit, t.amount
            largest[kind] = max(largest.get(kind, 0.0), size[id])
        return {id: size[id] or largest[t.kind, t.unit, t.amount] or 1.0 for id, t in of.items()}

    def random_state(self, generator: random.Random) -> dict[str, float]:
        """Values of everything without a rule, populations up to twice their magnitude."""
        values = {id: self._start[id] for id in (*self.constants, *self.inputs)}
        return values | {id: 2 * self.scale[id] * generator.random() for id in self.populations}

    def _may_turn_negative(self, id: str) -> bool:
        """Whether a population is negative at the start, or goes down where it is zero."""
        c, generator = self._content, random.Random(id)
        if self._start[id] < 0 or (c.things[id].kind == "parameter" and id in c.rates):
            return True
        for _ in range(_SAMPLES):
            state = self.random_state(generator)
            moment = Moment(c, {**state, id: 0.0}, generator.random())
            if (id in c.rates or self.net.get(id)) and moment.rate(id) < 0:
                return True
            anywhere = Moment(c, state, generator.random())
            if any(id in e.sets and anywhere.of(e.sets[id]) < 0 for e in c.events):
                return True
        return False

    def input_signed(self, id: str) -> bool:
        """Whether an input is, or may be set, below zero."""
        if self._start[id] < 0:
            return True
        assigned = [e.sets[id] for e in self._content.events if id in e.sets]
        return not all(self.never_negative(node) for node in assigned if id not in names(node))

    def never_negative(self, node: Node) -> bool:
        """Whether a formula can be seen to be at least zero."""
        if isinstance(node, Number):
            return node.value >= 0
        if isinstance(node, Name):
            if node.id in self._content.rules:
                return self.never_negative(self._content.rules[node.id])
            if node.id in self.inputs:
                return not self.input_signed(node.id)
            if node.id in self.populations:
                return node.id not in self.signed
            return node == TIME or (node.id in self.constants and self._start[node.id] >= 0)
        if node.op in ("exp", "sqrt", "abs") or is_condition(node):
            return True
        if node.op == "max":
            return any(map(self.never_negative, node.args))
        if node.op == "where":
            return all(map(self.never_negative, node.args[1:]))
        return node.op in ("+", "*", "/", "min", "^") and all(map(self.never_negative, node.args[:2]))

    def constant_value(self, node: Node) -> float | None:
        """Value of a formula of constants; None if anything in it changes."""
        if names(node) <= {*self.constants}:
            return evaluate(node, self._start.__getitem__)
        return None


def home(content: Content, reaction: Reaction, net: Mapping[str, Mapping[str, float]]) -> str | None:
    """The compartment of all species that a reaction changes, if they are concentrations in just one."""
    changed = [content.things[s] for s, of in net.items() if reaction.id in of]
    homes = {t.compartment for t in changed}
    return homes.pop() if len(homes) == 1 and not any(t.amount for t in changed) else None


def divided(node: Node, by: str) -> Node | None:
    """A formula without the factor `by`, if every term of it has one."""
    if isinstance(node, Name):
        return Number(1.0) if node.id == by else None
    if not isinstance(node, Apply):
        return None
    args: Iterable[Node | None]
    if node.op == "*":
        for k, a in enumerate(node.args):
            rest = divided(a, by)
            if rest is not None:
                return apply("*", *node.args[:k], rest, *node.args[k + 1 :])
        return None
    if node.op in ("+", "-", "neg"):
        args = [divided(a, by) for a in node.args]
    elif node.op == "/":
        args = [divided(node.args[0], by), node.args[1]]
    elif node.op == "where":
        args = [node.args[0], *(divided(a, by) for a in node.args[1:])]
    else:
        return None
    done = [a for a in args if a is not None]
    return apply(node.op, *done) if len(done) == len(node.args) else None
