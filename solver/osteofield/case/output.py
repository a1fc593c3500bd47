# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[output]`` table: what is written and when."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .table import Table

MOST_OUTPUTS = 100_000


@dataclass(frozen=True)
class OutputSpec:
    """What is written and when.

    Attributes:
        times: Output times in day, ascending, from 0 to the end.
        fields: Populations written as fields; None for all.
        eroded_above: Depth in um beyond which surface counts as eroded.
        infected_above: Bacterial density (1/mm^3) beyond which marrow counts as infected.
    """

    times: tuple[float, ...]
    fields: tuple[str, ...] | None = None
    eroded_above: float = 2.0
    infected_above: float = 50.0


def read_output(table: Table, end: float) -> OutputSpec:
    """Read what a run writes until `end` (day); problems are noted in the table."""
    if table.has("every") and table.has("times"):
        table.problem("times", "give either 'every' or 'times', not both.")
    times: tuple[float, ...] = ()
    if table.has("times"):
        times = table.quantities("times", "day", example='["0 day", "7 day"]', any_sign=True) or ()
        if table.data["times"] == []:
            table.problem("times", "at least one time is needed.")
        for i, t in enumerate(times):
            if not 0 <= t <= end * (1 + 1e-12) and not math.isnan(end):
                table.problem(
                    "times", f"{t:g} day is not within the run, which goes from 0 to {end:g} day.", i
                )
            elif i and t <= times[i - 1]:
                table.problem("times", "the times must ascend, and none may stand twice.", i)
        if table.has("every"):
            table.quantity("every", "day")
    else:
        times = _regular(table, table.quantity("every", "day", "1 day"), end)
    spec = OutputSpec(
        times,
        table.words("fields") if table.has("fields") else None,
        table.quantity("eroded_above", "um", "2 um", zero=True),
        table.quantity("infected_above", "CFU/mm^3", "50 CFU/mm^3", zero=True),
    )
    table.close()
    return spec


def _regular(table: Table, every: float, end: float) -> tuple[float, ...]:
    """0, every, 2 every, ... and the end, whether or not it is a multiple."""
    if math.isnan(every) or math.isnan(end):
        return ()
    if end / every > MOST_OUTPUTS:
        table.problem("every", f"this asks for {end / every:.3g} output times; {MOST_OUTPUTS} are the most.")
        return ()
    n = math.floor(end / every * (1 + 1e-12))
    times = [i * every for i in range(n + 1)]
    if end - times[-1] > 1e-9 * end:
        times.append(end)
    else:
        times[-1] = end
    return tuple(times)
