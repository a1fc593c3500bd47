# SPDX-License-Identifier: LGPL-3.0-or-later
"""Periods of treatment, as the case of a results folder states them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from ..results import Result
from ..units import UnitError, quantity


@dataclass(frozen=True)
class Period:
    """A drug is given from `start` until `end` (day; the end of the run where the case states none)."""

    drug: str
    start: float
    end: float


def periods(result: Result) -> list[Period]:
    """The treatments within the time that was computed; a case that cannot be read has none."""
    if not len(result.times):
        return []
    last = float(result.times[-1])
    try:
        therapies = tomllib.loads(result.case).get("therapy", [])
    except (OSError, tomllib.TOMLDecodeError):
        return []
    found = []
    for therapy in therapies:
        start, end = (_day(therapy.get(k), default) for k, default in (("from", 0.0), ("until", last)))
        if start < last:
            found.append(Period(str(therapy.get("drug", "treatment")), start, min(end, last)))
    return found


def _day(text: object, default: float) -> float:
    try:
        return quantity(str(text), "day") if text is not None else default
    except UnitError:
        return default
