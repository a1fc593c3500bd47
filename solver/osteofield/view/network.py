# SPDX-License-Identifier: LGPL-3.0-or-later
"""The interaction graph of a model: populations in columns, arrows for who acts on whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .style import BLUE, DPI, GREEN, INK, RC, RED

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Arrow:
    """Who acts on whom: `effect` is ``makes``, ``helps``, ``harms`` or ``changes``."""

    source: str
    target: str
    effect: str


COLOURS = {"makes": INK, "helps": GREEN, "harms": RED, "changes": BLUE}
MEANING = {"makes": "makes, or turns into", "helps": "activates, spares", "harms": "inhibits, removes",
           "changes": "now the one, now the other"}  # fmt: skip
FILLS = ("#f3e3cf", "#e8e8f6", "#dcefe6", "#f6e1e1")
WIDE, HIGH = 1.36, 0.34  # inch, of a box
_SWEEPS = 12


def draw_network(
    title: str, columns: Mapping[str, Sequence[str]], arrows: Iterable[Arrow], file: Path
) -> Path:
    """Draw a graph.

    Args:
        title: Over the picture.
        columns: Heading of a column to the names in it.
        arrows: Several of one pair with the same effect are drawn once.
        file: PNG, SVG or PDF by its ending.

    Returns:
        `file`.
    """
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    arrows = sorted(set(arrows), key=lambda a: (a.source, a.target, a.effect))
    touched = {n for a in arrows for n in (a.source, a.target)}
    kept = {h: [n for n in names if n in touched] for h, names in columns.items()}
    kept = {h: names for h, names in kept.items() if names}
    order = _ordered(list(kept.values()), arrows)
    tallest = max(map(len, order))
    size = (2.75 * (len(order) - 1) + WIDE + 0.9, 0.62 * tallest + 1.3)
    place: dict[str, np.ndarray] = {}
    with plt.rc_context(RC):
        figure, ax = plt.subplots(figsize=size, dpi=DPI, layout="constrained")
        ax.set(xlim=(-WIDE / 2 - 0.45, 2.75 * (len(order) - 1) + WIDE / 2 + 0.75))
        ax.set(ylim=(-0.62 * tallest - 0.05, 0.45), aspect="equal")
        ax.set_axis_off()
        for k, (heading, names) in enumerate(zip(kept, order, strict=True)):
            ax.text(2.75 * k, 0.25, heading, ha="center", va="center", weight="bold")
            gap = 0.62 * tallest / len(names)
            for i, name in enumerate(names):
                place[name] = np.array([2.75 * k, -gap * (i + 0.5)])
        for arrow in arrows:
            _draw(ax, arrow, place)
        for k, names in enumerate(order):
            for name in names:
                _box(ax, name, place[name], FILLS[k % len(FILLS)])
        shown = [e for e in COLOURS if any(a.effect == e for a in arrows)]
        handles = [Line2D([], [], color=COLOURS[e], lw=1.4, label=MEANING[e]) for e in shown]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
        ax.set_title(title, fontsize="medium")
        figure.savefig(file)
        plt.close(figure)
    return file


def _ordered(columns: list[list[str]], arrows: Sequence[Arrow]) -> list[list[str]]:
    """Names in every column by the mean height of their neighbours, so that arrows cross less."""
    height = {n: (i + 0.5) / len(c) for c in columns for i, n in enumerate(c)}
    near: dict[str, list[str]] = {n: [] for n in height}
    for a in arrows:
        near[a.source].append(a.target)
        near[a.target].append(a.source)
    order = [list(c) for c in columns]
    for sweep in range(_SWEEPS):
        for k in range(len(order)) if sweep % 2 else reversed(range(len(order))):
            here = set(order[k])
            goal = {
                n: float(np.mean([height[m] for m in near[n] if m not in here] or [height[n]])) for n in here
            }
            order[k].sort(key=lambda n: (goal[n], n))
            for i, n in enumerate(order[k]):
                height[n] = (i + 0.5) / len(order[k])
    return order


def _draw(ax: Axes, arrow: Arrow, place: Mapping[str, np.ndarray]) -> None:
    from matplotlib.patches import FancyArrowPatch

    a, b = place[arrow.source], place[arrow.target]
    dx, dy = b - a
    if abs(dx) < 1e-9:  # in one column: around its side
        side = 1.0 if dy < 0 else -1.0
        start, stop = a + [side * WIDE / 2, 0.0], b + [side * WIDE / 2, 0.0]
        bend = -0.3 - 0.1 / max(abs(dy), 0.3)
    else:
        side = np.sign(dx)
        start, stop = a + [side * WIDE / 2, 0.0], b - [side * WIDE / 2, 0.0]
        bend = 0.08 * side
    shift = {"makes": 0.0, "helps": 0.07, "harms": -0.07, "changes": 0.035}[arrow.effect]
    head = "-|>" if arrow.effect != "harms" else "-["
    style = f"{head},head_length=3,head_width=1.6" if head == "-|>" else "-[,widthB=2.2,lengthB=0"
    patch = FancyArrowPatch(
        tuple(start + [0, shift]), tuple(stop + [0, shift]), arrowstyle=style,
        color=COLOURS[arrow.effect], connectionstyle=f"arc3,rad={bend:.3f}", lw=0.9, alpha=0.75,
        shrinkA=0, shrinkB=1.5, mutation_scale=1.6, zorder=1,
    )  # fmt: skip
    ax.add_patch(patch)


def _box(ax: Axes, name: str, at: np.ndarray, fill: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (at[0] - WIDE / 2 + 0.05, at[1] - HIGH / 2 + 0.05)
    box = FancyBboxPatch(
        corner, WIDE - 0.1, HIGH - 0.1, boxstyle="round,pad=0.05", fc=fill, ec=INK, lw=0.6, zorder=2
    )
    ax.add_patch(box)
    ax.text(at[0], at[1], name, ha="center", va="center", zorder=3)
