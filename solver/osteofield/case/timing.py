# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[time]`` and ``[checkpoint]`` tables: how long, in which steps, and when the state is stored."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .table import Table


@dataclass(frozen=True)
class TimeSpec:
    """How long and how accurately; times in day.

    Attributes:
        end: Last time.
        tolerance: Relative error per step and population.
        first_step: First step tried.
        shortest_step: A step shorter than this stops the run.
        longest_step: None for no limit.
        linear_tolerance: Linear solves are stopped at this fraction of the step's tolerance.
        method: "bdf" (one solve per step, remembers earlier steps), "rodas" (six, remembers nothing), or
            "auto": "rodas" in a well-mixed volume, where solves cost nothing.
    """

    end: float
    tolerance: float = 1e-3
    first_step: float = 1e-4
    shortest_step: float = 1e-9
    longest_step: float | None = None
    linear_tolerance: float = 1e-2
    method: str = "auto"


@dataclass(frozen=True)
class CheckpointSpec:
    """When the state of a run is stored, besides at its begin and end; times in day.

    Attributes:
        every: Simulated time between checkpoints, or None.
        every_wall: The same in time of the clock on the wall.
        keep: How many of the newest are kept.
    """

    every: float | None = None
    every_wall: float = 30.0 / 1440.0
    keep: int = 2


def read_time(table: Table) -> TimeSpec:
    """Read the time of a run; problems are noted in the table."""
    end = table.quantity("end", "day", example="28 day")
    short = 1.0 if math.isnan(end) else min(1.0, 10.0 * end)  # runs of seconds begin with shorter steps
    spec = TimeSpec(
        end=end,
        tolerance=table.number("tolerance", 1e-3, above=0.0, at_most=0.1),
        first_step=table.quantity(
            "first_step", "day", "1e-4 day" if short == 1 else f"{1e-4 * short:.3g} day"
        ),
        shortest_step=table.quantity(
            "shortest_step", "day", "1e-9 day" if short == 1 else f"{1e-9 * short:.3g} day"
        ),
        longest_step=table.quantity("longest_step", "day") if table.has("longest_step") else None,
        linear_tolerance=table.number("linear_tolerance", 1e-2, above=0.0, at_most=1.0),
        method=table.choice("method", ("auto", "bdf", "rodas"), "auto"),
    )
    table.close()
    if spec.first_step < spec.shortest_step:
        table.problem(
            "first_step" if table.has("first_step") else "shortest_step",
            f"the first step ({spec.first_step:g} day) is shorter than the shortest that is allowed "
            f"({spec.shortest_step:g} day).",
        )
    if spec.longest_step is not None and spec.longest_step < spec.shortest_step:
        table.problem("longest_step", "the longest step is shorter than the shortest.")
    return spec


def read_checkpoint(table: Table) -> CheckpointSpec:
    """Read when checkpoints are written; problems are noted in the table."""
    spec = CheckpointSpec(
        every=table.quantity("every", "day") if table.has("every") else None,
        every_wall=table.quantity("every_wall", "day", "30 min"),
        keep=table.integer("keep", 2, at_least=1),
    )
    table.close()
    return spec
