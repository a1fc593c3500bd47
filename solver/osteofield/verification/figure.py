# SPDX-License-Identifier: LGPL-3.0-or-later
"""The figure of a verification: courses, the targets on them, and the worst error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, Problem
from .file import Panel
from .line import Line
from .measure import unit_of
from .runner import Prepared

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES = ("-", "--", ":", "-.")
_PER_ROW = 3
_HEIGHT = 2.35  # inch per row


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

    with plt.rc_context(style.RC):
        columns = min(len(panels), _PER_ROW)
        rows = -(-len(panels) // columns)
        width = style.COLUMN if columns > 1 else 0.6 * style.COLUMN
        fig, axes = plt.subplots(
            rows, columns, figsize=(width, _HEIGHT * rows + 0.35), layout="constrained", squeeze=False
        )
        for ax, panel in zip(axes.flat, panels, strict=False):
            _panel(ax, panel, prepared, lines)
        for ax in axes.flat[len(panels) :]:
            ax.set_visible(False)
        fig.text(0.01, 0.02, worst(lines), fontsize=6.5, color="0.35")
        strip = 0.18 / fig.get_figheight()  # for this line
        fig.get_layout_engine().set(rect=(0, strip, 1, 1 - strip))
        fig.savefig(path, dpi=200, metadata={"Software": None})
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


def _panel(ax: Axes, panel: Panel, prepared: Prepared, lines: Sequence[Line]) -> None:
    from ..view import style

    runs = [r for r in panel.runs if r in prepared.courses]
    many_shown, many_runs = len(panel.show) > 1, len(runs) > 1
    units = set()
    for i, run in enumerate(runs):
        course = prepared.courses[run]
        for j, name in enumerate(panel.show):
            factor, unit = unit_of(name, course.network)
            units.add(unit)
            color = style.CYCLE[(j if many_shown else i) % len(style.CYCLE)]
            dashes = _STYLES[i % len(_STYLES)] if many_shown else "-"
            title = prepared.file.runs[run].title
            label = f"{name}, {title}" if many_shown and many_runs else name if many_shown else title
            shown = label if many_shown or many_runs else None
            ax.plot(course.times, course[name] / factor, dashes, color=color, label=shown, zorder=2)
            marks = _marks(lines, run, name)
            if panel.log:
                marks = marks[marks[:, 1] > 0]
            if len(marks):
                ax.plot(
                    marks[:, 0], marks[:, 1] / factor, "o", ms=4, mfc="white", mec=color, mew=0.9, zorder=3,
                    clip_on=False,
                )  # fmt: skip
    if panel.log:
        ax.set_yscale("log")
    unit = units.pop() if len(units) == 1 else ""
    ax.set(xlabel="time (day)", ylabel=style.with_unit(panel.label, unit))
    ax.margins(x=0.02)
    if many_shown or many_runs:
        labels = ax.get_legend_handles_labels()[1]
        columns = 3 if max(map(len, labels)) < 8 else 2 if max(map(len, labels)) < 15 else 1
        ax.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=columns, fontsize=6.5, handlelength=1.5,
            columnspacing=1.0, borderaxespad=0.1,
        )  # fmt: skip


def _marks(lines: Sequence[Line], run: str, name: str) -> np.ndarray:
    """(targets, 2) times and values of the targets on a curve."""
    found = {
        (line.mark.time, line.mark.value)
        for line in lines
        if line.mark is not None and line.target.run == run and line.mark.name == name
    }
    return np.array(sorted(found)).reshape(-1, 2)


def _pyplot():  # type: ignore[no-untyped-def]
    import os

    os.environ.setdefault("MPLBACKEND", "Agg")
    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError:
        raise InputError(
            Problem("pages need matplotlib for their figures: pip install 'osteofield[view]'.", "-o")
        ) from None
    return plt
