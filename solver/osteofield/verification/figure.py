# SPDX-License-Identifier: LGPL-3.0-or-later
"""The figure of a verification: courses, the targets on them, and the worst error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, Problem
from .file import Panel
from .line import Line
from .measure import unit_of
from .runner import Prepared

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES = ("-", "--", ":", "-.")
_HEIGHT = 2.35  # inch per row
_LONG = 32  # a longer label needs two panels a row instead of three
_MANY = 4  # more curves are named beside the panel, which has a row of its own
_DPI = 200


@dataclass(frozen=True)
class _Curve:
    """One line of a panel, in internal units, and the targets on it (n, 2)."""

    times: np.ndarray
    values: np.ndarray
    marks: np.ndarray
    label: str
    color: str
    dashes: str


def draw(path: Path, prepared: Prepared, lines: Sequence[Line]) -> bool:
    """Write the figure as PNG; False if no run of a panel was made.

    Raises:
        InputError: matplotlib is not installed.
    """
    panels = [p for p in prepared.file.panels if any(r in prepared.courses for r in p.runs)]
    if not panels:
        return False
    plt = _pyplot()
    from ..view import style

    runs = list(dict.fromkeys(r for p in panels if len(p.show) == 1 for r in p.runs if r in prepared.courses))
    drawn = [_curves(panel, prepared, lines, runs) for panel in panels]
    beside = any(len(c) > _MANY for c in drawn)
    longest = max(len(x.label) for c in drawn for x in c)
    columns = min(len(panels), 1 if beside else 2 if longest > _LONG else 3)
    rows = -(-len(panels) // columns)
    width = style.COLUMN if columns > 1 or beside else 0.6 * style.COLUMN
    with plt.rc_context(style.RC):
        fig, axes = plt.subplots(
            rows, columns, figsize=(width, _HEIGHT * rows + 0.2), layout="constrained", squeeze=False
        )
        for ax, panel, curves in zip(axes.flat, panels, drawn, strict=False):
            _panel(ax, panel, curves, _unit(panel, prepared))
            _legend(ax, curves, _title(panel, prepared), beside)
        for ax in axes.flat[len(panels) :]:
            ax.set_visible(False)
        fig.text(0.01, 0.06 / fig.get_figheight(), worst(lines), fontsize=6.5, color="0.35")
        strip = 0.2 / fig.get_figheight()  # for this line
        fig.get_layout_engine().set(rect=(0, strip, 1, 1 - strip))
        fig.savefig(path, dpi=_DPI, metadata={"Software": None})
        plt.close(fig)
    return True


def worst(lines: Sequence[Line]) -> str:
    """The line nearest to failing, in words."""
    if not lines:
        return ""
    line = max(lines, key=lambda x: x.share)
    where = f"{line.target.run}, {line.what}"
    if not np.isfinite(line.share):
        return f"Worst of {len(lines)} targets: {where} FAILS ({line.got})"
    return f"Worst of {len(lines)} targets: {where}, error {line.error:.1e} of {line.allowed:.1e} allowed"


def _curves(panel: Panel, prepared: Prepared, lines: Sequence[Line], order: Sequence[str]) -> list[_Curve]:
    """Colours tell what is shown, and dashes the run; where one thing is shown, a run has one look in all."""
    from ..view.style import CYCLE

    runs = [r for r in panel.runs if r in prepared.courses]
    if len(runs) == 1:
        order = runs
    several, many = len(panel.show) > 1, len(runs) > 1
    out = []
    for i, run in enumerate(runs):
        course = prepared.courses[run]
        title = prepared.file.runs[run].title
        for j, name in enumerate(panel.show):
            k = j if several else order.index(run)
            label = f"{name}, {title}" if several and many else name if several else title if many else ""
            dash = i if several else k // len(CYCLE)
            out.append(
                _Curve(
                    course.times, course[name], _marks(lines, run, name), label, CYCLE[k % len(CYCLE)],
                    _DASHES[dash % len(_DASHES)],
                )
            )  # fmt: skip
    return out


def _marks(lines: Sequence[Line], run: str, name: str) -> np.ndarray:
    found = {
        (line.mark.time, line.mark.value)
        for line in lines
        if line.mark is not None and line.target.run == run and line.mark.name == name
    }
    return np.array(sorted(found)).reshape(-1, 2)


def _unit(panel: Panel, prepared: Prepared) -> tuple[float, str]:
    """Size and text of the unit of a panel: that of what it shows first."""
    return unit_of(panel.show[0], prepared.networks[panel.runs[0]])


def _panel(ax: Axes, panel: Panel, curves: Sequence[_Curve], unit: tuple[float, str]) -> None:
    from ..view import style

    size, text = unit
    power = 0
    if not panel.log:
        largest = max(float(np.nanmax(np.abs(c.values))) for c in curves) / size
        power = 3 * int(np.floor(np.log10(largest) / 3)) if largest > 0 else 0
        power = 0 if 0 <= power < 5 or largest >= 0.05 > 10.0**power else power
    size *= 10.0**power
    if power:
        text = f"$10^{{{power}}}$ {style.unit_text(text)}".strip()
    for c in curves:
        ax.plot(c.times, c.values / size, c.dashes, color=c.color, label=c.label, zorder=2)
    for c in curves:
        marks = c.marks[c.marks[:, 1] > 0] if panel.log else c.marks
        if not len(marks):
            continue
        ax.plot(
            marks[:, 0], marks[:, 1] / size, "o", ms=4, mfc="white", mec=c.color, mew=0.9, zorder=3,
            clip_on=False,
        )  # fmt: skip
    if panel.log:
        ax.set_yscale("log")
    ax.set(xlabel="time (day)", ylabel=style.with_unit(panel.label, text))
    ax.margins(x=0.02)


def _title(panel: Panel, prepared: Prepared) -> str:
    """The run, where a panel shows one only."""
    runs = [r for r in panel.runs if r in prepared.courses]
    return prepared.file.runs[runs[0]].title if len(runs) == 1 else ""


def _legend(ax: Axes, curves: Sequence[_Curve], title: str, beside: bool) -> None:
    """Name the curves above the panel or beside it."""
    labels = [c.label for c in curves if c.label]
    look: dict[str, Any] = {"fontsize": 6.5, "handlelength": 1.8, "borderaxespad": 0.1}
    if not labels:
        ax.set_title(title, fontsize=7, loc="left")
        return
    if title:
        look |= {"title": title, "title_fontsize": 7, "alignment": "left"}
    if beside:
        ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), **look)
        return
    longest = max(map(len, labels))
    columns = 3 if longest < 8 else 2 if longest < 16 else 1
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, columnspacing=1.0, **look)


def _pyplot() -> Any:
    import os

    os.environ.setdefault("MPLBACKEND", "Agg")
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError:
        raise InputError(
            Problem("pages need matplotlib for their figures: pip install 'osteofield[view]'.", "-o")
        ) from None
    return plt
