# SPDX-License-Identifier: LGPL-3.0-or-later
"""The arms of a comparison in one figure: time courses side by side, and what is left at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..results import Result, Shown
from .grid import lettered
from .style import CYCLE, DPI, RC, label_text, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 8
DIFFERENT = 0.01  # of the largest: ends of arms that are told apart
LONGEST_TITLE = 26
LOG_SPAN = 1e2  # a course over more than this is drawn in decades


def draw_arms(arms: Mapping[str, Result], file: Path) -> Path:
    """Bone loss, bacteria and the means of what the model shows over time, one line per arm.

    Args:
        arms: By name, in the order of the case.
        file: The PNG to write.
    """
    import matplotlib.pyplot as plt

    columns = _columns(list(arms.values()))
    first = next(iter(arms.values()))
    with plt.rc_context(RC):
        figure, axes = lettered(len(columns), high=1.75, spare=0.4, across="time (day)")
        for axis, column in zip(axes, columns, strict=True):
            _panel(axis, column, arms, _title(first, column))
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(arms), 4), frameon=False)
        figure.savefig(file, dpi=DPI)
        plt.close(figure)
    return file


def _columns(results: Sequence[Result]) -> list[str]:
    known = list(dict.fromkeys(c for r in results for c in r.history))
    roles = results[0].record.get("roles") or {}
    passed = (*roles.get("bacteria", ()), roles.get("depth"))
    shown = [n for n in roles.get("show", ()) if n not in passed]
    wanted = ["bone_loss [%]", "bacteria_total [CFU]"]
    wanted += [c for n in shown for c in known if c.startswith(f"{n}.mean ")]
    wanted = [c for c in wanted if c in known]
    moving = [c for c in wanted if any(np.ptp(r.history[c]) > 0 for r in results if c in r.history)]
    apart = [c for c in results[0].record.get("columns") or () if c in known and _differs(c, results)]
    return [*(moving or wanted), *apart][:MOST_PANELS]


def _differs(column: str, results: Sequence[Result]) -> bool:
    """Whether a column of the model, such as what a drug leaves free, ends otherwise in one arm."""
    ends = [r.history[column][-1] for r in results if column in r.history]
    return float(np.ptp(ends)) > DIFFERENT * float(np.abs(ends).max())


def _panel(axis: Axes, column: str, arms: Mapping[str, Result], title: str) -> None:
    relative = _is_cell(next(iter(arms.values())), column)
    courses = {}
    for name, result in arms.items():
        if column in result.history:
            v, floor = result.history[column], Shown(result).floor(column)
            v = np.where(np.abs(v) < floor, 0.0, v)  # not told from zero
            courses[name] = v / v[0] if relative and v[0] > 0 else v
    positive = np.concatenate([v[v > 0] for v in courses.values()] or [np.zeros(0)])
    never_below = all(v.min() >= 0 for v in courses.values())
    spans = len(positive) > 0 and positive.max() > LOG_SPAN * positive.min()
    decades = never_below and spans and not relative and not column.startswith("bone_loss")
    for k, name in enumerate(arms):
        if name in courses:
            v = courses[name]
            y = np.where(v > 0, v, np.nan) if decades else v
            line = _LINES[(k // len(CYCLE) + k) % len(_LINES)]
            axis.plot(arms[name].times, y, color=CYCLE[k % len(CYCLE)], label=name, lw=1.3, ls=line)
    if decades:
        axis.set_yscale("log")
        axis.set_ylim(bottom=max(positive.min(), positive.max() * 1e-9))
    axis.set_title(title)
    axis.margins(x=0)


def _is_cell(result: Result, column: str) -> bool:
    """Whether a column is that of cells on bone, in a unit that says nothing to a reader."""
    return column.partition(".mean [")[0] in result.surface


def _title(result: Result, column: str) -> str:
    name, _, _ = column.partition(" [")
    unit = Shown(result).unit(column)
    if name in _WORDS:
        return with_unit(_WORDS[name], unit)
    meaning = (result.record.get("columns") or {}).get(column)
    if meaning:
        return with_unit(label_text(meaning) if len(meaning) <= LONGEST_TITLE else name, unit)
    population = name.removesuffix(".mean")
    label = label_text((result.record.get("labels") or {}).get(population, population))
    return f"{label} (1 = start)" if _is_cell(result, column) else with_unit(f"{label}, mean", unit)


_WORDS = {"bone_loss": "bone loss", "bacteria_total": "bacteria"}
_LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
