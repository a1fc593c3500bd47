# SPDX-License-Identifier: LGPL-3.0-or-later
"""Formulas of an SBML model for a model file: their units, numbers, powers and time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .content import Content, Reaction, Thing
from .declared import Declared, of_kind
from .formula import TIME, Apply, Name, Node, Number, apply, names, replaced
from .roles import Roles, divided, home
from .unitfit import UnitFit, UnitProblem
from .wording import listed

PER_TIME = Name("<per time>")
_SECOND = of_kind("second") or Declared()


class Formulas:
    """The formulas of an SBML model as they go into a model file, with its units or as plain numbers.

    Args:
        content: The model.
        start: Value of everything at time 0.
        roles: What becomes of everything.
        units: Whether units are carried over; otherwise everything is a plain number, and rates are
            multiplied by `PER_TIME`, a parameter that says how long the time unit of the file is.

    Attributes:
        numbers: Ids given to numbers in formulas that have units: the number, its unit, and the wish for a
            name with words on where it stands.
        per_volume: Reactions whose rate is one per volume, and the compartment.
        written_out: What was put into exponents as a number.
    """

    def __init__(self, content: Content, start: Mapping[str, float], roles: Roles, *, units: bool):
        self._content, self._start, self._roles, self._with_units = content, start, roles, units
        self.numbers: dict[str, tuple[float, Declared, tuple[str, str]]] = {}
        self.per_volume: dict[str, str] = {}
        self.written_out: dict[str, float] = {}
        self._mentioned = names_in(content.formulas())
        self._owner = ("", "")
        self._fit = UnitFit(self.unit, content.number_units, self._number)

    @property
    def time(self) -> Declared:
        """Time unit of the file; seconds where it gives none."""
        t = self._content.time_unit
        return t if t is not None and is_time(t) else _SECOND

    def unit(self, id: str) -> Declared | None:
        """Unit that the file gives what an id stands for; None where units are not carried over."""
        c = self._content
        if not self._with_units:
            return None
        if id == TIME.id:
            return c.time_unit
        if id in self.numbers:
            return self.numbers[id][1]
        if id in c.things:
            return c.things[id].unit or (self._fit.of(c.rules[id]) if id in c.rules else None)
        if c.extent_unit is None or c.time_unit is None:
            return None
        rate = c.extent_unit / c.time_unit
        if id not in self.per_volume:
            return rate
        size = c.things[self.per_volume[id]].unit
        return rate / size if size else None

    def _number(self, value: float, unit: Declared) -> Name:
        """A parameter for a number in a formula."""
        for id, (v, u, owner) in self.numbers.items():
            if (v, u, owner) == (value, unit, self._owner):
                return Name(id)
        id = f"<number {len(self.numbers)}>"
        self.numbers[id] = (value, unit, self._owner)
        return Name(id)

    def require_units(self, used: Iterable[str]) -> None:
        """Make sure, where units are carried over, that time and all that is used have one.

        Raises:
            UnitProblem: Some are missing or unknown.
        """
        if not self._with_units:
            return
        missing, unknown = [], []
        for id in used:
            thing = self._content.things.get(id)
            if id in self.numbers or self.unit(id) is not None:
                continue
            if thing is not None and thing.unit_reference:
                unknown.append(f"'{thing.unit_reference}' of {thing.place.words}")
            else:
                missing.append(thing.place.words if thing else "time" if id == TIME.id else "reaction rates")
        if missing:
            raise UnitProblem(f"no unit is declared for {listed(missing)}")
        if unknown:
            raise UnitProblem(f"model files do not have the unit {listed(unknown)}")
        if not is_time(self._content.time_unit):
            raise UnitProblem("no unit is declared for time")

    def rate(self, r: Reaction) -> Node:
        """The rate of a reaction, per volume where all that it changes are concentrations in one."""
        c = self._content
        where = home(c, r, self._roles.net)
        if where is not None and r.id not in self._mentioned:
            node = divided(r.law, where)
            if node is not None:
                self.per_volume[r.id] = where
                return node
        return r.law

    def terms(self, id: str, mentioned: set[str]) -> dict[str, Node]:
        """The rates of a population by name; `mentioned` are the names that formulas of the model use."""
        c = self._content
        if id in c.rates:
            unit = self.unit(id)
            want = unit / self.time if unit else None
            owner = (f"{id}_number", f"the rate of {c.things[id].place.words}")
            return {"change": self._timed(self.ready(c.rates[id], owner, want))}
        out: dict[str, Node] = {}
        for r, n in self._roles.net.get(id, {}).items():
            node = self._timed(apply("*", Number(abs(n)), Name(r)))
            thing = c.things[id]
            if not thing.amount and r not in self.per_volume and not self._unit_size(thing, mentioned):
                node = apply("/", node, Name(thing.compartment))
            out[r] = apply("neg", node) if n < 0 else node
        return out

    def _unit_size(self, species: Thing, mentioned: set[str]) -> bool:
        """Whether division by the compartment changes nothing and says nothing."""
        size = species.compartment
        return not self._with_units and self._start[size] == 1 and size not in mentioned

    def _timed(self, node: Node) -> Node:
        """A rate per day from one per time unit of the file."""
        return node if self._with_units else apply("*", node, PER_TIME)

    def ready(self, node: Node, owner: tuple[str, str], want: Declared | None) -> Node:
        """A formula as it goes into the model file.

        Args:
            node: As the SBML file has it.
            owner: For its numbers that have units: the wish for a name, and words on where they stand.
            want: Unit of the whole; None where that is open.
        """
        self._owner = owner
        node = replaced(node, self._stoichiometry)
        node = replaced(node, self._power)
        if self._with_units:
            return self._fit.fit(node, want)
        bare = replaced(node, lambda n: Number(n.value) if isinstance(n, Number) else None)
        return replaced(bare, lambda n: apply("*", TIME, PER_TIME) if n == TIME else None)

    def _stoichiometry(self, node: Node) -> Node | None:
        thing = self._content.things.get(node.id) if isinstance(node, Name) else None
        return Number(self._start[thing.id]) if thing and thing.kind == "stoichiometry" else None

    def _power(self, node: Node) -> Node | None:
        """A power with its exponent as a number where a model file needs that."""
        if not isinstance(node, Apply) or node.op != "^" or isinstance(node.args[1], Number):
            return None
        base, exponent = node.args
        value = self._roles.constant_value(exponent)
        if value is None:
            return None
        unit = self._fit.of(base) if self._with_units else None
        whole = value.is_integer() and not self._roles.never_negative(base)
        if not whole and (unit is None or unit.plain):
            return None
        for id in names(exponent):
            self.written_out[id] = self._start[id]
        return Apply("^", (replaced(base, self._power), Number(value)))


def is_time(u: Declared | None) -> bool:
    """Whether a unit is one of time."""
    return u is not None and len(u.powers) == 1 and (u / _SECOND).plain


def names_in(nodes: Iterable[Node]) -> set[str]:
    """Every name that some formulas mention."""
    return set().union(*map(names, nodes))
