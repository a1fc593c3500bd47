# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small panels in rows of three that share what is across, each with its letter."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

from .style import COLUMN, DPI

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3


def lettered(count: int, high: float, spare: float, across: str) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels.

    Args:
        count: At least one.
        high: Height of a row, inch.
        spare: Height of what stands above and below the rows, inch.
        across: What the lowest panel of every column says about its abscissa.
    """
    import matplotlib.pyplot as plt

    rows, columns = -(-count // COLUMNS), min(COLUMNS, count)
    figure, axes = plt.subplots(
        rows, columns, figsize=(COLUMN * columns / COLUMNS, high * rows + spare), dpi=DPI,
        layout="constrained", sharex=True, squeeze=False,
    )  # fmt: skip
    for ax in axes.flat[count:]:
        ax.set_axis_off()
    panels = list(axes.flat[:count])
    for k, ax in enumerate(panels):
        ax.set_title(letter(k), loc="left", weight="bold", size=9, x=-0.02)
        lowest = k + columns >= count
        ax.tick_params(labelbottom=lowest)
        if lowest:
            ax.set_xlabel(across)
    return figure, panels


def letter(k: int) -> str:
    """``a`` to ``z``, then ``aa``, ``bb``."""
    return ascii_lowercase[k % 26] * (k // 26 + 1)
