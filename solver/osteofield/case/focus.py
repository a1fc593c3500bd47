# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[[focus]]`` tables: balls of infected marrow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .. import units
from .sample import CENTER, SampleSpec
from .table import Table

_LOADS = ("CFU/mm^3", "cells/mm^3", "pM")


@dataclass(frozen=True)
class FocusSpec:
    """A ball of infected marrow at the start.

    Attributes:
        center: Position in the image's physical frame, um, or ``"center"`` of the sample box.
        radius: um; ignored when the sample is well mixed.
        load: Added to the population inside, in internal units of that population.
        population: Which population; None for the one the model names as its inoculum.
        load_text: The load as written, so that its unit can be held against the population's.
    """

    center: tuple[float, ...] | Literal["center"]
    radius: float
    load: float
    population: str | None = None
    load_text: str = ""


def read_focus(table: Table, sample: SampleSpec) -> FocusSpec:
    """Read one focus; problems are noted in the table."""
    center: tuple[float, ...] | Literal["center"] = CENTER
    radius = math.inf
    dimension = sample.dimension
    elsewhere = {}
    if dimension == 0 and sample.well_mixed:
        message = "a well-mixed sample has no places in it, so its focus has only a load; leave '{}' out."
        elsewhere = {k: message.format(k) for k in ("center", "radius")}
    else:
        if isinstance(table.data.get("center"), str):
            if table.text("center") not in ("", CENTER):
                axes = ", ".join(['"0.5 mm"'] * (dimension or 3))
                table.problem("center", f'a position such as [{axes}], or "center", is needed here.')
        else:
            counts = (dimension,) if dimension else (2, 3)
            center = table.quantities("center", "um", counts, example='"center".', any_sign=True) or CENTER
            _inside(table, center, sample.box)
        radius = table.quantity("radius", "um", example="300 um")
    load, load_text = _load(table)
    population = table.text("population") if table.has("population") else None
    table.close(elsewhere)
    return FocusSpec(center, radius, load, population, load_text)


def _inside(table: Table, center: tuple[float, ...] | str, sides: tuple[float, ...] | None) -> None:
    if isinstance(center, str) or sides is None or len(sides) != len(center):
        return
    if min(sides) > 0 and not all(0 <= x <= side for x, side in zip(center, sides, strict=True)):
        where = ", ".join(f"{x:g}" for x in center)
        span = " x ".join(f"0..{side:g} um" for side in sides)
        table.problem("center", f"({where}) um is outside the sample, which spans {span}.")


def _load(table: Table) -> tuple[float, str]:
    """A number density or concentration; which of them the population wants is known later."""
    like = _LOADS[0]
    text = table.data.get("load")
    if isinstance(text, str):
        for candidate in _LOADS:
            try:
                units.quantity(text, candidate)
                like = candidate
            except units.UnitError:
                continue
    load = table.quantity("load", like, example="1000 CFU/mm^3")
    return load, text if isinstance(text, str) and not math.isnan(load) else ""
