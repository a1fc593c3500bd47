# SPDX-License-Identifier: LGPL-3.0-or-later
"""How the numbers of a run are shown: in which unit, and from where on they are told from nothing."""

from __future__ import annotations

import tomllib

import numpy as np

from ..units import per_thickness
from .reader import Result

ROUNDING = 1e-12  # less is 0 in every quantity that is shown


class Shown:
    """Units and resolution of the columns of ``history.csv``; the files keep every number as it was computed.

    Args:
        result: The run.
    """

    def __init__(self, result: Result):
        self._history = result.history
        self._flat = result.record.get("dimension") == 2
        self._depth = (result.record.get("roles") or {}).get("depth")
        try:
            given = tomllib.loads(result.case).get("time", {}).get("tolerance")
        except (OSError, tomllib.TOMLDecodeError):
            given = None
        self._tolerance = float(given) if isinstance(given, int | float) else 0.0

    def unit(self, header: str) -> str:
        """Unit of a column; of a section that of an amount per millimetre of thickness."""
        unit = header.partition(" [")[2].rstrip("]")
        return per_thickness(unit) if self._flat else unit

    def header(self, header: str) -> str:
        """A column with the unit it is shown in."""
        name, _, unit = header.partition(" [")
        return f"{name} [{self.unit(header)}]" if unit else header

    def floor(self, header: str) -> float:
        """Below this a population's mean, maximum or total is not told from zero.

        The integrator holds errors against the largest mean so far, so what has decayed further than
        the tolerance of the run has no digit that is known, not even its sign. 0 for all other columns, and
        for a population that has been below zero by more: there its sign means something.
        """
        name, _, unit = header.partition(" [")
        population, _, kind = name.rpartition(".")
        if name == "bacteria_total":
            reference = header
        elif kind in ("mean", "max", "total") and population != self._depth:
            reference = header if kind == "total" else f"{population}.mean [{unit}"
        else:
            return 0.0
        course = self._history.get(reference, np.zeros(0))
        course = course[np.isfinite(course)]
        if not len(course):
            return 0.0
        floor = self._tolerance * float(np.abs(course).max())
        return floor if course.min() > -floor else 0.0

    def text(self, header: str, value: float, digits: int = 4) -> str:
        """A value of a column: ``< 0.02`` where it is not told from zero."""
        floor = self.floor(header)
        if 0 < abs(value) < floor:
            return f"< {float(f'{floor:.1g}'):g}"
        return f"{0.0 if abs(value) < ROUNDING and not floor else value:.{digits}g}"
