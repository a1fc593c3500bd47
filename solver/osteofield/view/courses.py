# SPDX-License-Identifier: LGPL-3.0-or-later
"""Time courses of one run, or of several in one picture, from their history tables."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..results import Result, Shown
from ..results.reader import ERODED_DEPTH
from ..results.shown import ROUNDING
from .grid import lettered
from .style import CYCLE, DPI, INK, LINES, RC, THERAPY, label_text, with_unit
from .therapy import Period, periods

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.transforms import Bbox

WRAP = 28  # letters that fit beside a panel


class History:
    """Columns of ``history.csv`` by name without unit."""

    def __init__(self, result: Result):
        self.time = result.times
        self.values: dict[str, np.ndarray] = {}
        self.units: dict[str, str] = {}
        shown = Shown(result)
        for header, values in result.history.items():
            name, _, unit = header.partition(" [")
            if name in self.values:  # bone_loss comes in mm^3 and in %
                name = f"{name} {unit.rstrip(']')}"
            self.values[name], self.units[name] = values, shown.unit(header)

    def __contains__(self, name: str) -> bool:
        return name in self.values and bool(np.isfinite(self.values[name]).any())

    def is_zero(self, name: str) -> bool:
        """Whether a column is zero throughout, apart from rounding."""
        return not bool((np.abs(self.values[name]) >= ROUNDING).any())


@dataclass(frozen=True)
class Panel:
    """One quantity, or several of one unit.

    Attributes:
        title: What the axis says.
        unit: Of the values.
        lines: Text of the legend to column of the history.
        log: Logarithmic axis; None to let the values decide.
        relative: Divide by the first value.
    """

    title: str
    unit: str
    lines: Mapping[str, str]
    log: bool | None = None
    relative: bool = False


def draw_courses(runs: Mapping[str, Result], path: Path, names: Sequence[str] | None = None) -> Path:
    """Write the panel of time courses.

    Args:
        runs: Name to results; several are told apart by the style of their lines.
        path: PNG file.
        names: Populations; None for infection, bone, and what the first run's model shows.

    Returns:
        `path`.
    """
    import matplotlib.pyplot as plt

    histories = {name: History(result) for name, result in runs.items()}
    first = next(iter(runs.values()))
    panels = choose_panels(first, names)
    treated = periods(first) if len(runs) == 1 else []
    with plt.rc_context(RC):
        figure, axes = lettered(len(panels), high=1.75, spare=0.1, across="time (day)")
        for ax, panel in zip(axes, panels, strict=True):
            _draw(ax, panel, list(histories.values()))
            _shade(ax, treated)
            ax.margins(x=0.02)
        _explain(figure, list(runs), treated)
        figure.draw_without_rendering()
        for ax in axes:
            make_room(ax)
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
    return path


def choose_panels(result: Result, names: Sequence[str] | None = None) -> list[Panel]:
    """What there is to show, in order: infection, mediators, cells on the bone, bone."""
    history = History(result)
    roles = result.record.get("roles") or {}
    labels = {n: label_text(t) for n, t in (result.record.get("labels") or {}).items()}
    in_space = result.record.get("dimension", 3) != 0
    depth = roles.get("depth")
    cells = [n for n in result.surface if n not in (depth, ERODED_DEPTH)]

    def population(name: str) -> Panel:
        lines = {"highest": f"{name}.max", "mean": f"{name}.mean"} if in_space else {"": f"{name}.mean"}
        return Panel(labels.get(name, name), history.units.get(f"{name}.mean", ""), lines)

    erosion = {"highest": "E.De.max", "mean of eroded surface": "E.De.mean"}
    if "depth.max" in history and history.is_zero("E.De.max"):
        erosion = {"": "depth.max"}  # nowhere deep enough to count as eroded
    bone = [
        Panel("bone loss", "%", {"": "bone_loss %"}, log=False)
        if "bone_loss %" in history
        else Panel("bone loss", history.units.get("bone_loss", ""), {"": "bone_loss"}, log=False),
        Panel("eroded depth" if len(erosion) > 1 else "eroded depth, highest", "um", erosion, log=False),
        Panel("eroded surface ES/BS", "1", {"": "ES/BS"}, log=False),
    ]
    if names is not None:
        chosen = [p for n in names for p in (bone if n == depth else [population(n)])]
    else:
        hidden = {*roles.get("bacteria", ()), *cells, depth}
        on_bone = {labels.get(n, n): f"{n}.mean" for n in cells if f"{n}.mean" in history}
        on_bone = {t: n for t, n in on_bone.items() if history.values[n][0] > 0}
        chosen = [
            Panel("bacteria in the sample", history.units.get("bacteria_total", ""), {"": "bacteria_total"}),
            *(population(n) for n in roles.get("show", ()) if n not in hidden),
            Panel("cells on bone (1 = start)", "1", on_bone, log=False, relative=True),
            *bone,
        ]
        if in_space:
            unit = history.units.get("infected_marrow", "")
            chosen.append(Panel("infected marrow", unit, {"": "infected_marrow"}, log=False))
    kept = []
    for panel in chosen:
        lines = {text: name for text, name in panel.lines.items() if name in history}
        asked = names is not None or panel is bone[0]
        if lines and (asked or not all(map(history.is_zero, lines.values()))):
            kept.append(Panel(panel.title, panel.unit, lines, panel.log, panel.relative))
    return kept


def _draw(ax: Axes, panel: Panel, histories: Sequence[History]) -> None:
    curves: list[tuple[str, np.ndarray, np.ndarray, str, Any]] = []
    for history, style in zip(histories, LINES, strict=False):
        for colour, (text, name) in zip(CYCLE, panel.lines.items(), strict=False):
            if name in history:
                values = history.values[name]
                values = values / values[0] if panel.relative else values
                curves.append((text, history.time, values, colour, style))
    everything = np.concatenate([c[2] for c in curves])
    everything = everything[np.isfinite(everything)]
    log = panel.log
    positive = everything[everything > 0]
    if log is None:
        tops = [np.nanmax(c[2]) for c in curves]
        # a curve that a linear axis presses to the bottom is not seen
        log = bool(len(positive)) and (min(tops) < max(tops) / 8 or positive.max() > 100 * positive.min())
    if panel.relative:
        ax.axhline(1, color="0.75", lw=0.7)
    for k, (text, time, values, colour, style) in enumerate(curves):
        label = text if k < len(panel.lines) else None
        shown = np.where(values > 0, values, np.nan) if log else values
        ax.plot(time, shown, color=colour, ls=style, label=label)
    if log:
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(positive.min() / 2, positive.max() * 1e-4))
    elif not panel.relative and everything.min() >= 0 and everything.min() < 0.6 * everything.max():
        ax.set_ylim(bottom=0)  # zero only if it is near; small changes of a large value would be lost
    elif np.ptp(everything) < 0.02 * abs(everything.max()):  # next to no change
        ax.set_ylim(0, 1.25 * everything.max() or 1)
    if np.abs(everything).max() < ROUNDING:
        ax.set_ylim(0, 1)
    ax.set_ylabel(textwrap.fill(with_unit(panel.title, panel.unit), WRAP))
    if len(panel.lines) > 1:
        columns = 1 + (len(panel.lines) > 3 and max(map(len, panel.lines)) < 6)
        size = 6 if len(panel.lines) > 3 and columns == 1 else 7
        ax.legend(
            loc="best", handlelength=1.2, borderpad=0.1, labelspacing=0.2, ncols=columns, fontsize=size,
            frameon=False,
        )  # fmt: skip


def make_room(ax: Axes) -> None:
    """Raise the upper end of an axis, at most to twice its length, until the legend covers no curve."""
    legend = ax.get_legend()
    if legend is None:
        return
    low, high = ax.get_ylim()
    log = ax.get_yscale() == "log"
    for share in np.linspace(0, 1, 21):
        ax.set_ylim(low, high * (high / low) ** share if log else high + share * (high - low))
        box = legend.get_window_extent().padded(2)
        if not any(_crosses(line, box) for line in ax.lines):
            return


def _crosses(line: Line2D, box: Bbox) -> bool:
    path = line.get_path().cleaned(transform=line.get_transform(), remove_nans=True, curves=False)
    return bool(path.intersects_bbox(box, filled=False))


def _shade(ax: Axes, treated: Sequence[Period]) -> None:
    for period in treated:
        ax.axvspan(period.start, period.end, color=THERAPY, alpha=0.5 / len(treated) + 0.15, lw=0, zorder=0)


def _explain(figure: Figure, runs: Sequence[str], treated: Sequence[Period]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[object] = []
    if len(runs) > 1:
        handles = [Line2D([], [], color=INK, ls=s, label=n) for n, s in zip(runs, LINES, strict=False)]
    elif treated:
        spans = ", ".join(f"{p.drug} from day {p.start:g} to {p.end:g}" for p in treated)
        handles = [Patch(fc=THERAPY, label=spans)]
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
