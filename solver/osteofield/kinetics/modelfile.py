# SPDX-License-Identifier: LGPL-3.0-or-later
"""A model file as typed data: what is written, before symbols are resolved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import InputError, Problem, did_you_mean
from ..tomlsource import Key, TomlSource
from ..units import Unit, UnitError, describe, unit
from .expression import FUNCTIONS, Expression, ExpressionError, parse

Domain = Literal["marrow", "surface"]

SYMBOLS: Mapping[str, tuple[str, str]] = {
    "t": ("day", "time"),
    "x": ("um", "position"),
    "y": ("um", "position"),
    "z": ("um", "position"),
    "sigma0": ("1/um", "bone surface per marrow volume of the sample"),
    "d0": ("um", "bone volume per bone surface of the sample"),
}
"""Symbols that every formula may use, with unit and meaning."""

_NUMBER = re.compile(
    r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\s+([A-Za-z%µμ\d].*)|([A-Za-z%µμ].*)|\s*)$", re.S
)
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")


@dataclass(frozen=True)
class Value:
    """A number with its unit: `number` in internal units, `text` as written."""

    number: float
    unit: Unit
    text: str


@dataclass(frozen=True)
class Parameter:
    """A number of the model: where it comes from, and named alternatives.

    Attributes:
        in_health: A case that changes it changes the healthy state too (anatomy, species); otherwise
            such a change is a disease that starts at day 0, after homeostasis.
    """

    name: str
    value: Value
    meaning: str
    source: str
    options: Mapping[str, Value] = field(default_factory=dict)
    in_health: bool = False


@dataclass(frozen=True)
class Switch:
    """Something that is on or off; 1 or 0 in formulas. `in_health` as for a `Parameter`."""

    name: str
    on: bool
    meaning: str
    source: str
    in_health: bool = False


@dataclass(frozen=True)
class Input:
    """Something set from outside over time, such as a drug level.

    Attributes:
        unit: Text of the unit.
        factor: That unit in internal units.
        default: Value without therapy, internal units.
        signed: Whether a therapy may set it below zero.
    """

    name: str
    unit: str
    factor: float
    default: float
    meaning: str
    signed: bool = False


@dataclass(frozen=True)
class Quantity:
    """A named intermediate result; `report` marks one that is there to be looked at.

    Attributes:
        part_of: Marrow population of which it is a part, such as what is bound of it.
    """

    name: str
    expression: Expression
    unit: Unit | None
    meaning: str
    source: str
    report: bool
    key: Key
    part_of: str | None = None


@dataclass(frozen=True)
class FieldEntry:
    """A given value per surface point: `default` without a sample, or taken at homeostasis."""

    name: str
    unit: Unit
    at_homeostasis: Expression | None
    default: Expression | None
    meaning: str
    source: str


@dataclass(frozen=True)
class Term:
    """One named rate of one population."""

    population: str
    kind: Literal["volume", "surface"]
    name: str
    expression: Expression
    key: Key


@dataclass(frozen=True)
class PopulationEntry:
    """What a model file says of one population."""

    name: str
    label: str
    domain: Domain
    unit: Unit
    diffusivity: Value | Expression | None
    initial: Value | Expression | None
    scale: Value
    signed: bool
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Event:
    """Something that happens at the instant at which a condition turns from false to true.

    Attributes:
        when: The condition; populations stand for their mean over the sample.
        set: New value of populations (formula at each point) and inputs (formula for the sample).
    """

    name: str
    when: Expression
    set: Mapping[str, Expression]
    meaning: str


@dataclass(frozen=True)
class Conserved:
    """A claim: the rates leave this sum of populations unchanged."""

    name: str
    total: Expression
    meaning: str


@dataclass(frozen=True)
class Steady:
    """How the healthy state is found: populations held, guesses, and the starred quantities."""

    fixed: Mapping[str, Value]
    guess: Mapping[str, Value]
    values: Mapping[str, Expression]


@dataclass(frozen=True)
class Roles:
    """Which populations mean what to a simulation."""

    depth: str | None = None
    inoculum: str | None = None
    bacteria: tuple[str, ...] = ()
    cleared_below: float | None = None
    show: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelFile:
    """A whole model file, in the order it is written."""

    source: TomlSource
    name: str
    title: str
    description: str
    sources: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    switches: Mapping[str, Switch]
    inputs: Mapping[str, Input]
    quantities: Mapping[str, Quantity]
    fields: Mapping[str, FieldEntry]
    populations: Mapping[str, PopulationEntry]
    events: Mapping[str, Event]
    conserved: Mapping[str, Conserved]
    steady: Steady | None
    roles: Roles

    def keys_of_names(self) -> dict[str, Key]:
        """Every name the file declares, with its place."""
        out: dict[str, Key] = {}
        for table, names in (
            ("parameter", self.parameters), ("switch", self.switches), ("input", self.inputs),
            ("field", self.fields), ("population", self.populations),
        ):  # fmt: skip
            out.update({n: (table, n) for n in names})
        out.update({n: q.key for n, q in self.quantities.items()})
        if self.steady:
            out.update({n: ("steady", "value", n) for n in self.steady.values})
        return out


def read_value(raw: object) -> Value:
    """A number (a plain one) or text such as ``"20 um^2/s"`` as a `Value`.

    Raises:
        UnitError: It is no number, or its unit is unknown.
    """
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise UnitError(f"{raw!r} is not a number with a unit; write for example '0.5' or '0.5 1/day'")
    if isinstance(raw, int | float):
        return Value(float(raw), unit("1"), repr(raw))
    m = _NUMBER.match(raw)
    if not m:
        raise UnitError(f"'{raw}' is not a number with a unit; write for example '0.5' or '0.5 1/day'")
    u = unit((m[2] or m[3] or "").strip() or "1")
    return Value(float(m[1]) * u.factor, u, raw.strip())


def is_number(raw: object) -> bool:
    """Whether a value is written as a number with or without unit, not as a formula."""
    return isinstance(raw, int | float) or (isinstance(raw, str) and bool(_NUMBER.match(raw)))


class _Reader:
    """Takes a TOML tree apart and collects every problem on the way."""

    def __init__(self, source: TomlSource):
        self.source = source
        self.problems: list[Problem] = []

    def say(self, key: Key, message: str) -> None:
        self.problems.append(self.source.problem(key, message))

    def table(self, parent: Mapping[str, Any], name: str, at: Key = ()) -> dict[str, Any]:
        raw = parent.get(name, {})
        if isinstance(raw, dict):
            return raw
        self.say((*at, name), f"a table is needed here, not {raw!r}.")
        return {}

    def entries(self, name: str) -> Iterable[tuple[str, dict[str, Any], Key]]:
        for key, raw in self.table(self.source.data, name).items():
            at: Key = (name, key)
            self.good_name(key, at)
            if isinstance(raw, dict):
                yield key, raw, at
            else:
                self.say(at, f"a table [{name}.{key}] is needed here, not {raw!r}.")

    def good_name(self, name: str, at: Key) -> None:
        if not _NAME.match(name):
            self.say(at, f"'{name}' is not a name: letters, digits and _ only, starting with a letter.")
        elif name in FUNCTIONS or name in SYMBOLS:
            what = "a function" if name in FUNCTIONS else f"the {SYMBOLS[name][1]}"
            self.say(at, f"'{name}' is {what} in formulas; choose another name.")
        else:
            try:
                parse(name)
            except ExpressionError:
                self.say(at, f"'{name}' is a word reserved by the formula reader; choose another name.")

    def known(
        self, raw: Mapping[str, Any], at: Key, allowed: Iterable[str], needed: Iterable[str] = ()
    ) -> None:
        allowed = tuple(allowed)
        for key in raw:
            if key not in allowed:
                self.say(
                    (*at, key), f"there is no such key here{did_you_mean(key, allowed, otherwise='allowed')}"
                )
        for key in needed:
            if key not in raw:
                self.say((*at, key), f"the key '{key}' is missing.")

    def text(self, raw: Mapping[str, Any], key: str, at: Key, default: str = "") -> str:
        v = raw.get(key, default)
        if isinstance(v, str):
            return v.strip()
        self.say((*at, key), f"text in quotes is needed here, not {v!r}.")
        return default

    def flag(self, raw: Mapping[str, Any], key: str, at: Key) -> bool:
        v = raw.get(key, False)
        if not isinstance(v, bool):
            self.say((*at, key), f"true or false is needed here, not {v!r}.")
        return v is True

    def value(self, raw: object, at: Key, like: Unit | None = None) -> Value:
        try:
            v = read_value(raw)
        except UnitError as e:
            self.say(at, f"{e}.")
            return Value(1.0, like or unit("1"), "1")
        if (
            like is not None
            and not v.unit.same_dimension(like)
            and (v.number != 0 or not v.unit.dimensionless)
        ):
            self.say(at, f"'{v.text}' is {describe(v.unit)}, but {describe(like)} is needed here.")
        return v

    def unit(self, raw: Mapping[str, Any], at: Key) -> Unit:
        text = self.text(raw, "unit", at, "1")
        try:
            return unit(text)
        except UnitError as e:
            self.say((*at, "unit"), f"{e}.")
            return unit("1")

    def expression(self, raw: object, at: Key, *, condition: bool = False) -> Expression:
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            raw = repr(raw)
        if not isinstance(raw, str):
            what = "condition" if condition else "formula"
            self.say(at, f"a {what} in quotes is needed here, not {raw!r}.")
            return parse("0")
        try:
            return parse(raw, condition=condition)
        except ExpressionError as e:
            self.say(at, str(e))
            return parse("0")

    def cited(
        self, raw: Mapping[str, Any], at: Key, sources: Mapping[str, str], *, needed: bool = True
    ) -> str:
        if "source" not in raw:
            if needed:
                self.say((*at, "source"), "the key 'source' is missing: name one of [sources], or 'assumed'.")
            return ""
        text = self.text(raw, "source", at)
        first = re.split(r"[\s,:;]", text, maxsplit=1)[0]
        if first not in sources and first != "assumed":
            hint = did_you_mean(first, [*sources, "assumed"], otherwise="sources")
            self.say((*at, "source"), f"'{first}' is not one of [sources] and not 'assumed'{hint}")
        return text


def read_model(source: TomlSource) -> ModelFile:
    """Read a parsed TOML file as a model.

    Raises:
        InputError: Every problem of form found: keys, types, units, formulas that cannot be read.
    """
    r = _Reader(source)
    top = source.data
    tables = (
        "sources", "parameter", "switch", "input", "quantity", "steady", "field", "population", "event",
        "conserved", "roles",
    )  # fmt: skip
    texts = ("name", "title", "description")
    r.known(top, (), ("format", *texts, *tables), ("format", "name", "title", "population"))
    if top.get("format", 1) != 1:
        r.say(("format",), f"this file has format {top['format']!r}, but this osteofield reads format 1.")
    cites = {k: r.text(r.table(top, "sources"), k, ("sources",)) for k in r.table(top, "sources")}
    populations = {n: _population(r, n, raw, at) for n, raw, at in r.entries("population")}
    model = ModelFile(
        source=source,
        name=r.text(top, "name", ()),
        title=r.text(top, "title", ()),
        description=r.text(top, "description", ()),
        sources=cites,
        parameters={n: _parameter(r, n, raw, at, cites) for n, raw, at in r.entries("parameter")},
        switches={n: _switch(r, n, raw, at, cites) for n, raw, at in r.entries("switch")},
        inputs={n: _input(r, n, raw, at) for n, raw, at in r.entries("input")},
        quantities={n: _quantity(r, n, raw, cites) for n, raw in r.table(top, "quantity").items()},
        fields={n: _field(r, n, raw, at, cites) for n, raw, at in r.entries("field")},
        populations=populations,
        events={n: _event(r, n, raw, at) for n, raw, at in r.entries("event")},
        conserved={n: _conserved(r, n, raw, at) for n, raw, at in r.entries("conserved")},
        steady=_steady(r, populations),
        roles=_roles(r, populations),
    )
    if r.problems:
        raise InputError(r.problems)
    return model


def _parameter(r: _Reader, name: str, raw: dict[str, Any], at: Key, cites: Mapping[str, str]) -> Parameter:
    r.known(raw, at, ("value", "meaning", "source", "options", "in_health"), ("value", "meaning"))
    value = r.value(raw.get("value", 1), (*at, "value"))
    options = {k: r.value(v, (*at, "options", k), value.unit) for k, v in r.table(raw, "options", at).items()}
    return Parameter(
        name,
        value,
        r.text(raw, "meaning", at),
        r.cited(raw, at, cites),
        options,
        r.flag(raw, "in_health", at),
    )


def _switch(r: _Reader, name: str, raw: dict[str, Any], at: Key, cites: Mapping[str, str]) -> Switch:
    r.known(raw, at, ("on", "meaning", "source", "in_health"), ("on", "meaning"))
    on, healthy = r.flag(raw, "on", at), r.flag(raw, "in_health", at)
    return Switch(name, on, r.text(raw, "meaning", at), r.cited(raw, at, cites), healthy)


def _input(r: _Reader, name: str, raw: dict[str, Any], at: Key) -> Input:
    r.known(raw, at, ("unit", "default", "signed", "meaning"), ("unit", "meaning"))
    u = r.unit(raw, at)
    default = raw.get("default", 0)
    number = (
        default * u.factor if type(default) in (int, float) else r.value(default, (*at, "default"), u).number
    )
    signed = r.flag(raw, "signed", at)
    return Input(name, u.text or "1", u.factor, float(number), r.text(raw, "meaning", at), signed)


def _quantity(r: _Reader, name: str, raw: object, cites: Mapping[str, str]) -> Quantity:
    at: Key = ("quantity", name)
    r.good_name(name, at)
    if not isinstance(raw, dict):
        return Quantity(name, r.expression(raw, at), None, "", "", False, at)
    r.known(raw, at, ("value", "unit", "meaning", "source", "report", "part_of"), ("value",))
    return Quantity(
        name,
        r.expression(raw.get("value", "0"), (*at, "value")),
        r.unit(raw, at) if "unit" in raw else None,
        r.text(raw, "meaning", at),
        r.cited(raw, at, cites, needed=False),
        r.flag(raw, "report", at) or "part_of" in raw,
        at,
        r.text(raw, "part_of", at) or None,
    )


def _field(r: _Reader, name: str, raw: dict[str, Any], at: Key, cites: Mapping[str, str]) -> FieldEntry:
    r.known(raw, at, ("domain", "unit", "at_homeostasis", "default", "meaning", "source"), ("unit",))
    if raw.get("domain", "surface") != "surface":
        r.say((*at, "domain"), f"only 'surface' is possible here, not {raw['domain']!r}.")
    if ("at_homeostasis" in raw) == ("default" in raw):
        r.say(at, "exactly one of 'at_homeostasis' and 'default' (value without a sample) is needed.")
    at_home = (
        r.expression(raw["at_homeostasis"], (*at, "at_homeostasis")) if "at_homeostasis" in raw else None
    )
    default = r.expression(raw["default"], (*at, "default")) if "default" in raw else None
    return FieldEntry(
        name,
        r.unit(raw, at),
        at_home,
        default,
        r.text(raw, "meaning", at),
        r.cited(raw, at, cites, needed=False),
    )


def _population(r: _Reader, name: str, raw: dict[str, Any], at: Key) -> PopulationEntry:
    r.known(
        raw, at,
        ("label", "domain", "unit", "diffusivity", "initial", "scale", "signed", "volume", "surface"),
        ("domain", "unit", "scale"),
    )  # fmt: skip
    domain = raw.get("domain", "marrow")
    if domain not in ("marrow", "surface"):
        r.say((*at, "domain"), f"'marrow' or 'surface' is needed here, not {domain!r}.")
        domain = "marrow"
    u = r.unit(raw, at)
    diffusivity: Value | Expression | None = None
    if "diffusivity" in raw:
        d, place = raw["diffusivity"], (*at, "diffusivity")
        number = is_number(d)
        diffusivity = r.value(d, place, unit("um^2/day")) if number else r.expression(d, place)
        if number and isinstance(diffusivity, Value) and diffusivity.number < 0:
            r.say(place, f"a diffusivity cannot be negative: {d}.")
        if domain == "surface":
            r.say(place, "a surface population does not diffuse; remove this key.")
            diffusivity = None
    initial: Value | Expression | None = None
    if "initial" in raw:
        place = (*at, "initial")
        initial = (
            r.value(raw["initial"], place, u)
            if is_number(raw["initial"])
            else r.expression(raw["initial"], place)
        )
    scale = r.value(raw.get("scale", f"1 {u.text or ''}"), (*at, "scale"), u)
    if not scale.number > 0:
        r.say((*at, "scale"), "the typical magnitude must be positive.")
    terms: list[Term] = []
    for kind in ("volume", "surface"):
        for k, v in r.table(raw, kind, at).items():
            place = (*at, kind, k)
            if kind == "volume" and domain == "surface":
                r.say(place, "a surface population has no volume terms; write it under 'surface'.")
            else:
                terms.append(Term(name, kind, k, r.expression(v, place), place))  # type: ignore[arg-type]
    return PopulationEntry(
        name, r.text(raw, "label", at) or name, domain, u, diffusivity, initial, scale,
        r.flag(raw, "signed", at), tuple(terms),
    )  # fmt: skip


def _event(r: _Reader, name: str, raw: dict[str, Any], at: Key) -> Event:
    r.known(raw, at, ("when", "set", "meaning"), ("when", "set"))
    when = r.expression(raw.get("when", "t > 0"), (*at, "when"), condition=True)
    changes = r.table(raw, "set", at)
    if not changes and "set" in raw:
        r.say((*at, "set"), "an event must set at least one population or input.")
    return Event(
        name,
        when,
        {k: r.expression(v, (*at, "set", k)) for k, v in changes.items()},
        r.text(raw, "meaning", at),
    )


def _conserved(r: _Reader, name: str, raw: dict[str, Any], at: Key) -> Conserved:
    r.known(raw, at, ("total", "meaning"), ("total",))
    return Conserved(name, r.expression(raw.get("total", "0"), (*at, "total")), r.text(raw, "meaning", at))


def _near(name: str, populations: Iterable[str]) -> str:
    return did_you_mean(name, populations, otherwise="populations")


def _of_population(
    r: _Reader, raw: dict[str, Any], at: Key, populations: Mapping[str, PopulationEntry]
) -> dict[str, Value]:
    out = {}
    for name, v in raw.items():
        if name in populations:
            out[name] = r.value(v, (*at, name), populations[name].unit)
        else:
            r.say((*at, name), f"there is no population '{name}'{_near(name, populations)}")
    return out


def _steady(r: _Reader, populations: Mapping[str, PopulationEntry]) -> Steady | None:
    if "steady" not in r.source.data:
        return None
    raw = r.table(r.source.data, "steady")
    r.known(raw, ("steady",), ("fixed", "guess", "value"))
    values = {}
    for name, v in r.table(raw, "value", ("steady",)).items():
        r.good_name(name, ("steady", "value", name))
        values[name] = r.expression(v, ("steady", "value", name))
    return Steady(
        _of_population(r, r.table(raw, "fixed", ("steady",)), ("steady", "fixed"), populations),
        _of_population(r, r.table(raw, "guess", ("steady",)), ("steady", "guess"), populations),
        values,
    )


def _roles(r: _Reader, populations: Mapping[str, PopulationEntry]) -> Roles:
    raw = r.table(r.source.data, "roles")
    r.known(raw, ("roles",), ("depth", "inoculum", "bacteria", "cleared_below", "show"))

    def one(key: str, domain: str | None = None) -> str | None:
        if key not in raw:
            return None
        name = r.text(raw, key, ("roles",))
        if name not in populations:
            r.say(("roles", key), f"there is no population '{name}'{_near(name, populations)}")
            return None
        if domain and populations[name].domain != domain:
            r.say(
                ("roles", key),
                f"'{name}' lives in the {populations[name].domain}, but a {domain} population is needed.",
            )
        return name

    def many(key: str) -> tuple[str, ...]:
        names = raw.get(key, [])
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            r.say(("roles", key), "a list of population names is needed here.")
            return ()
        for i, n in enumerate(names):
            if n not in populations:
                r.say(("roles", key, i), f"there is no population '{n}'{_near(n, populations)}")
        return tuple(names)

    depth = one("depth", "surface")
    if depth and not populations[depth].unit.same_dimension(unit("um")):
        r.say(("roles", "depth"), f"'{depth}' must be a length.")
    cleared = None
    if "cleared_below" in raw:
        cleared = r.value(raw["cleared_below"], ("roles", "cleared_below"), unit("CFU")).number
    return Roles(depth, one("inoculum", "marrow"), many("bacteria"), cleared, many("show"))
