# SPDX-License-Identifier: LGPL-3.0-or-later
"""A marrow field on a plane through the focus, with the bone below it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyvista as pv
from matplotlib.colors import Normalize

from .lesion import DEFAULT_FACING, facing, kept_box
from .mesh import cut_away, openings, slice_of, surface_mesh
from .scale import norm_of
from .scene import Camera, Scene
from .sheet import Sheet
from .state import State
from .style import COLUMN, INK, field_colours

_ASPECT = 1.05


def draw_section(state: State, path: Path, names: list[str]) -> Path:
    """Write the picture of marrow fields `names`, one panel each.

    Returns:
        `path`.
    """
    points, triangles = state.surface_mesh
    normal, bone = DEFAULT_FACING, None
    if len(triangles):
        triangles = state.facing_marrow
        weight = np.ones(len(points))
        if state.depth:
            weight = np.clip(state.result.surface[state.depth][state.step], 0, None)
        normal = facing(points, triangles, weight, state.centre)
        bone = cut_away(surface_mesh(points, triangles), state.centre, normal)
    box = kept_box(state.box, state.centre, normal)
    camera = Camera.looking_at(normal, 24, 34, box, _ASPECT)

    holes = openings(state.marrow_mesh[0], state.marrow_on_box)
    sheet = Sheet(len(names), _ASPECT, width=4.4 if len(names) == 1 else COLUMN)
    for column, name in enumerate(names):
        series = state.result.marrow[name]
        values = series[state.step]
        fields = {"value": values}
        if state.infected is not None:
            fields["infected"] = state.infected_share
        plane = slice_of(*state.marrow_mesh, state.centre, normal, **fields)
        norm, extend = norm_of(values)
        scene = Scene(bone, box, openings=holes)
        scene.extras.append(_plane(plane, norm, normal))
        image = scene.image(camera, sheet.pixels)
        sheet.picture(column, f"{state.label(name)} on a plane through the focus", image, camera)
        label = state.labelled(series) + ("; line: infected marrow" if "infected" in fields else "")
        sheet.colour_bar(column, column, norm, field_colours(), label, extend)
    sheet.time(state.time)
    return sheet.save(path)


def _plane(plane: pv.PolyData, norm: Normalize, normal: np.ndarray) -> Callable[[pv.Plotter], None]:
    """Adds the slice, coloured as `norm` says, and the border of the infected marrow on it."""
    import matplotlib as mpl

    level = np.asarray(norm(np.clip(plane["value"], norm.vmin, norm.vmax)), dtype=float)
    plane["level"] = level
    lifted = plane.translate(2.0 * normal)  # um, in front of the bone it touches

    def add(plotter: pv.Plotter) -> None:
        plotter.add_mesh(
            lifted, scalars="level", cmap=mpl.colormaps[field_colours()], clim=(0, 1), lighting=False,
            show_scalar_bar=False, n_colors=512,
        )  # fmt: skip
        if "infected" in lifted.point_data:
            line = lifted.contour([0.5], scalars="infected")
            if line.n_cells:
                plotter.add_mesh(line.translate(4.0 * normal), color="white", line_width=9, lighting=False)
                plotter.add_mesh(line.translate(6.0 * normal), color=INK, line_width=4.5, lighting=False)

    return add
