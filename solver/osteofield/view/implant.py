# SPDX-License-Identifier: LGPL-3.0-or-later
"""An implant in pictures: its outline in flat sections, its surface cut open in space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .style import IMPLANT, INK

if TYPE_CHECKING:
    import pyvista as pv
    from matplotlib.axes import Axes

    from .state import State

NOTE = "grey: implant"


def loops(segments: np.ndarray) -> list[np.ndarray]:
    """Rows of points along each closed line that segments ``(k, 2)`` of rows make up."""
    beside: dict[int, list[int]] = {}
    for a, b in segments.tolist():
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    out = []
    while beside:
        here = next(iter(beside))
        line = [here]
        while beside.get(here):
            following = beside[here].pop()
            beside[following].remove(here)
            here = following
            line.append(here)
        for p in [p for p in line if not beside.get(p)]:
            beside.pop(p, None)
        if len(line) > 3:
            out.append(np.array(line))
    return out


def draw_outlines(ax: Axes, outlines: list[np.ndarray]) -> None:
    """Fill closed lines ``(n, 2)`` with the grey of an implant."""
    if not outlines:
        return
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    whole = Path.make_compound_path(*(Path(line) for line in outlines))
    ax.add_patch(PathPatch(whole, fc=IMPLANT, ec=INK, lw=0.4, zorder=0.5))


def outlines_of(state: State, normal: np.ndarray, axes: np.ndarray) -> list[np.ndarray]:
    """Closed lines ``(n, 2)`` of the implant in the plane through `state.centre`, in its axes ``(3, 2)``."""
    hull = state.result.implant
    if hull is None:
        return []
    points, facets, _ = hull
    if state.dimension == 2:
        return [points[line][:, :2] for line in loops(facets)]
    from .mesh import lines_of

    cut = lines_of(points, facets, state.centre, normal)
    if not cut.n_cells:
        return []
    ends = cut.lines.reshape(-1, 3)[:, 1:]
    return [(np.asarray(cut.points, dtype=float) @ axes)[line] for line in loops(ends)]


@dataclass(frozen=True)
class Body:
    """An implant cut open along a plane, less what bone hides.

    Attributes:
        free: What of its surface touches marrow, behind the plane, normals into the marrow.
        ends: What of it lies in faces of the box, behind the plane, normals out of the box.
        cap: Its section in the plane.
    """

    free: pv.PolyData
    ends: pv.PolyData
    cap: pv.PolyData


def body_of(state: State, normal: np.ndarray) -> Body | None:
    """The implant behind the plane through `state.centre`, seen from where `normal` points; None without."""
    hull = state.result.implant
    if hull is None or state.dimension != 3:
        return None
    import pyvista as pv

    from .mesh import cut_away

    points, facets, at_marrow = hull
    at_end = np.zeros(len(facets), bool)
    for side in state.box:
        on = np.abs(points - side) < 1e-6 * float(np.ptp(state.box, axis=0).max())
        at_end |= on[facets].all(1).any(1)
    free, ends = (
        cut_away(pv.PolyData.from_regular_faces(points, facets[some]), state.centre, normal)
        for some in (at_marrow & ~at_end, at_end)
    )
    return Body(free, ends, section_of(state, state.centre, normal))


def section_of(state: State, origin: np.ndarray, normal: np.ndarray) -> pv.PolyData:
    """The implant in a plane, filled; of a section all of it; empty where there is none."""
    import pyvista as pv

    hull = state.result.implant
    if hull is None:
        return pv.PolyData()
    if state.dimension == 2:
        points, segments, _ = hull
        outline = pv.PolyData(points, lines=np.insert(segments, 0, 2, axis=1).ravel())
        return outline.triangulate_contours()
    cut = pv.PolyData.from_regular_faces(*hull[:2]).slice(normal=normal, origin=origin)
    return cut.triangulate_contours() if cut.n_cells else pv.PolyData()


def cut_open(state: State, origin: np.ndarray, normal: np.ndarray) -> pv.PolyData | None:
    """Surface of the implant behind a plane, closed by its section in it; None without one."""
    import pyvista as pv

    from .mesh import cut_away

    hull = state.result.implant
    if hull is None:
        return None
    outside = cut_away(pv.PolyData.from_regular_faces(*hull[:2]), origin, normal)
    return pv.merge([outside, section_of(state, origin, normal)]).extract_surface(algorithm="dataset_surface")


def on_face(state: State, axis: int, at: float) -> pv.PolyData:
    """The implant in a face of the box."""
    import pyvista as pv

    hull = state.result.implant
    if hull is None:
        return pv.PolyData()
    points, facets, _ = hull
    near = np.abs(points[:, axis] - at) < 1e-6 * float(np.ptp(state.box, axis=0).max())
    return pv.PolyData.from_regular_faces(points, facets[near[facets].all(1)])
