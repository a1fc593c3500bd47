# SPDX-License-Identifier: LGPL-3.0-or-later
"""The whole way from an SBML file to the text of a model file that is known to be right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, Problem, in_order
from .content import Content
from .convert import Converter
from .draft import Draft
from .extract import extract
from .roles import Roles
from .source import open_source
from .start import start_values
from .unitfit import UnitProblem
from .verify import difference, load_text


@dataclass(frozen=True)
class Imported:
    """A model file made of an SBML file.

    Attributes:
        toml: Its text.
        edition: Such as ``SBML Level 3 Version 1``.
        units: Whether the units of the file were carried over.
        notes: What was changed, assumed or left out.
    """

    toml: str
    title: str
    edition: str
    units: bool
    populations: int
    rates: int
    events: int
    parameters: int
    notes: tuple[str, ...]


def import_sbml(file: Path) -> Imported:
    """Make a model file of an SBML file (Level 2 and 3, core).

    The result is loaded once, and its rates are held against those of the SBML file, before it is
    returned. Units are carried over if they are declared and fit together; otherwise everything is a
    plain number and the parameter ``per_time`` says how long the time unit is.

    Raises:
        InputError: python-libsbml is not installed, the file is missing or invalid, or uses what is not
            supported; every element is named, with its line.
    """
    source = open_source(file)
    content, problems = extract(source)
    if problems:
        raise InputError(in_order(problems))
    start = start_values(content, file)
    if not any((content.rates, content.by_reactions, content.set_by_events())):
        raise InputError(
            Problem("nothing in this model changes over time: there is nothing to import.", file)
        )
    roles = Roles(content, start)
    try:
        return _attempt(content, start, roles, file, units=True)
    except _Unfit as e:
        content.notes.append(
            f"every number is a plain one (unit 1) in the units of the SBML file, because {e}; the "
            "parameter per_time says how long its time unit is"
        )
        return _attempt(content, start, roles, file, units=False)


class _Unfit(Exception):
    """Units cannot be carried over; the message is a clause."""


def _attempt(content: Content, start: dict[str, float], roles: Roles, file: Path, *, units: bool) -> Imported:
    try:
        c = Converter(content, start, roles, units=units)
    except UnitProblem as e:
        raise _Unfit(str(e)) from None
    _describe(c.draft, content, file)
    toml = c.draft.toml()
    try:
        network = load_text(toml)
    except InputError as e:
        if units:
            raise _Unfit(f"its units do not fit together ({_reason(e)})") from None
        raise InputError([_translated(p, c, file) for p in e.problems]) from None
    wrong = difference(c, network)
    if wrong and units:
        raise _Unfit(f"its units do not fit together (with conversion {wrong})")
    if wrong:
        raise InputError(Problem(f"this model cannot be written as a model file: {wrong}.", file))
    d = c.draft
    return Imported(
        toml, d.title, content.edition, units, len(d.populations), sum(len(p.terms) for p in d.populations),
        len(d.events), len(d.parameters), tuple(d.notes),
    )  # fmt: skip


def _describe(d: Draft, content: Content, file: Path) -> None:
    d.name = content.id or file.stem
    d.title = content.name
    named = f"model '{content.id}'" if content.id else "a model without id"
    d.header = (
        f"Imported from {file.name} ({content.edition}, {named}) by osteofield models import.\n"
        "Every population lives in marrow and stays where it is. Where something diffuses, add for example\n"
        'diffusivity = "30 um^2/s"; what lives on bone gets domain = "surface", and its rates stand under\n'
        "surface instead of volume. docs/models.md explains all of it."
    )
    d.description = f"Imported from {file.name}, {content.edition}."
    d.source = ", ".join([content.name, *([content.id] if content.id not in ("", content.name) else [])])
    d.source += f" ({file.name}, {content.edition})"
    if content.references:
        d.source += "; described by " + ", ".join(content.references)


def _reason(e: InputError) -> str:
    first, rest = e.problems[0], len(e.problems) - 1
    said = first.message.rstrip(".")
    return f"{first.key}: {said}" + (f", and {rest} more" if rest else "")


def _translated(p: Problem, c: Converter, file: Path) -> Problem:
    """A problem of the model file as one of the SBML file."""
    name = (p.key or "").split(".")[1:2]
    ids = [id for id in (*c.content.things, *c.content.reactions) if name and c.book.knows(id) == name[0]]
    place = None
    if ids:
        things, reactions = c.content.things, c.content.reactions
        place = (things[ids[0]] if ids[0] in things else reactions[ids[0]]).place
    return Problem(p.message, file, place.line if place else None, place.key if place else p.key)
