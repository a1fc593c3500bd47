# SPDX-License-Identifier: LGPL-3.0-or-later
"""A model file in the making: entries as text, and the file that they make."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

_WIDTH = 110


@dataclass(frozen=True)
class Parameter:
    """A number: `value` with its unit as text; `remark` stands behind it as a comment."""

    name: str
    value: str
    meaning: str
    source: str
    remark: str = ""


@dataclass(frozen=True)
class Input:
    """A level that events set; `default` without unit, in `unit`."""

    name: str
    unit: str
    default: str
    meaning: str
    signed: bool
    remark: str = ""


@dataclass(frozen=True)
class Quantity:
    """A named formula; `unit` may be empty unless it is there to be looked at."""

    name: str
    value: str
    unit: str
    meaning: str
    report: bool


@dataclass(frozen=True)
class Population:
    """Something that changes over time, with its named rates."""

    name: str
    label: str
    unit: str
    initial: str
    scale: str
    signed: bool
    terms: Mapping[str, str]
    remark: str = ""


@dataclass(frozen=True)
class Event:
    """New values when a condition turns true."""

    name: str
    when: str
    sets: Mapping[str, str]
    meaning: str


@dataclass
class Draft:
    """All entries of a model file."""

    name: str = ""
    title: str = ""
    header: str = ""
    description: str = ""
    source: str = ""
    parameters: list[Parameter] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    quantities: list[Quantity] = field(default_factory=list)
    populations: list[Population] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def toml(self) -> str:
        """The model file."""
        lines = [*_comment(self.header), "format = 1"]
        lines += [f"name = {quoted(self.name)}", f"title = {quoted(self.title)}"]
        lines += ['description = """', *_paragraph(self.description)]
        for n in self.notes:
            lines += _paragraph(f"{n[:1].upper()}{n[1:]}.")
        lines += ['"""', "", "[sources]", f"SBML = {quoted(self.source)}"]
        if self.parameters:
            lines += _section("numbers")
        for p in self.parameters:
            lines += ["", f"[parameter.{p.name}]", f"value = {quoted(p.value)}{_behind(p.remark)}"]
            lines += [f"meaning = {quoted(p.meaning)}", f"source = {quoted(p.source)}"]
        if self.inputs:
            lines += _section("levels that events change")
        for i in self.inputs:
            lines += ["", f"[input.{i.name}]", f"unit = {quoted(i.unit)}{_behind(i.remark)}"]
            lines += [f"default = {i.default}", *(["signed = true"] if i.signed else [])]
            lines += [f"meaning = {quoted(i.meaning)}"]
        if self.quantities:
            lines += [*_section("rates of reactions, and other named results"), "", "[quantity]"]
        lines += [_quantity(q) for q in self.quantities]
        lines += _section("populations")
        for s in self.populations:
            lines += ["", *_population(s)]
        if self.events:
            lines += _section("events")
        for e in self.events:
            sets = ", ".join(f"{k} = {quoted(v)}" for k, v in e.sets.items())
            lines += ["", f"[event.{e.name}]", f"when = {quoted(e.when)}"]
            if len(sets) <= _WIDTH:
                lines += [f"set = {{ {sets} }}"]
            lines += [f"meaning = {quoted(e.meaning)}"] if e.meaning else []
            if len(sets) > _WIDTH:
                lines += [f"[event.{e.name}.set]", *(f"{k} = {quoted(v)}" for k, v in e.sets.items())]
        return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A basic string of TOML."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False).replace("\x7f", "\\u007f")


def _quantity(q: Quantity) -> str:
    if not (q.unit or q.meaning or q.report):
        return f"{q.name} = {quoted(q.value)}"
    parts = [f"value = {quoted(q.value)}"]
    parts += [f"unit = {quoted(q.unit)}"] if q.unit else []
    parts += [f"meaning = {quoted(q.meaning)}"] if q.meaning else []
    parts += ["report = true"] if q.report else []
    return f"{q.name} = {{ {', '.join(parts)} }}"


def _population(s: Population) -> list[str]:
    lines = [f"[population.{s.name}]"]
    if s.label != s.name:
        lines += [f"label = {quoted(s.label)}"]
    lines += ['domain = "marrow"', f"unit = {quoted(s.unit)}{_behind(s.remark)}"]
    lines += [f"initial = {quoted(s.initial)}", f"scale = {quoted(s.scale)}"]
    lines += ["signed = true"] if s.signed else []
    terms = [f"{k} = {quoted(v)}" for k, v in s.terms.items()]
    short = f"volume = {{ {', '.join(terms)} }}"
    if not terms:
        return lines
    return [*lines, short] if len(short) <= _WIDTH else [*lines, f"[population.{s.name}.volume]", *terms]


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for part in text.splitlines() for line in _wrapped(part)]


def _behind(remark: str) -> str:
    return f"  # {' '.join(remark.split())}" if remark else ""


def _section(title: str) -> list[str]:
    return ["", f"# ---------------------------------------------------------------- {title}"]


def _paragraph(text: str) -> list[str]:
    """Wrapped lines that may stand in a multi-line string."""
    escaped = quoted(text)[1:-1].replace('\\"', '"').replace('"""', '""\\"')
    return _wrapped(escaped)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False) or [""]
