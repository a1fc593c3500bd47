# SPDX-License-Identifier: LGPL-3.0-or-later
"""Time courses of a run, from its history table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..results import Result
from ..results.reader import ERODED_DEPTH
from .style import COLUMN, CYCLE, DPI, RC, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3


class _History:
    """Columns by name without unit."""

    def __init__(self, result: Result):
        self.values: dict[str, np.ndarray] = {}
        self.units: dict[str, str] = {}
        for header, values in result.history.items():
            name, _, unit = header.partition(" [")
            unit = unit.rstrip("]")
            if name in self.values:  # bone_loss comes in mm^3 and in %
                name = f"{name} {unit}"
            self.values[name], self.units[name] = values, unit

    def __contains__(self, name: str) -> bool:
        return name in self.values and bool(np.isfinite(self.values[name]).any())


def draw_courses(result: Result, path: Path) -> Path:
    """Write the panel of time courses.

    Returns:
        `path`.
    """
    import matplotlib.pyplot as plt

    history = _History(result)
    panels = _panels(result, history)
    rows = -(-len(panels) // _COLUMNS)
    columns = min(_COLUMNS, len(panels))
    with plt.rc_context(RC):
        figure, axes = plt.subplots(
            rows, columns, figsize=(COLUMN * columns / _COLUMNS, 1.75 * rows + 0.1), dpi=DPI,
            layout="constrained", sharex=True, squeeze=False,
        )  # fmt: skip
        for k, ax in enumerate(axes.flat):
            if k >= len(panels):
                ax.set_axis_off()
                continue
            panels[k](ax)
            ax.set_title(f"{'abcdefghijklmnop'[k]}", loc="left", weight="bold", size=9, x=-0.02)
            last_in_column = k + columns >= len(panels)
            ax.tick_params(labelbottom=last_in_column)
            if last_in_column:
                ax.set_xlabel("time (day)")
            ax.margins(x=0.02)
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
    return path


def _panels(result: Result, history: _History) -> list[Callable[[Axes], None]]:
    """What there is to show, in order: infection, mediators, cells on the bone, bone."""
    time = result.times
    roles = result.record.get("roles") or {}
    labels = result.record.get("labels") or {}
    bacteria = set(roles.get("bacteria", ()))
    on_surface = [n for n in result.surface if n not in (roles.get("depth"), ERODED_DEPTH)]
    in_space = result.record.get("dimension", 3) != 0
    panels: list[Callable[[Axes], None]] = []

    def curves(title: str, unit: str, lines: dict[str, str], log: bool | None = None) -> None:
        lines = {text: name for text, name in lines.items() if name in history}
        if lines:
            panels.append(lambda ax: _curves(ax, time, history, title, unit, lines, log))

    curves("bacteria in the sample", "CFU", {"": "bacteria_total"})
    for name in roles.get("show", ()):
        if name in bacteria or name in on_surface or name == roles.get("depth"):
            continue
        unit = history.units.get(f"{name}.mean", "")
        one = {"": f"{name}.mean"}  # without space there is but one value
        both = {"highest": f"{name}.max", "mean": f"{name}.mean"}
        curves(labels.get(name, name), unit, both if in_space else one)
    relative = {labels.get(n, n): f"{n}.mean" for n in on_surface if f"{n}.mean" in history}
    relative = {t: n for t, n in relative.items() if history.values[n][0] > 0}
    if relative:
        panels.append(lambda ax: _relative(ax, time, history, relative))
    curves("bone loss", "%", {"": "bone_loss %"}, log=False)
    if "bone_loss %" not in history:
        curves("bone loss", history.units.get("bone_loss", ""), {"": "bone_loss"}, log=False)
    curves("eroded depth", "um", {"highest": "E.De.max", "mean of eroded surface": "E.De.mean"}, log=False)
    curves("eroded surface ES/BS", "1", {"": "ES/BS"}, log=False)
    if in_space:
        curves("infected marrow", "mm^3", {"": "infected_marrow"}, log=False)
    return panels


def _curves(
    ax: Axes,
    time: np.ndarray,
    history: _History,
    title: str,
    unit: str,
    lines: dict[str, str],
    log: bool | None,
) -> None:
    data = {text: history.values[name] for text, name in lines.items()}
    everything = np.concatenate(list(data.values()))
    positive = everything[np.isfinite(everything) & (everything > 0)]
    if log is None:
        tops = [np.nanmax(v) for v in data.values() if np.isfinite(v).any()]
        # a curve that a linear axis presses to the bottom is not seen
        log = bool(len(positive)) and (min(tops) < max(tops) / 8 or positive.max() > 100 * positive.min())
    for colour, (text, values) in zip(CYCLE, data.items(), strict=False):
        ax.plot(time, np.where(values > 0, values, np.nan) if log else values, color=colour, label=text)
    if log:
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(positive.min() / 2, positive.max() * 1e-4))
    elif everything[np.isfinite(everything)].min() >= 0 and _touches_zero(everything):
        ax.set_ylim(bottom=0)
    ax.set_ylabel(with_unit(title, unit))
    if len(data) > 1:
        ax.legend(loc="best", handlelength=1.2, borderpad=0.1, labelspacing=0.2)


def _touches_zero(values: np.ndarray) -> bool:
    """Whether zero is near enough to be shown; small changes of a large value would be lost."""
    values = values[np.isfinite(values)]
    return bool(values.min() < 0.6 * values.max())


def _relative(ax: Axes, time: np.ndarray, history: _History, lines: dict[str, str]) -> None:
    ax.axhline(1, color="0.75", lw=0.7)
    for colour, (text, name) in zip(CYCLE, lines.items(), strict=False):
        values = history.values[name]
        ax.plot(time, values / values[0], color=colour, label=text)
    ax.set_ylabel("cells on bone (1 = start)")
    ax.legend(loc="best", handlelength=1.2, borderpad=0.1, labelspacing=0.2, ncols=1 + (len(lines) > 3))
