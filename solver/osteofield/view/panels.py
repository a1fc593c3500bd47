# SPDX-License-Identifier: LGPL-3.0-or-later
"""A table of flat sections through the focus: one row for each population, one column for each time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import Normalize

from .implant import NOTE as IMPLANT_NOTE
from .planar import Planar, draw_edge, draw_first_edge, draw_frame, draw_infected, draw_marrow, planar
from .scale import joint_norm, surface_colours
from .state import State
from .style import (
    COLUMN,
    DPI,
    RC,
    add_axes_marks,
    add_focus,
    add_scale_bar,
    dress_bar,
    field_colours,
    head_column,
    name_row,
    time_text,
)

_HEAD, _GAP, _LEFT, _RIGHT, _LEAST = 0.24, 0.05, 0.2, 0.72, 1.05  # inch


def draw_panels(states: Sequence[State], path: Path, names: Sequence[str], normal: np.ndarray) -> Path:
    """Write the table; the colour scale of a population is the same at all times.

    Args:
        states: Output times in order.
        path: PNG file.
        names: Populations of marrow or surface.
        normal: ``(3,)`` of the section; not used in 2-D.

    Returns:
        `path`.
    """
    sections = [planar(s, normal, names) for s in states]
    columns = [time_text(s.time) for s in states]
    rows = [row_of(states[-1], name, sections) for name in names]
    first = planar(states[-1].first, normal, []) if states[-1].moves else None
    return draw_table(path, columns, rows, sections, states[-1], first)


class Row:
    """How one population is drawn: its values in every section, its scale and colours."""

    def __init__(
        self,
        label: str,
        values: list[np.ndarray],
        on_edge: bool,
        norm: Normalize,
        cmap: Any,
        extend: str,
        unit: str,
    ):
        self.label, self.values, self.on_edge = label, values, on_edge
        self.norm, self.cmap, self.extend, self.unit = norm, cmap, extend, unit


def row_of(state: State, name: str, sections: Sequence[Planar]) -> Row:
    """A population with one scale for all sections."""
    series = state.series(name)
    on_edge = name in state.result.surface
    values = [(s.surface if on_edge else s.marrow)[name] for s in sections]
    if on_edge:
        norm, cmap, extend = surface_colours(name == state.depth, values)
    else:
        (norm, extend), cmap = joint_norm(values), field_colours()
    return Row(state.label(name), values, on_edge, norm, cmap, extend, series.unit)


def draw_table(
    path: Path,
    titles: Sequence[str],
    rows: Sequence[Row],
    sections: Sequence[Planar],
    state: State,
    first: Planar | None = None,
) -> Path:
    """Write sections side by side.

    Args:
        path: PNG file.
        titles: Above every column.
        rows: One for each row.
        sections: One for each column.
        state: Whose foci are marked.
        first: The section at day 0, where the surface has moved since.

    Returns:
        `path`.
    """
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable

    n = len(sections)
    wide = min((COLUMN - _LEFT - _RIGHT - _GAP * (n - 1)) / n, 2.4)
    high = wide / sections[0].aspect
    width = _LEFT + n * wide + (n - 1) * _GAP + _RIGHT
    pitch = max(high, _LEAST)  # of a strip the rows are as high as their labels need
    height = _HEAD + len(rows) * pitch + (len(rows) - 1) * _GAP + 0.06
    marked = dotted = False
    with plt.rc_context(RC):
        figure = plt.figure(figsize=(width, height + 0.16), dpi=DPI)
        height += 0.16
        for r, row in enumerate(rows):
            bottom = height - _HEAD - (r + 1) * pitch - r * _GAP
            for c, section in enumerate(sections):
                left = _LEFT + c * (wide + _GAP)
                ax = figure.add_axes(
                    (left / width, (bottom + (pitch - high) / 2) / height, wide / width, high / height)
                )
                draw_frame(ax, section)
                if row.on_edge:
                    draw_edge(ax, section, row.values[c], row.norm, row.cmap, 1.5)
                else:
                    draw_marrow(ax, section, row.values[c], row.norm, row.cmap)
                if first is not None:
                    draw_first_edge(ax, first)
                infected = draw_infected(ax, section, 0.7)
                marked |= infected
                circles = [] if infected else state.foci_near(section.origin, section.right, section.up)
                dotted |= bool(circles)
                for centre, radius in circles:
                    add_focus(ax, section.coordinates(centre[None])[0], radius)
                if r == 0:
                    head_column(figure, left + wide / 2, titles[c])
                if r == len(rows) - 1 and c == 0:
                    add_scale_bar(ax, 1.0, float(np.ptp(section.box[:, 0])))
                if r == len(rows) - 1 and c == n - 1 and state.dimension == 3:
                    add_axes_marks(ax, section.right, section.up)
            name_row(figure, _LEFT, bottom + pitch / 2, row.label)
            bar_left = _LEFT + n * wide + (n - 1) * _GAP + 0.08
            bar_ax = figure.add_axes(
                (bar_left / width, (bottom + 0.05 * pitch) / height, 0.08 / width, 0.84 * pitch / height)
            )
            bar = figure.colorbar(
                ScalarMappable(row.norm, row.cmap), cax=bar_ax, extend=row.extend, extendfrac=0.04
            )
            dress_bar(bar, row.unit)
        notes = []
        if marked:
            notes.append(f"line: border of the infected marrow ({state.infected_text})")
        if dotted:
            notes.append("dotted: focus at day 0")
        if sections[0].implant:
            notes.append(IMPLANT_NOTE)
        if first is not None:
            notes.append("dashed: bone at the start")
        figure.text(_LEFT / width, 0.02 / height, "; ".join(notes), size=6.5, va="bottom")
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
    return path
