# SPDX-License-Identifier: LGPL-3.0-or-later
"""Two runs side by side with one scale, and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .counterpart import looked_at, on_section, on_surface
from .pair import Pair
from .planar import draw_edge, draw_frame, draw_infected, draw_marrow, planar
from .request import COURSES, FIELD, LESION, Request, shown
from .scale import difference_colours, joint_norm, surface_colours
from .sheet import Sheet
from .sight import normal_of
from .state import State
from .style import (
    COLUMN,
    DPI,
    RC,
    add_axes_marks,
    add_scale_bar,
    dress_bar,
    field_colours,
    head_column,
    name_row,
    time_text,
)


def draw_comparison(
    pair: Pair, request: Request, steps: Sequence[tuple[int, int]], folder: Path, dated: bool
) -> list[Path]:
    """Files written for one request.

    Args:
        pair: The runs.
        request: What is to be drawn.
        steps: Output time numbers in both.
        folder: Where to.
        dated: Whether file names say the time.
    """
    if request.kind == COURSES:
        from .courses import draw_courses

        runs = dict(zip(pair.names, (pair.first, pair.second), strict=True))
        return [draw_courses(runs, folder / "against_courses.png", request.names or None)]
    written = []
    for i, j in steps:
        a, b = State(pair.first, i), State(pair.second, j)
        stamp = f"_day{a.time:g}" if dated else ""
        if request.kind == LESION and a.dimension == 3:
            written.append(_lesions(pair, a, b, folder / f"against_lesion{stamp}.png"))
            continue
        if request.kind == LESION:
            names = [str(a.depth)]
        else:
            names = list(request.names) or _usual(pair, request.kind)
        name = names[0].replace("/", "_") if request.kind == FIELD else request.kind
        written.append(_sections(pair, a, b, names, folder / f"against_{name}{stamp}.png"))
    return written


def _usual(pair: Pair, kind: str) -> list[str]:
    both = [n for n in shown(pair.first) if n in shown(pair.second)]
    marrow = [n for n in both if n in pair.first.marrow]
    return marrow[:1] if kind == FIELD else marrow[:3] + [n for n in both if n in pair.first.surface][:1]


def _lesions(pair: Pair, a: State, b: State, path: Path) -> Path:
    from .lesion import lesion_scene
    from .scene import Camera

    assert a.depth is not None and b.depth is not None
    ours, theirs = (s.result.surface[s.depth or ""][s.step] for s in (a, b))
    norm, cmap, extend = surface_colours(True, [ours, theirs])
    there, lost = on_surface(a, b, theirs)
    difference_norm, difference_cmap, ends = difference_colours([ours - there])
    normal = normal_of(a)
    aspect = 0.92
    sheet = Sheet(3, aspect)
    columns: list[tuple[str, State, np.ndarray, Any, Any]] = [
        (pair.names[0], a, ours, norm, cmap),
        (pair.names[1], b, theirs, norm, cmap),
        (f"{pair.names[0]} less {pair.names[1]}", a, ours - there, difference_norm, difference_cmap),
    ]
    for column, (title, state, values, scale, colours) in enumerate(columns):
        values = np.where(np.isfinite(values), values, 0.0)
        scene, _ = lesion_scene(state, values, scale, colours, normal)
        if column == 2:
            scene.extras.clear()  # neither run's bacteria
        camera = Camera.looking_at(normal, 24, 20, scene.box, aspect)
        foci = state.foci if column < 2 else ()
        sheet.picture(column, _short(title), scene.image(camera, sheet.pixels), camera, foci)
    label = a.labelled(a.series(a.depth))
    marked = any(s.infected is not None for s in (a, b))
    sheet.colour_bar(0, 1, norm, cmap, label + ("; blue: infected marrow" if marked else ""), extend)
    note = f"; white also where there is no counterpart ({100 * lost:.2g} %)" if lost > 0 else ""
    sheet.colour_bar(2, 2, difference_norm, difference_cmap, f"difference (µm){note}", ends)
    sheet.time(a.time)
    return sheet.save(path)


def _short(title: str, longest: int = 34) -> str:
    return title if len(title) <= longest else title[: longest - 1] + "…"


def _sections(pair: Pair, a: State, b: State, names: Sequence[str], path: Path) -> Path:
    """Flat sections: a row for each population; first, second, difference."""
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable

    normal = normal_of(a)
    ours = planar(a, normal, names)
    theirs = planar(looked_at(b, a), normal, names)
    left, gap, bar, head = 0.2, 0.05, 0.68, 0.24
    wide = (COLUMN - left - gap - 2 * bar) / 3
    high = wide / ours.aspect
    height = head + len(names) * (high + gap) + 0.2
    marked = False
    with plt.rc_context(RC):
        figure = plt.figure(figsize=(COLUMN, height), dpi=DPI)

        def box(x: float, y: float, w: float, h: float) -> tuple[float, float, float, float]:
            return x / COLUMN, y / height, w / COLUMN, h / height

        for r, name in enumerate(names):
            on_edge = name in ours.surface
            values = [(s.surface if on_edge else s.marrow)[name] for s in (ours, theirs)]
            if on_edge:
                norm, cmap, extend = surface_colours(name == a.depth, values)
            else:
                (norm, extend), cmap = joint_norm(values), field_colours()
            less = values[0] - on_section(ours, theirs, values[1], on_edge)
            difference_norm, difference_cmap, ends = difference_colours([less])
            less = np.where(np.isfinite(less), less, 0.0)
            y = height - head - (r + 1) * high - r * gap
            columns = [(ours, values[0], norm, cmap), (theirs, values[1], norm, cmap)]
            columns.append((ours, less, difference_norm, difference_cmap))
            for c, (section, shown_values, scale, colours) in enumerate(columns):
                x = left + c * (wide + gap) + (bar if c == 2 else 0)
                ax = figure.add_axes(box(x, y, wide, high))
                draw_frame(ax, section)
                if on_edge:
                    draw_edge(ax, section, shown_values, scale, colours, 1.8)
                else:
                    draw_marrow(ax, section, shown_values, scale, colours)
                if c < 2:
                    marked |= draw_infected(ax, section, 0.7)
                if r == 0:
                    title = (*pair.names, "difference")[c]
                    head_column(figure, x + wide / 2, _short(title, 30))
                if r == len(names) - 1 and c == 0:
                    add_scale_bar(ax, 1.0, float(np.ptp(section.box[:, 0])))
                    add_axes_marks(ax, section.right, section.up)
            bars: list[tuple[float, Any, Any, str]] = [
                (left + 2 * wide + gap + 0.08, norm, cmap, extend),
                (left + 3 * wide + 2 * gap + bar + 0.08, difference_norm, difference_cmap, ends),
            ]
            for x, scale, colours, open_end in bars:
                ax = figure.add_axes(box(x, y + 0.05 * high, 0.08, 0.84 * high))
                made = figure.colorbar(
                    ScalarMappable(scale, colours), cax=ax, extend=open_end, extendfrac=0.04
                )
                dress_bar(made, a.series(name).unit)
            name_row(figure, left, y + high / 2, a.label(name))
        line = "line: border of the infected marrow; " if marked else ""
        said = f"{time_text(a.time)}; {line}difference: {pair.names[0]} less {pair.names[1]}"
        figure.text(left / COLUMN, 0.03 / height, said, size=6.5, va="bottom")
        figure.savefig(path, dpi=DPI)
        plt.close(figure)
    return path
