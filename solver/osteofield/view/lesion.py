# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bone surface coloured by eroded depth, cut open at the lesion, with the infected marrow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyvista as pv

from .mesh import cut_away, openings, region_border, slice_of, surface_mesh
from .scale import surface_colours
from .scene import Camera, Scene
from .sheet import Sheet
from .state import State
from .style import INFECTION

_ASPECT = 1.05
DEFAULT_FACING = np.array([0.0, -1.0, 0.0])


def draw_lesion(state: State, path: Path, name: str) -> Path:
    """Write the picture of surface field `name`: whole sample, and the lesion from near.

    Returns:
        `path`.
    """
    series = state.result.surface[name]
    values = series[state.step]
    points, triangles = state.surface_mesh[0], state.facing_marrow
    normal = facing(points, triangles, np.clip(values, 0, None), state.centre)
    bone = cut_away(surface_mesh(points, triangles, value=values), state.centre, normal)

    sheet = Sheet(2, _ASPECT)
    norm, cmap, extend = surface_colours(state, name, values)
    # VTK's own logarithm differs from matplotlib's at the ends: it gets the position on the scale
    bone["value"] = np.asarray(norm(np.clip(bone["value"], norm.vmin, norm.vmax)), dtype=float)
    holes = openings(state.marrow_mesh[0], state.marrow_on_box)
    scene = Scene(bone, kept_box(state.box, state.centre, normal), "value", cmap, holes)
    marked = add_infection(scene, state, normal)

    camera = Camera.looking_at(normal, 24, 20, scene.box, _ASPECT)
    near = camera.closer(state.centre, _near_height(state, camera))
    for column, (title, eye) in enumerate((("bone, cut open at the lesion", camera), ("lesion", near))):
        sheet.picture(column, title, scene.image(eye, sheet.pixels), eye)
    label = state.labelled(series) + (f"; blue: {marked}" if marked else "")
    sheet.colour_bar(0, 1, norm, cmap, label, extend)
    sheet.time(state.time)
    return sheet.save(path)


def facing(points: np.ndarray, triangles: np.ndarray, weight: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """The direction along an axis from which most weighted surface behind a cut at `centre` is seen.

    Args:
        points: ``(n, 3)``.
        triangles: ``(m, 3)``, normals into the marrow.
        weight: ``(n,)``, not negative.
        centre: ``(3,)``.
    """
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area, middle = np.cross(b - a, c - a) / 2, (a + b + c) / 3 - centre
    w = weight[triangles].mean(1)
    best, chosen = -1.0, DEFAULT_FACING
    for normal in np.concatenate([-np.eye(3), np.eye(3)])[[1, 0, 4, 3, 5, 2]]:
        seen = np.clip(area @ normal, 0, None) * (middle @ normal < 0)
        if (score := float(w @ seen)) > best * (1 + 1e-9):
            best, chosen = score, normal
    return chosen


def kept_box(box: np.ndarray, centre: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """The part ``(2, 3)`` of a box behind a cut at `centre`."""
    out = box.copy()
    axis = int(np.abs(normal).argmax())
    out[1 if normal[axis] > 0 else 0, axis] = centre[axis]
    return out


def add_infection(scene: Scene, state: State, normal: np.ndarray) -> str:
    """Add the border of the infected marrow, or the foci where no bacteria were written.

    Returns:
        What blue means; empty if there is nothing.
    """
    if state.infected is not None:
        border = region_border(*state.marrow_mesh, state.infected_share)
        text = "infected marrow"
        plane = slice_of(*state.marrow_mesh, state.centre, normal, share=state.infected_share)
        outline = plane.contour([0.5], scalars="share") if plane.n_points else plane
        if outline.n_cells:
            scene.extras.append(
                lambda plotter: plotter.add_mesh(
                    outline.translate(3.0 * normal), color=INFECTION, line_width=6, lighting=False
                )
            )
    elif state.foci and not state.bacteria_written:
        border = pv.merge(
            [pv.Sphere(radius=r, center=c, theta_resolution=60, phi_resolution=60) for c, r in state.foci]
        )
        text = "focus at the start"
    else:
        return ""
    border = cut_away(border, state.centre, normal)
    if not border.n_cells:
        return ""
    scene.extras.append(
        lambda plotter: plotter.add_mesh(
            border, color=INFECTION, opacity=0.45, smooth_shading=True, specular=0.2, ambient=0.25
        )
    )
    return text


def _near_height(state: State, camera: Camera) -> float:
    radius = state.foci[0][1] if state.foci else 300.0
    return float(min(camera.height * 0.62, max(5.0 * radius, 0.25 * camera.height)))
