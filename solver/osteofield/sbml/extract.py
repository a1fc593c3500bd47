# SPDX-License-Identifier: LGPL-3.0-or-later
"""Taking an SBML model apart: everything that can be carried over, and every element that cannot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import Problem
from .content import Content, Event, Kind, Reaction, Thing
from .declared import Declared, Units
from .formula import TIME, Apply, Name, Node, Number, apply, names
from .mathml import MathReader, Place
from .package import libsbml
from .source import Source
from .wording import listed
from .writing import number


def extract(source: Source) -> tuple[Content, list[Problem]]:
    """The content of an SBML file, and everything in it that is not supported."""
    x = _Extraction(source)
    x.run()
    return x.content, [*source.problems, *x.math.problems]


class _Extraction:
    def __init__(self, source: Source):
        document = source.document
        self.model = m = document.getModel()
        self.math = MathReader(source.file, m)
        self.units = Units(m)
        self.content = Content(
            id=m.getId(),
            name=m.getName() or m.getId() or source.file.stem,
            edition=f"SBML Level {document.getLevel()} Version {document.getVersion()}",
            references=tuple(_references(m)),
            time_unit=self.units.time,
            extent_unit=self.units.extent,
            notes=list(source.notes),
        )

    def run(self) -> None:
        self.conversion(self.model, "model", self.model)
        self.compartments()
        self.species()
        for p in _each(self.model, "Parameter"):
            place = Place(f"parameter '{p.getId()}'", p.getLine(), f"parameter {p.getId()}")
            self.thing(p, "parameter", place, p.getId(), self.value(p), p.getUnits())
        self.reactions()
        self.rules()
        self.initial_assignments()
        self.events()
        if n := self.model.getNumConstraints():
            what = "constraint, which only reports" if n == 1 else "constraints, which only report"
            self.content.notes.append(f"{n} {what} on a simulation: left out")
        self.numbers()

    def say(self, place: Place, message: str) -> None:
        self.math.say(place, message)

    def thing(
        self, element: Any, kind: Kind, place: Place, id: str, start: Node | None, reference: str
    ) -> Thing:
        made = Thing(
            id, kind, element.getName() or element.getId(), place, start,
            unit=self.units.get(reference), unit_reference=reference,
        )  # fmt: skip
        self.content.things[id] = made
        return made

    @staticmethod
    def value(element: Any) -> Node | None:
        return Number(element.getValue()) if element.isSetValue() else None

    def conversion(self, element: Any, words: str, at: Any) -> None:
        if self.model.getLevel() > 2 and element.isSetConversionFactor():
            self.say(
                Place(words, at.getLine(), words),
                f"conversionFactor of {words} is not supported. Write the factor into the stoichiometries or "
                "the kinetic laws.",
            )

    def compartments(self) -> None:
        empty = []
        for c in _each(self.model, "Compartment"):
            id = c.getId()
            place = Place(f"compartment '{id}'", c.getLine(), f"compartment {id}")
            start = Number(c.getSize()) if c.isSetSize() else None
            made = self.thing(c, "compartment", place, id, start, c.getUnits())
            made.unit = self.units.compartment(c)
            if start is None and c.getSpatialDimensionsAsDouble() > 0:
                made.start = Number(1.0)
                if not self.model.getInitialAssignmentBySymbol(id):
                    empty.append(place.words)
        if empty:
            self.content.notes.append(f"no size is given for {listed(empty, 10)}; 1 was assumed")

    def species(self) -> None:
        for s in _each(self.model, "Species"):
            id, home = s.getId(), s.getCompartment()
            place = Place(f"species '{id}'", s.getLine(), f"species {id}")
            self.conversion(s, place.words, s)
            compartment = self.model.getCompartment(home)
            made = self.thing(s, "species", place, id, None, s.getSubstanceUnits())
            made.compartment, made.boundary = home, s.getBoundaryCondition()
            made.amount = s.getHasOnlySubstanceUnits() or compartment.getSpatialDimensionsAsDouble() == 0
            made.unit = self.units.substance_of(s)
            size = self.content.things[home].unit
            if not made.amount:
                made.unit = made.unit / size if made.unit and size else None
            if s.isSetInitialAmount():
                amount = Number(s.getInitialAmount())
                made.start = amount if made.amount else apply("/", amount, Name(home))
            elif s.isSetInitialConcentration():
                concentration = Number(s.getInitialConcentration())
                made.start = apply("*", concentration, Name(home)) if made.amount else concentration

    def reactions(self) -> None:
        for r in _each(self.model, "Reaction"):
            id = r.getId()
            place = Place(f"reaction '{id}'", r.getLine(), f"reaction {id}")
            if r.isSetFast() and r.getFast():
                self.say(
                    place,
                    f'fast="true" of {place.words} is not supported. Give the reaction a fast rate, or '
                    "replace it by an assignment rule for its equilibrium.",
                )
            changes: list[tuple[str, Node]] = []
            for sign, side in ((-1, "Reactant"), (1, "Product")):
                for ref in _each(r, side):
                    coefficient = self.stoichiometry(ref, place)
                    if sign < 0:
                        coefficient = apply("neg", coefficient)
                    species = self.content.things.get(ref.getSpecies())
                    if species and not species.boundary:
                        changes.append((ref.getSpecies(), coefficient))
            law = r.getKineticLaw()
            node: Node = Number(0.0)
            if law is None:
                self.say(
                    place,
                    f"{place.words} has no <kineticLaw>, so its rate is not known. Add one, or remove the "
                    "reaction.",
                )
            else:
                at = Place(f"the <kineticLaw> of {place.words}", law.getLine(), place.key)
                node = self.math.check(self.math.read(law, at, self.locals(id, law)), at)
            equation = f"{_side(r, 'Reactant')} {'<->' if r.getReversible() else '->'} {_side(r, 'Product')}"
            label = r.getName() or id
            self.content.reactions[id] = Reaction(id, label, place, node, tuple(changes), equation.strip())

    def locals(self, reaction: str, law: Any) -> dict[str, Node]:
        out: dict[str, Node] = {}
        for p in _each(law, "LocalParameter" if self.model.getLevel() > 2 else "Parameter"):
            id = f"{reaction}:{p.getId()}"
            place = Place(
                f"parameter '{p.getId()}' of reaction '{reaction}'", p.getLine(), f"reaction {reaction}"
            )
            self.thing(p, "local parameter", place, id, self.value(p), p.getUnits())
            out[p.getId()] = Name(id)
        return out

    def stoichiometry(self, ref: Any, reaction: Place) -> Node:
        species = ref.getSpecies()
        place = Place(
            f"the <speciesReference> of '{species}' in {reaction.words}", ref.getLine(), reaction.key
        )
        if ref.isSetStoichiometryMath():
            self.say(
                place,
                f"<stoichiometryMath> in {place.words} is not supported: stoichiometries must be numbers. "
                "Write the number as the attribute stoichiometry.",
            )
            return Number(1.0)
        value = ref.getStoichiometry() / ref.getDenominator()
        assigned = ref.getId() and self.model.getInitialAssignmentBySymbol(ref.getId())
        if self.model.getLevel() > 2 and not ref.isSetStoichiometry():
            value = 1.0
            if not assigned:
                self.content.notes.append(
                    f"the stoichiometry of '{species}' in {reaction.words} is not given; 1 was assumed"
                )
        if ref.getId() and self.model.getLevel() > 2:
            self.thing(ref, "stoichiometry", place, ref.getId(), Number(value), "").unit = Declared()
            return Name(ref.getId())
        return Number(value)

    def rules(self) -> None:
        for k in range(self.model.getNumRules()):
            rule = self.model.getRule(k)
            element = f"<{rule.getElementName()}>"
            if rule.isAlgebraic():
                self.say(
                    Place(element, rule.getLine(), "algebraicRule"),
                    f"{element} is not supported. Solve it for one of its variables and write that as an "
                    "<assignmentRule>.",
                )
                continue
            id = rule.getVariable()
            place = Place(f"the {element} for '{id}'", rule.getLine(), f"{rule.getElementName()} {id}")
            node = self.math.check(self.math.read(rule, place), place)
            if self.may_change(id, place, element):
                (self.content.rules if rule.isAssignment() else self.content.rates)[id] = node

    def may_change(self, id: str, place: Place, element: str) -> bool:
        thing = self.content.things.get(id)
        if thing is None:
            self.say(place, f"{element} is about '{id}', which this file does not have. Remove it.")
        elif thing.kind == "compartment":
            self.say(
                place,
                f"{element} changes the compartment '{id}', which is not supported: compartments have a "
                "constant size. Keep it constant, and count its species as amounts if need be.",
            )
        elif thing.kind == "stoichiometry":
            self.say(
                place,
                f"{element} changes the stoichiometry '{id}', which is not supported: stoichiometries must "
                "be numbers. Split the reaction in two, each with its own rate.",
            )
        else:
            return True
        return False

    def initial_assignments(self) -> None:
        for a in _each(self.model, "InitialAssignment"):
            id = a.getSymbol()
            place = Place(f"the <initialAssignment> for '{id}'", a.getLine(), f"initialAssignment {id}")
            node = self.math.read(a, place)
            if id in self.content.things:
                self.content.things[id].start = node
                self.content.things[id].computed = True

    def events(self) -> None:
        for k, e in enumerate(_each(self.model, "Event"), 1):
            id = e.getId() or f"event_{k}"
            place = Place(f"event '{id}'", e.getLine(), f"event {id}")
            if e.isSetDelay():
                self.say(
                    Place(place.words, e.getDelay().getLine(), place.key),
                    f"<delay> of {place.words} is not supported: events happen when their trigger turns "
                    "true. Put the delay into the trigger if it depends on time only, else remove it.",
                )
            if self.model.getLevel() > 2 and e.isSetPriority():
                self.say(
                    Place(place.words, e.getPriority().getLine(), place.key),
                    f"<priority> of {place.words} is not supported: events that happen together all see the "
                    "values before. Join them in one event, or let one happen a little later.",
                )
            trigger: Node = Apply("false", ())
            true_before = True
            if e.isSetTrigger():
                t = e.getTrigger()
                at = Place(f"the <trigger> of {place.words}", t.getLine(), place.key)
                trigger = _from_then_on(self.math.check(self.math.read(t, at), at))
                true_before = self.model.getLevel() < 3 or not t.isSetInitialValue() or t.getInitialValue()
            sets: dict[str, Node] = {}
            for a in _each(e, "EventAssignment"):
                element = f"<eventAssignment> of {place.words}"
                at = Place(f"the {element} for '{a.getVariable()}'", a.getLine(), place.key)
                node = self.math.check(self.math.read(a, at), at)
                if self.may_change(a.getVariable(), at, element):
                    sets[a.getVariable()] = node
            if sets:
                self.content.events.append(Event(id, e.getName(), place, trigger, true_before, sets))

    def numbers(self) -> None:
        """Units at numbers in formulas, and symbols that mean nothing."""
        c = self.content
        formulas = [*c.rules.values(), *c.rates.values(), *(r.law for r in c.reactions.values())]
        formulas += [e.trigger for e in c.events] + [n for e in c.events for n in e.sets.values()]
        for node in formulas:
            for part in _numbers(node):
                if part.unit and part.unit not in c.number_units:
                    c.number_units[part.unit] = self.units.get(part.unit)
        known = {*c.things, *c.reactions, "<time>"}
        for id in sorted(set().union(*map(names, formulas)) - known):
            at = Place("a formula", 0, f"symbol {id}")
            self.say(at, f"a formula uses '{id}', which this file does not define. Define it.")


def _from_then_on(trigger: Node) -> Node:
    """``time == 5`` turns true when ``time >= 5`` does, and round-off does not miss that."""
    if isinstance(trigger, Apply) and trigger.op == "==" and TIME in trigger.args:
        other = trigger.args[1 if trigger.args[0] == TIME else 0]
        return trigger if TIME.id in names(other) else Apply(">=", (TIME, other))
    return trigger


def _numbers(node: Node) -> Iterable[Number]:
    if isinstance(node, Number):
        yield node
    elif isinstance(node, Apply):
        for a in node.args:
            yield from _numbers(a)


def _each(parent: Any, what: str) -> Iterable[Any]:
    count = getattr(parent, "getNumSpecies" if what == "Species" else f"getNum{what}s")()
    get = getattr(parent, f"get{what}")
    return [get(k) for k in range(count)]


def _side(reaction: Any, side: str) -> str:
    parts = []
    for ref in _each(reaction, side):
        n = ref.getStoichiometry()
        parts.append(ref.getSpecies() if not n > 0 or n == 1 else f"{number(n)} {ref.getSpecies()}")
    return " + ".join(parts)


def _references(model: Any) -> Iterable[str]:
    """Publications that the annotation of a model names as its description."""
    sbml = libsbml()
    for k in range(model.getNumCVTerms()):
        term = model.getCVTerm(k)
        described = (
            term.getQualifierType() == sbml.MODEL_QUALIFIER
            and term.getModelQualifierType() == sbml.BQM_IS_DESCRIBED_BY
        ) or (
            term.getQualifierType() == sbml.BIOLOGICAL_QUALIFIER
            and term.getBiologicalQualifierType() == sbml.BQB_IS_DESCRIBED_BY
        )
        for n in range(term.getNumResources() if described else 0):
            yield term.getResourceURI(n)
