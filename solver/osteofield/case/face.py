# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[[face]]`` tables: cytokines, drugs or a biofilm that come with a face of the sample box, or with an
implant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .. import units
from ..errors import InputError
from .drug import Drug, drug_file, read_drug
from .sample import SampleSpec
from .table import Table

IMPLANT = "implant"
SIDES = ("x-", "x+", "y-", "y+", "z-", "z+", IMPLANT)
FLUX = "pM um/day"


@dataclass(frozen=True)
class FaceSpec:
    """What a disease does at one face of the sample box, or at an implant, from day 0 on.

    Attributes:
        side: ``x-``, ``x+``, ``y-``, ..., or ``implant``.
        source: Population or drug to its flux into marrow through the face, internal units (pM um/day).
        source_text: The fluxes as written.
        start, stop: When the source flows, day.
        layer: Depth of the marrow at the face that `load` is put into at day 0, um; 0 for none.
        load: Marrow population to what is added there, internal units; `load_text` as written.
        releases: The drug files among the names of `source`.
    """

    side: str
    source: Mapping[str, float] = field(default_factory=dict)
    source_text: Mapping[str, str] = field(default_factory=dict)
    start: float = 0.0
    stop: float = math.inf
    layer: float = 0.0
    load: Mapping[str, float] = field(default_factory=dict)
    load_text: Mapping[str, str] = field(default_factory=dict)
    releases: Mapping[str, Drug] = field(default_factory=dict)


def read_face(table: Table, sample: SampleSpec, end: float) -> FaceSpec:
    """Read one face; problems are noted in the table.

    Args:
        table: One ``[[face]]``.
        sample: The sample of the case.
        end: Last time of the run, day.
    """
    side = table.choice("side", SIDES)
    dimension = sample.dimension
    if dimension == 0 and sample.well_mixed:
        table.problem(None, "a well-mixed sample has no faces; use a [[focus]], or a parameter of the model.")
    elif dimension == 2 and side.startswith("z"):
        table.problem("side", "a section has no faces along z; its sides are x-, x+, y- and y+.")
    elif side == IMPLANT and sample.holds_implant is False:
        what = "this sample has no implant; put one into it with [sample.implant], or name its label or tag."
        table.problem("side", what)
    if not table.has("source") and not table.has("load"):
        table.problem(None, "a face needs a 'source', or a 'layer' with a 'load', or both.")
    releases: dict[str, Drug] = {}
    source, source_text = _amounts(table, "source", f"5e5 {FLUX}", FLUX, releases)
    start, stop = 0.0, math.inf
    if table.has("source"):
        start = table.quantity("from", "day", "0 day", zero=True)
        if table.has("until"):
            stop = table.quantity("until", "day")
            if stop <= start:
                table.problem("until", "a source must end after it starts: 'until' is not later than 'from'.")
        if start >= end:
            table.problem("from", f"the run ends at {end:g} day, so this source would never flow.")
    layer = 0.0
    if table.has("load"):
        layer = table.quantity("layer", "um", example="60 um")
    load, load_text = _amounts(table, "load", "1000 CFU/mm^3", None, {})
    belongs = {
        "layer": "'layer' is the depth that a 'load' is put into, which is missing.",
        "from": "'from' belongs to a 'source'; a load is there from day 0 on.",
        "until": "'until' belongs to a 'source'; a load is there from day 0 on.",
    }
    table.close(belongs)
    return FaceSpec(side, source, source_text, start, stop, layer, load, load_text, releases)


def _amounts(
    table: Table, name: str, example: str, like: str | None, releases: dict[str, Drug]
) -> tuple[dict[str, float], dict[str, str]]:
    """Names to quantities; of `like`, or of a density that the population will be asked about."""
    if not table.has(name):
        return {}, {}
    inner, values, texts = table.table(name), {}, {}
    for key in inner.data:
        if like is not None:
            values[key] = inner.quantity(key, like, zero=True)
        else:
            text = inner.text(key)
            values[key] = _density(inner, key, text, example)
        texts[key] = str(inner.data[key])
        path = drug_file(key) if like is not None else None
        if path is not None:
            try:
                releases[key] = read_drug(path)
            except InputError as e:
                inner.problems += e.problems
    if not inner.data:
        inner.problem(None, f'this is empty; write for example {{ NAME = "{example}" }}.')
    inner.close()
    return values, texts


def _density(table: Table, key: str, text: str, example: str) -> float:
    for like in ("CFU/mm^3", "cells/mm^3", "pM", "1"):
        try:
            value = units.quantity(text, like)
        except units.UnitError:
            continue
        if value < 0:
            table.problem(key, f"'{text}' is not allowed; it must be 0 or positive.")
        return value
    if text:
        table.problem(key, f"'{text}' is no density or concentration, for example '{example}'.")
    return math.nan
