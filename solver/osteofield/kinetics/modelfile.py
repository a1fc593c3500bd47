# SPDX-License-Identifier: LGPL-3.0-or-later
"""A model file as typed data: what is written, before symbols are resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import InputError
from ..tomlsource import Key, TomlSource
from .event import Event, read_event
from .modelreader import ModelReader
from .parameters import Input, Parameter, Switch, read_input, read_parameter, read_switch
from .populations import PopulationEntry, read_population
from .quantities import Conserved, FieldEntry, Quantity, read_conserved, read_field, read_quantity
from .roles import Roles, read_roles
from .steady import Steady, read_steady


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


def read_model(source: TomlSource) -> ModelFile:
    """Read a parsed TOML file as a model.

    Raises:
        InputError: Every problem of form found: keys, types, units, formulas that cannot be read.
    """
    r = ModelReader(source)
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
    populations = {n: read_population(r, n, raw, at) for n, raw, at in r.entries("population")}
    model = ModelFile(
        source=source,
        name=r.text(top, "name", ()),
        title=r.text(top, "title", ()),
        description=r.text(top, "description", ()),
        sources=cites,
        parameters={n: read_parameter(r, n, raw, at, cites) for n, raw, at in r.entries("parameter")},
        switches={n: read_switch(r, n, raw, at, cites) for n, raw, at in r.entries("switch")},
        inputs={n: read_input(r, n, raw, at) for n, raw, at in r.entries("input")},
        quantities={n: read_quantity(r, n, raw, cites) for n, raw in r.table(top, "quantity").items()},
        fields={n: read_field(r, n, raw, at, cites) for n, raw, at in r.entries("field")},
        populations=populations,
        events={n: read_event(r, n, raw, at) for n, raw, at in r.entries("event")},
        conserved={n: read_conserved(r, n, raw, at) for n, raw, at in r.entries("conserved")},
        steady=read_steady(r, populations),
        roles=read_roles(r, populations),
    )
    if r.problems:
        raise InputError(r.problems)
    return model
