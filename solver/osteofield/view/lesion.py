# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bone surface coloured by eroded depth, cut open at the lesion, with foci and bacteria."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import Normalize

from .implant import NOTE as IMPLANT_NOTE
from .implant import body_of
from .mesh import cut_away, lines_of, openings, region_border, slice_of, surface_mesh
from .scale import NO_DEPTH, gained, surface_colours
from .scene import Camera, Scene
from .sheet import Sheet
from .sight import kept_box
from .state import State
from .style import INFECTION, INK

_ASPECT = 1.05


def draw_lesion(state: State, path: Path, name: str, normal: np.ndarray) -> Path:
    """Write the picture of surface field `name`: whole sample, and the lesion from near.

    Returns:
        `path`.
    """
    series = state.result.surface[name]
    values = series[state.step]
    norm, cmap, extend = surface_colours(name == state.depth, [values])
    scene, marked = lesion_scene(state, values, norm, cmap, normal)
    sheet = Sheet(2, _ASPECT)
    camera = Camera.looking_at(normal, 24, 20, scene.box, _ASPECT)
    near = camera.closer(state.centre, near_height(state, camera))
    lesion = bool(state.foci) or name != state.depth or float(values.max(initial=0.0)) > NO_DEPTH
    titles = ("bone, cut open at the lesion", "lesion") if lesion else ("bone, cut open", "nearer")
    for column, (title, eye) in enumerate(zip(titles, (camera, near), strict=True)):
        sheet.picture(column, title, scene.image(eye, sheet.pixels), eye, state.foci)
    sheet.colour_bar(0, 1, norm, cmap, "; ".join([state.labelled(series), *gained(norm), *marked]), extend)
    sheet.time(state.time)
    return sheet.save(path)


def lesion_scene(
    state: State, values: np.ndarray, norm: Normalize, cmap: Any, normal: np.ndarray
) -> tuple[Scene, list[str]]:
    """Bone cut open at the focus, coloured by ``(n,)`` values, with the border of the infected marrow.

    Returns:
        The scene, and what its colours and lines mean.
    """
    points, triangles = state.surface_mesh[0], state.facing_marrow
    bone = cut_away(surface_mesh(points, triangles, value=values), state.centre, normal)
    # VTK's own logarithm differs from matplotlib's at the ends: it gets the position on the scale
    bone["value"] = np.asarray(norm(np.clip(bone["value"], norm.vmin, norm.vmax)), dtype=float)
    holes = openings(state.marrow_mesh[0], state.marrow_on_box)
    scene = Scene(bone, kept_box(state.box, state.centre, normal), "value", cmap, holes)
    scene.implant = body_of(state, normal)
    marked = [] if scene.implant is None else [IMPLANT_NOTE]
    if add_infection(scene, state, normal):
        marked.append(f"blue: bacteria, {state.infected_text}")
    if state.foci:
        marked.append("dotted: focus at day 0")
    if state.moves:  # where the bone was, on the cut plane
        was = lines_of(*state.first.surface_mesh, state.centre, normal).translate(4.0 * normal)
        scene.extras.append(lambda plotter: plotter.add_mesh(was, color=INK, line_width=3, lighting=False))
        marked.append("line: bone at day 0")
    return scene, marked


def add_infection(scene: Scene, state: State, normal: np.ndarray) -> bool:
    """Add the border of the infected marrow, an isosurface of the bacteria.

    Returns:
        Whether there is one in what the cut leaves.
    """
    if state.infected is None:
        return False
    border = cut_away(region_border(*state.marrow_mesh, state.infected_share), state.centre, normal)
    plane = slice_of(*state.marrow_mesh, state.centre, normal, {"share": state.infected_share})
    outline = plane.contour([0.5], scalars="share") if plane.n_points else plane
    if outline.n_cells:
        scene.extras.append(
            lambda plotter: plotter.add_mesh(
                outline.translate(3.0 * normal), color=INFECTION, line_width=6, lighting=False
            )
        )
    if border.n_cells:
        scene.extras.append(
            lambda plotter: plotter.add_mesh(
                border, color=INFECTION, opacity=0.45, smooth_shading=True, specular=0.2, ambient=0.25
            )
        )
    return bool(border.n_cells or outline.n_cells)


def near_height(state: State, camera: Camera) -> float:
    """Height of a picture of the lesion alone, um."""
    radius = state.foci[0][1] if state.foci else 300.0
    return float(min(camera.height * 0.62, max(5.0 * radius, 0.25 * camera.height)))
