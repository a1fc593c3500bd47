# SPDX-License-Identifier: LGPL-3.0-or-later
"""Two-dimensional results: marrow fields, and the bone's edge coloured by eroded depth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .implant import NOTE as IMPLANT_NOTE
from .planar import Planar, draw_edge, draw_first_edge, draw_frame, draw_infected, draw_marrow, planar
from .scale import NO_DEPTH, gained, joint_norm, surface_colours
from .sheet import Sheet
from .sight import normal_of
from .state import State
from .style import RC, add_focus, add_scale_bar, field_colours

_NEAR = 0.62  # of the height of the section, at most


def draw_plane(state: State, path: Path, names: list[str], near: bool = False) -> Path:
    """Write the picture of a 2-D result, one panel for each field.

    Args:
        state: One output time.
        path: PNG file.
        names: Fields in the marrow, or along the bone's edge.
        near: Show the last one once more, around the lesion, if that is a part of the section only.

    Returns:
        `path`.
    """
    section = planar(state, normal_of(state), names)
    first = planar(state.first, normal_of(state), []) if state.moves else None
    near = near and _is_local(state, section)
    shown = [*names, names[-1]] if near else names
    sheet = Sheet(len(shown), section.aspect, width=7.2 if len(shown) > 1 else 4.8)
    for column, name in enumerate(shown):
        close = near and column == len(names)
        values = section.surface if name in section.surface else section.marrow
        bar = () if close else (column, column + (near and column == len(names) - 1))
        draw_panel(sheet, column, state, section, name, [values[name]], first, bar, close)
    sheet.time(state.time)
    return sheet.save(path)


def draw_panel(
    sheet: Sheet,
    column: int,
    state: State,
    section: Planar,
    name: str,
    scaled: Sequence[np.ndarray],
    first: Planar | None,
    bar: Sequence[int] | None = None,
    close: bool = False,
) -> None:
    """Draw one field of a 2-D result into a panel.

    Args:
        sheet: The figure.
        column: Number of the panel.
        state: Output time.
        section: Its section.
        name: Field in the marrow or along the bone's edge.
        scaled: Values that the scale must hold.
        first: The section at the start, where the surface has moved.
        bar: First and last panel that the colour bar is for, empty for no bar; None for this one.
        close: Show the surroundings of the focus only.
    """
    import matplotlib.pyplot as plt

    on_edge = name in section.surface
    width = float(np.ptp(section.box[:, 0]))
    with plt.rc_context(RC):
        ax = sheet.panel(column, "lesion" if close else "bone" if on_edge else state.label(name))
        draw_frame(ax, section)
        cmap: Any
        notes = [state.labelled(state.series(name))]
        if on_edge:
            norm, cmap, extend = surface_colours(name == state.depth, scaled)
            notes += gained(norm)
            draw_edge(ax, section, section.surface[name], norm, cmap, 4.0 if close else 2.4)
        else:
            (norm, extend), cmap = joint_norm(scaled), field_colours()
            draw_marrow(ax, section, section.marrow[name], norm, cmap)
        notes += [IMPLANT_NOTE] if section.implant else []
        if first is not None:
            draw_first_edge(ax, first)
            notes.append("dashed: bone at day 0")
        if draw_infected(ax, section):
            notes.append("line: infected marrow")
        for centre, radius in state.foci:
            add_focus(ax, centre[:2], radius)
        if state.foci:
            notes.append("dotted: focus")
        if close:
            width = _zoom(ax, section, state)
        if close or column == 0:
            add_scale_bar(ax, 1.0, width)
    bar = (column, column) if bar is None else bar
    if bar:
        sheet.colour_bar(bar[0], bar[-1], norm, cmap, "; ".join(notes), extend)


def _is_local(state: State, section: Planar) -> bool:
    """Whether a lesion fills only a part of the section: a focus, or else erosion at one place."""
    if state.foci:
        return state.foci[0][1] < _half(state, section)
    depth = state.result.surface[state.depth][-1] if state.depth else np.zeros(0)
    return len(depth) > 0 and float(depth.max()) > 3 * max(float(np.median(depth)), NO_DEPTH)


def _half(state: State, section: Planar) -> float:
    """Half the height of the surroundings of the lesion that are shown, um."""
    radius = state.foci[0][1] if state.foci else 300.0
    return min(2.5 * radius, _NEAR * float(np.ptp(section.box[:, 1])) / 2)


def _zoom(ax: Axes, section: Planar, state: State) -> float:
    """Show the surroundings of the focus; their width, um."""
    (x0, y0), (x1, y1) = section.box
    half = _half(state, section)
    wide = min(half * section.aspect, (x1 - x0) / 2)
    half = wide / section.aspect
    x = float(np.clip(state.centre[0], x0 + wide, x1 - wide))
    y = float(np.clip(state.centre[1], y0 + half, y1 - half))
    ax.set_xlim(x - wide, x + wide)
    ax.set_ylim(y - half, y + half)
    return 2 * wide
