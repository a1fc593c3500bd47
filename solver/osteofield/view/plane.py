# SPDX-License-Identifier: LGPL-3.0-or-later
"""Two-dimensional results: marrow fields, and the bone's edge coloured by eroded depth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from .scale import norm_of, surface_colours
from .sheet import Sheet
from .state import State
from .style import CUT_BONE, INK, RC, add_scale_bar, field_colours


def draw_plane(state: State, path: Path, in_marrow: list[str], on_surface: str | None) -> Path:
    """Write the picture of a 2-D result: marrow fields and, last, a field along the bone's edge.

    Returns:
        `path`.
    """
    (x0, y0, _), (x1, y1, _) = state.box
    panels = [*in_marrow, *([on_surface] if on_surface else [])]
    sheet = Sheet(len(panels), (x1 - x0) / (y1 - y0), width=min(3.6 * len(panels), 7.2))
    for column, name in enumerate(panels):
        if name == on_surface:
            _along_edge(state, sheet, column, name)
        else:
            _field(state, sheet, column, name)
    sheet.time(state.time)
    return sheet.save(path)


def _axes(state: State, sheet: Sheet, column: int, title: str) -> Axes:
    import matplotlib.pyplot as plt

    (x0, y0, _), (x1, y1, _) = state.box
    ax = sheet.panel(column, title)
    ax.set_xlim(x0, x1)
    ax.set_ylim(y0, y1)
    ax.set_aspect("equal")
    ax.add_patch(plt.Rectangle((x0, y0), x1 - x0, y1 - y0, fc=CUT_BONE, ec="none", zorder=0))
    return ax


def _field(state: State, sheet: Sheet, column: int, name: str) -> None:
    import matplotlib.pyplot as plt

    series = state.result.marrow[name]
    values = series[state.step]
    points, triangles = state.marrow_mesh
    norm, extend = norm_of(values)
    with plt.rc_context(RC):
        ax = _axes(state, sheet, column, state.label(name))
        shown = np.clip(values, norm.vmin, norm.vmax)
        ax.tripcolor(
            points[:, 0], points[:, 1], triangles, shown, norm=norm, cmap=field_colours(),
            shading="gouraud", rasterized=True,
        )  # fmt: skip
        lines, _ = _edge(state)
        ax.add_collection(LineCollection(lines, colors=INK, linewidths=0.5))
        marked = _infected(ax, state)
        add_scale_bar(ax, 1.0, float(np.ptp(state.box[:, 0])))
        label = state.labelled(series) + ("; line: infected marrow" if marked else "")
        sheet.colour_bar(column, column, norm, field_colours(), label, extend)


def _along_edge(state: State, sheet: Sheet, column: int, name: str) -> None:
    import matplotlib.pyplot as plt

    series = state.result.surface[name]
    values = series[state.step]
    norm, cmap, extend = surface_colours(state, name, values)
    with plt.rc_context(RC):
        ax = _axes(state, sheet, column, "bone")
        points, triangles = state.marrow_mesh
        ax.tripcolor(
            points[:, 0], points[:, 1], triangles, np.zeros(len(points)), cmap="gray", vmin=-1, vmax=0,
            shading="gouraud", rasterized=True,
        )  # fmt: skip
        lines, ends = _edge(state)
        ax.add_collection(LineCollection(lines, colors=INK, linewidths=3.0, capstyle="round"))
        ax.add_collection(
            LineCollection(
                lines, array=values[ends].mean(1), norm=norm, cmap=cmap, linewidths=2.4,
                capstyle="round",
            )
        )  # fmt: skip
        marked = _infected(ax, state)
        add_scale_bar(ax, 1.0, float(np.ptp(state.box[:, 0])))
        label = state.labelled(series) + ("; line: infected marrow" if marked else "")
        sheet.colour_bar(column, column, norm, cmap, label, extend)


def _edge(state: State) -> tuple[np.ndarray, np.ndarray]:
    """The bone surface as line segments ``(m, 2, 2)`` and their point numbers ``(m, 2)``."""
    points, segments = state.surface_mesh
    return points[segments][..., :2], segments


def _infected(ax: Axes, state: State) -> bool:
    if state.infected is None or state.infected.all():
        return False
    points, triangles = state.marrow_mesh
    for colour, width in (("white", 2.0), (INK, 0.9)):
        ax.tricontour(
            points[:, 0],
            points[:, 1],
            triangles,
            state.infected_share,
            levels=[0.5],
            colors=colour,
            linewidths=width,
        )
    return True
