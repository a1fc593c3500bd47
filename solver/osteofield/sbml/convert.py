# SPDX-License-Identifier: LGPL-3.0-or-later
"""From the content of an SBML model to the entries of a model file, with its units or as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping

from . import draft
from .content import Content, Thing
from .declared import Declared
from .draft import Draft
from .formula import TIME, Node
from .formulas import PER_TIME, Formulas, is_time, names_in
from .names import NameBook
from .roles import Roles
from .wording import listed
from .writing import number, text


class Converter:
    """One attempt to write an SBML model as a model file.

    Args:
        content: The model.
        start: Value of everything at time 0.
        roles: What becomes of everything.
        units: Whether units are carried over; otherwise everything is a plain number, and rates are
            multiplied by a parameter that says how long the time unit of the file is.

    Attributes:
        formulas: Its formulas for a model file.
        draft: The entries; texts about the whole are left to others.
        book: Names given to ids.

    Raises:
        UnitProblem: Units were asked for, and some are missing or unknown.
    """

    def __init__(self, content: Content, start: Mapping[str, float], roles: Roles, *, units: bool):
        self.content, self.start, self.with_units = content, start, units
        self.roles = roles
        self.book = NameBook()
        self.draft = Draft()
        self.formulas = Formulas(content, start, roles, units=units)
        self._build()

    def _build(self) -> None:
        c, roles = self.content, self.roles
        formulas: dict[str, Node] = {}
        made = self.formulas
        laws = {r.id: made.rate(r) for r in c.reactions.values()}
        inside = [*c.rules.values(), *c.rates.values(), *laws.values()]
        mentioned = names_in([*inside, *(n for e in c.events for n in (e.trigger, *e.sets.values()))])
        made.require_units([*roles.populations, *sorted(mentioned - set(roles.populations))])
        for id, node in (*c.rules.items(), *laws.items()):
            place = c.reactions[id].place if id in laws else c.things[id].place
            formulas[id] = made.ready(node, (f"{id}_number", place.words), made.unit(id))
        terms = {id: made.terms(id, mentioned) for id in roles.populations}
        events = []
        for e in c.events:
            when = made.ready(e.trigger, (f"{e.id}_when", f"the trigger of {e.place.words}"), None)
            sets = {
                id: made.ready(node, (f"{e.id}_{id}", f"what {e.place.words} sets '{id}' to"), made.unit(id))
                for id, node in e.sets.items()
            }
            events.append((e, when, sets))
        rates = [n for of in terms.values() for n in of.values()]
        shown = names_in([*rates, *(n for _, when, sets in events for n in (when, *sets.values()))])
        used = shown | names_in(formulas.values())
        self._name(used, formulas)
        self._parameters(used)
        for id in roles.inputs:
            self._input(c.things[id])
        for id, node in formulas.items():
            self._quantity(id, node, report=id not in used)
        for id in roles.populations:
            self._population(c.things[id], terms[id])
        for e, when, sets in events:
            pairs = {self.book(id): self._text(node) for id, node in sets.items()}
            self.draft.events.append(
                draft.Event(self.book(f"event {e.id}"), self._text(when), pairs, e.label)
            )
        self._notes(used)

    def _text(self, node: Node) -> str:
        return text(node, self.book)

    # ---------------------------------------------------------------- entries
    def _name(self, used: set[str], formulas: Mapping[str, Node]) -> None:
        c, roles = self.content, self.roles
        kept = {*used, *formulas, *roles.populations, *roles.inputs} - {TIME.id, PER_TIME.id}
        kept -= set(self.formulas.numbers)
        self.book.keep(id for id in (*c.things, *c.reactions) if id in kept and ":" not in id)
        locals_ = [id.split(":") for id in c.things if id in kept and ":" in id]
        for reaction, own in locals_:
            alone = [other for _, other in locals_].count(own) == 1
            self.book.local(f"{reaction}:{own}", own, reaction, alone=alone)
        self.book.fixed(TIME.id, "t")
        if not self.with_units:
            self.book.new(PER_TIME.id, "per_time")
        for id, (_, _, (wish, _)) in self.formulas.numbers.items():
            self.book.new(id, wish)
        for e in c.events:
            self.book.new(f"event {e.id}", e.id)

    def _value(self, id: str) -> tuple[str, str]:
        """Value at the start with its unit, and a remark on the unit."""
        u = self.formulas.unit(id)
        if not self.with_units:
            return number(_tidy(self.start[id])), _remark(self.content.things[id])
        assert u is not None
        return _with_unit(self.start[id], u), ""

    def _parameters(self, used: set[str]) -> None:
        for id in self.roles.constants:
            thing = self.content.things[id]
            if id not in used:
                continue
            value, remark = self._value(id)
            source = "SBML"
            if thing.computed and thing.start is not None:
                source += f", computed as {text(thing.start, _plain_name)}"
            self.draft.parameters.append(
                draft.Parameter(self.book(id), value, _meaning(thing), source, remark)
            )
        for id, (value_, unit, (_, words)) in self.formulas.numbers.items():
            entry = draft.Parameter(self.book(id), _with_unit(value_, unit), f"number in {words}", "SBML")
            self.draft.parameters.append(entry)
        if PER_TIME.id in used:
            self.draft.parameters.append(self._per_time())

    def _per_time(self) -> draft.Parameter:
        t = self.formulas.time
        said = is_time(self.content.time_unit)
        return draft.Parameter(
            self.book(PER_TIME.id),
            _with_unit(1.0, Declared() / t),
            "one over the time unit of the SBML file",
            "SBML" if said else "assumed, the SBML file gives no unit of time",
        )

    def _input(self, thing: Thing) -> None:
        u = self.formulas.unit(thing.id)
        value = self.start[thing.id] * (u.factor if u else 1.0)
        self.draft.inputs.append(
            draft.Input(
                self.book(thing.id),
                u.text if u else "1",
                number(value),
                thing.label,
                self.roles.input_signed(thing.id),
                "" if u else _remark(thing),
            )  # fmt: skip
        )

    def _quantity(self, id: str, node: Node, report: bool) -> None:
        c = self.content
        u = self.formulas.unit(id)
        name = self.book(id)
        if id in c.reactions:
            r = c.reactions[id]
            meaning = r.equation if r.label == id else f"{r.label}: {r.equation}"
            if id in self.formulas.per_volume:
                meaning += ", per volume"
        else:
            label = c.things[id].label
            meaning = label if report or label != name else ""
        unit = u.text if u else "1" if report else ""
        self.draft.quantities.append(draft.Quantity(name, self._text(node), unit, meaning, report))

    def _population(self, thing: Thing, terms: Mapping[str, Node]) -> None:
        u = self.formulas.unit(thing.id)
        value, remark = self._value(thing.id)
        size = float(f"{self.roles.scale[thing.id]:.3g}")
        self.draft.populations.append(
            draft.Population(
                self.book(thing.id),
                thing.label,
                u.text if u else "1",
                value,
                _with_unit(size, u) if u else number(size),
                thing.id in self.roles.signed,
                {k if k == "change" else self.book(k): self._text(n) for k, n in terms.items()},
                remark,
            )  # fmt: skip
        )

    def _notes(self, used: set[str]) -> None:
        c, notes = self.content, self.draft.notes
        notes += c.notes
        if self.book.changed:
            pairs = [f"{id} is {name}" for id, name in self.book.changed.items()]
            notes.append(f"names that model files cannot have were changed: {', '.join(pairs)}")
        for id, value in self.formulas.written_out.items():
            words = c.things[id].place.words
            notes.append(f"{words} is an exponent and was written into the formulas as {number(value)}")
        empty = [f"'{id}'" for id in self.roles.populations if not self.start[id]]
        if empty:
            notes.append(
                f"{listed(empty, 10)} {'starts' if len(empty) == 1 else 'start'} at 0, so the typical "
                "magnitude (scale) is a guess; errors are measured against it"
            )
        unused = [
            f"{c.things[id].place.words}" for id in self.roles.constants
            if id not in (*used, *self.formulas.written_out) and c.things[id].kind != "stoichiometry"
        ]  # fmt: skip
        sizes = {t.compartment for t in c.things.values()}
        told = [w for w in unused if w.startswith(("species", "parameter"))]
        if told:
            notes.append(f"used nowhere and left out: {listed(told, 10)}")
        dropped = [id for id in self.roles.constants if id in sizes and id not in used]
        for id in dropped:
            if self.start[id] != 1:
                notes.append(
                    f"the size of compartment '{id}' ({number(self.start[id])}) drops out of all rates"
                )


def _with_unit(value: float, u: Declared) -> str:
    value = _tidy(value * u.factor)
    return number(value) if u.text == "1" else f"{number(value)} {u.text}"


def _tidy(value: float) -> float:
    """0.3 for 0.30000000000000004."""
    short = float(f"{value:.15g}")
    return short if abs(short - value) <= 5e-16 * abs(value) else value


def _remark(thing: Thing) -> str:
    if thing.unit is None or (thing.unit.plain and thing.unit.factor == 1):
        return ""
    return f"{thing.unit} in the SBML file"


def _meaning(thing: Thing) -> str:
    if thing.kind == "compartment":
        return f"size of compartment {thing.label}"
    if thing.kind == "species":
        return f"{thing.label}, constant"
    return f"{thing.label} in {thing.id.split(':')[0]}" if thing.kind == "local parameter" else thing.label


def _plain_name(id: str) -> str:
    return "time" if id == TIME.id else id.split(":")[-1]
