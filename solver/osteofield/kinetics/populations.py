# SPDX-License-Identifier: LGPL-3.0-or-later
"""What lives and moves in a model: ``[population]`` and the named rates under it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import did_you_mean
from ..tomlsource import Key
from ..units import Unit, unit
from .expression import Expression
from .modelreader import ModelReader
from .value import Value, is_number

Domain = Literal["marrow", "surface"]


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


def read_population(r: ModelReader, name: str, raw: dict[str, Any], at: Key) -> PopulationEntry:
    """Read ``[population.NAME]``."""
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


def near(name: str, populations: Iterable[str]) -> str:
    """Suggestion for a name that no population has, to the end of the sentence."""
    return did_you_mean(name, populations, otherwise="populations")
