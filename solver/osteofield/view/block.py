# SPDX-License-Identifier: LGPL-3.0-or-later
"""A marrow field in 3-D: a block with a corner cut out at the focus, and a plane with relief."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyvista as pv
from matplotlib.colors import Normalize

from .implant import NOTE as IMPLANT_NOTE
from .implant import body_of, on_face, section_of
from .mesh import cut_away, openings, slice_of, surface_mesh
from .scale import norm_of
from .scene import Camera, Scene
from .sheet import Sheet
from .sight import kept_box
from .state import State
from .style import CUT_BONE, IMPLANT, INK, field_colours

_ASPECT = 1.05
_ASIDE, _ABOVE = 24.0, 34.0  # degree


def draw_field(state: State, path: Path, name: str, normal: np.ndarray) -> Path:
    """Write the picture of marrow field `name`.

    Returns:
        `path`.
    """
    series = state.result.marrow[name]
    values = series[state.step]
    norm, extend = norm_of(values)
    sheet = Sheet(2, _ASPECT)
    corner = block_scene(state, values, norm, field_colours(), normal)
    camera = Camera.looking_at(normal, _ASIDE, _ABOVE - 6, corner.box, _ASPECT)
    title = f"{state.label(name)}, corner cut out at the focus" if state.foci else state.label(name)
    sheet.picture(0, title, corner.image(camera, sheet.pixels), camera)
    scene, marked = plane_scene(state, values, norm, field_colours(), normal)
    camera = Camera.looking_at(normal, _ASIDE, _ABOVE, scene.box, _ASPECT)
    title = "on a plane through the focus" if state.foci else "on a plane"
    sheet.picture(1, title, scene.image(camera, sheet.pixels), camera)
    sheet.colour_bar(0, 1, norm, field_colours(), "; ".join([state.labelled(series), *marked]), extend)
    sheet.time(state.time)
    return sheet.save(path)


def plane_scene(
    state: State, values: np.ndarray, norm: Normalize, cmap: Any, normal: np.ndarray
) -> tuple[Scene, list[str]]:
    """Marrow values ``(n,)`` on a plane through the focus, and the bone behind it.

    Returns:
        The scene, and what its lines mean.
    """
    bone = None
    if len(state.surface_mesh[1]):
        mesh = surface_mesh(state.surface_mesh[0], state.facing_marrow)
        bone = cut_away(mesh, state.centre, normal)
    fields = {"value": values}
    if state.infected is not None:
        fields["infected"] = state.infected_share
    plane = slice_of(*state.marrow_mesh, state.centre, normal, fields)
    holes = openings(state.marrow_mesh[0], state.marrow_on_box)
    scene = Scene(bone, kept_box(state.box, state.centre, normal), openings=holes)
    scene.implant = body_of(state, normal)
    scene.extras.append(
        _coloured(plane.translate(2.0 * normal), norm, cmap)
    )  # um, before the bone it touches
    marked = [] if scene.implant is None else [IMPLANT_NOTE]
    if "infected" in fields and plane.n_points:
        line = plane.contour([0.5], scalars="infected")
        if line.n_cells:
            scene.extras.append(_outline(line, normal))
            marked.append(f"line: infected marrow ({state.infected_text})")
    return scene, marked


def block_scene(state: State, values: np.ndarray, norm: Normalize, cmap: Any, normal: np.ndarray) -> Scene:
    """The whole block, its faces coloured by marrow values ``(n,)``, without the octant before the focus."""
    up = np.array([0.0, 0, 1] if abs(normal[2]) < 0.5 else [0.0, 1, 0])
    outward = np.array([normal, np.cross(up, normal), up])  # of the three faces that are seen
    box, centre = state.box, state.centre
    scene = Scene(None, box, occlusion=False)  # faces have the very colours of the scale
    points, tets = state.marrow_mesh
    corner = np.array([centre, centre + outward.sum(0) * np.ptp(box, axis=0).max() * 2])
    low, high = corner.min(0), corner.max(0)
    notch = np.clip(np.array([low, high]), *box)
    lift = 1e-3 * float(np.ptp(box, axis=0).max())
    bounds = np.column_stack([low - 0.1 * lift, high]).ravel()
    for axis in outward:
        k = int(np.abs(axis).argmax())
        side = int(axis[k] > 0)
        face = pv.PolyData.from_regular_faces(points, state.marrow_on_box[side, k])
        face.point_data["value"] = values
        inner = slice_of(points, tets, centre, axis, {"value": values})
        whole = _rectangle(box, k, box[side, k])
        cut = _rectangle(notch, k, centre[k])
        for mesh, inside in ((face, False), (inner, True)):
            part = _clip(mesh, bounds, inside)
            if part.n_cells:
                scene.extras.append(_coloured(part.translate(lift * axis), norm, cmap))
        for mesh, inside in (
            (on_face(state, k, box[side, k]), False),
            (section_of(state, centre, axis), True),
        ):
            scene.extras.append(_flat(_clip(mesh, bounds, inside).translate(lift * axis), IMPLANT))
        scene.extras.append(_flat(_clip(whole, bounds, inside=False)))
        scene.extras.append(_flat(cut))
    scene.extras.append(_lines(_notch_edges(box, centre, outward).translate(2 * lift * outward.sum(0))))
    return scene


def _clip(mesh: pv.PolyData, bounds: np.ndarray, inside: bool) -> pv.DataSet:
    return mesh.clip_box(bounds, invert=not inside) if mesh.n_cells else mesh


def _rectangle(box: np.ndarray, axis: int, at: float) -> pv.PolyData:
    corners = box.copy()
    corners[:, axis] = at
    a, b = (i for i in range(3) if i != axis)
    points = np.repeat(corners[:1], 4, axis=0)
    points[[1, 2], a] = corners[1, a]
    points[[2, 3], b] = corners[1, b]
    return pv.PolyData.from_regular_faces(points, np.array([[0, 1, 2, 3]])).triangulate()


def _notch_edges(box: np.ndarray, centre: np.ndarray, outward: np.ndarray) -> pv.PolyData:
    """Edges of the cut-out octant."""
    far = np.array([box[int(o.sum() > 0), int(np.abs(o).argmax())] for o in outward])
    near = np.array([centre[int(np.abs(o).argmax())] for o in outward])
    axes = [int(np.abs(o).argmax()) for o in outward]

    def at(pattern: Sequence[int]) -> np.ndarray:
        point = np.empty(3)
        for axis, choice, n, f in zip(axes, pattern, near, far, strict=True):
            point[axis] = f if choice else n
        return point

    pairs = [
        (p, tuple(1 if i == k else v for i, v in enumerate(p)))
        for p in np.ndindex(2, 2, 2)
        for k in range(3)
        if not p[k]
    ]
    lines = [pv.Line(at(p), at(q)) for p, q in pairs if sum(q) < 3]  # the removed corner is air
    return pv.merge(lines)


def _coloured(mesh: pv.DataSet, norm: Normalize, cmap: Any) -> Callable[[pv.Plotter], None]:
    """Adds a mesh with point field ``value``, coloured as `norm` says."""
    import matplotlib as mpl

    shown = np.clip(mesh["value"], norm.vmin, norm.vmax)
    mesh["level"] = np.asarray(norm(shown), dtype=float)
    colours = mpl.colormaps[cmap] if isinstance(cmap, str) else cmap
    # not `lighting=False`: without normals of its own it is given the occlusion of the bone behind it
    flat = {"ambient": 1.0, "diffuse": 0.0, "specular": 0.0}
    return lambda plotter: plotter.add_mesh(
        mesh, scalars="level", cmap=colours, clim=(0, 1), **flat, show_scalar_bar=False, n_colors=512
    )


def _flat(mesh: pv.DataSet, colour: str = CUT_BONE) -> Callable[[pv.Plotter], None]:
    return lambda plotter: plotter.add_mesh(mesh, color=colour, lighting=False) if mesh.n_cells else None


def _lines(mesh: pv.PolyData) -> Callable[[pv.Plotter], None]:
    return lambda plotter: plotter.add_mesh(mesh, color="#555555", line_width=2.0, lighting=False)


def _outline(line: pv.PolyData, normal: np.ndarray) -> Callable[[pv.Plotter], None]:
    def add(plotter: pv.Plotter) -> None:
        plotter.add_mesh(line.translate(6.0 * normal), color="white", line_width=9, lighting=False)
        plotter.add_mesh(line.translate(8.0 * normal), color=INK, line_width=4.5, lighting=False)

    return add
