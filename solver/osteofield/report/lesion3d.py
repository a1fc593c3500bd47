# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bone surface and its erosion over time, small enough to be carried inside a page."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from ..results import Result
from ..view.mesh import region_border, surface_mesh
from ..view.scale import NO_DEPTH
from ..view.sight import normal_of
from ..view.state import State
from ..view.style import BONE, CUT_BONE, INFECTION, depth_colours

MOST_TRIANGLES = 80_000
MOST_TIMES = 15
_LEVELS = 65535


def lesion_data(result: Result) -> dict[str, Any] | None:
    """What the viewer draws, ready for JSON; None where there is no bone in 3-D.

    Positions are 16-bit within the box, depths 8-bit from 0 to the deepest. A surface that moves is
    given at the last output time only.
    """
    times = result.marrow.times
    if not len(times):
        return None
    last = State(result, len(times) - 1)
    if last.dimension != 3 or last.depth is None or not len(last.surface_mesh[1]):
        return None
    points, triangles, rows = _decimated(*last.surface_mesh, last.facing_marrow)
    steps = [last.step]
    if not last.moves:
        chosen = np.linspace(0, len(times) - 1, min(MOST_TIMES, len(times))).round().astype(int)
        steps = sorted(set(chosen.tolist()))
    series = result.surface[last.depth]
    depths = np.array([series[k][rows] for k in steps])
    top = float(depths.max()) if depths.max() > NO_DEPTH else 1.0
    low, high = last.box
    normal = normal_of(last)
    data = {
        "box": [low.tolist(), high.tolist()],
        "points": _positions(points, low, high),
        "triangles": _packed(triangles.astype("<u4")),
        "count": len(points),
        "depths": _packed(np.round(255 * np.clip(depths / top, 0, 1)).astype("u1")),
        "times": [float(times[k]) for k in steps],
        "top": top,
        "colours": _packed(np.round(255 * depth_colours()(np.linspace(0, 1, 256))).astype("u1")),
        "bone": BONE,
        "cut": CUT_BONE,
        "infection": INFECTION,
        "centre": last.centre.tolist(),
        "normal": normal.tolist(),
        "foci": [[c.tolist(), r] for c, r in last.foci],
        "border": None,
    }
    if last.infected is not None:
        border = region_border(*last.marrow_mesh, last.infected_share)
        if border.n_cells:
            data["border"] = {
                "points": _positions(np.asarray(border.points, dtype=float), low, high),
                "triangles": _packed(border.triangulate().regular_faces.astype("<u4")),
            }
    return data


def _decimated(
    points: np.ndarray, triangles: np.ndarray, oriented: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points, triangles and the rows of `points` that were kept: at most about `MOST_TRIANGLES` triangles."""
    if len(triangles) <= MOST_TRIANGLES:
        return points, oriented, np.arange(len(points))
    from scipy.spatial import cKDTree

    share = 1 - MOST_TRIANGLES / len(triangles)
    mesh = surface_mesh(points, oriented).decimate_pro(share, preserve_topology=True, feature_angle=60)
    kept = np.asarray(mesh.points, dtype=float)
    # points are kept or removed but never moved
    return kept, mesh.regular_faces, cKDTree(points).query(kept)[1]


def _positions(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
    return _packed(np.round(_LEVELS * np.clip((points - low) / (high - low), 0, 1)).astype("<u2"))


def _packed(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
