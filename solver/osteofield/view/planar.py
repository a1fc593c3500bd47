# SPDX-License-Identifier: LGPL-3.0-or-later
"""A flat section of the sample, in plane coordinates: of a 3-D sample a cut, of a 2-D one all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from .implant import draw_outlines, outlines_of
from .state import State
from .style import CUT_BONE, INK

_INFECTED = "(infected)"  # no name of a population


@dataclass(frozen=True)
class Planar:
    """Marrow triangles and bone edges of a flat section, with fields.

    Attributes:
        points: ``(n, 2)`` of the marrow, um, to the right and up.
        triangles: ``(m, 3)`` rows of `points`.
        marrow: Field name to ``(n,)`` values.
        edge: ``(k, 2, 2)`` segments of the bone's edge.
        surface: Field name to ``(k, 2)`` values at the ends of the segments.
        infected: ``(n,)`` share of infected marrow, 0.5 at its border; None where there is none.
        box: ``(2, 2)`` lower left and upper right corner.
        right, up: ``(3,)`` axes of the plane.
        origin: ``(3,)`` a point of the plane.
        implant: Closed lines ``(m, 2)`` around what is implant.
    """

    points: np.ndarray
    triangles: np.ndarray
    marrow: dict[str, np.ndarray]
    edge: np.ndarray
    surface: dict[str, np.ndarray]
    infected: np.ndarray | None
    box: np.ndarray
    right: np.ndarray
    up: np.ndarray
    origin: np.ndarray
    implant: list[np.ndarray]

    @property
    def aspect(self) -> float:
        """Width over height."""
        width, height = np.ptp(self.box, axis=0)
        return float(width / height)

    def coordinates(self, points: np.ndarray) -> np.ndarray:
        """Plane coordinates ``(n, 2)`` of points ``(n, 3)``."""
        return np.column_stack([points @ self.right, points @ self.up])


def planar(state: State, normal: np.ndarray, names: Sequence[str]) -> Planar:
    """The section through `state.centre`.

    Args:
        state: One output time.
        normal: ``(3,)`` unit vector along an axis, towards the eye; not used in 2-D.
        names: Populations of marrow or surface that are wanted.
    """
    result, step = state.result, state.step
    marrow = {n: result.marrow[n][step] for n in names if n in result.marrow}
    surface = {n: result.surface[n][step] for n in names if n in result.surface}
    if state.dimension == 2:
        points, triangles = state.marrow_mesh
        ends, segments = state.surface_mesh
        return Planar(
            points[:, :2], triangles, marrow, ends[segments][..., :2],
            {n: v[segments] for n, v in surface.items()},
            None if state.infected is None else state.infected_share,
            state.box[:, :2], np.array([1.0, 0, 0]), np.array([0.0, 1, 0]), np.zeros(3),
            outlines_of(state, normal, np.eye(3)[:, :2]),
        )  # fmt: skip
    from .mesh import lines_of, slice_of

    up = np.array([0.0, 0, 1] if abs(normal[2]) < 0.5 else [0.0, 1, 0])
    right = np.cross(up, normal)
    axes = np.column_stack([right, up])
    share = {} if state.infected is None else {_INFECTED: state.infected_share}
    cut = slice_of(*state.marrow_mesh, state.centre, normal, {**marrow, **share})
    lines = lines_of(*state.surface_mesh, state.centre, normal, surface)
    ends = lines.lines.reshape(-1, 3)[:, 1:] if lines.n_cells else np.empty((0, 2), dtype=int)
    return Planar(
        np.asarray(cut.points, dtype=float) @ axes,
        cut.regular_faces if cut.n_cells else np.empty((0, 3), dtype=int),
        {n: np.asarray(cut[n], dtype=float) for n in marrow},
        (np.asarray(lines.points, dtype=float) @ axes)[ends],
        {n: np.asarray(lines[n], dtype=float)[ends] for n in surface},
        np.asarray(cut[_INFECTED]) if share and cut.n_points else None,
        np.sort(state.box @ axes, axis=0), right, up, state.centre,
        outlines_of(state, normal, axes),
    )  # fmt: skip


def draw_frame(ax: Axes, section: Planar) -> None:
    """Fill the section with bone, ready for marrow on it."""
    import matplotlib.pyplot as plt

    (x0, y0), (x1, y1) = section.box
    ax.set_xlim(x0, x1)
    ax.set_ylim(y0, y1)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.add_patch(plt.Rectangle((x0, y0), x1 - x0, y1 - y0, fc=CUT_BONE, ec="none", zorder=0))
    draw_outlines(ax, section.implant)


def draw_marrow(ax: Axes, section: Planar, values: np.ndarray, norm: Normalize, cmap: str) -> None:
    """Marrow coloured by ``(n,)`` values, with the bone's edge as a thin line."""
    if len(section.triangles):
        ax.tripcolor(
            *section.points.T, section.triangles, np.clip(values, norm.vmin, norm.vmax), norm=norm, cmap=cmap,
            shading="gouraud", rasterized=True,
        )  # fmt: skip
    ax.add_collection(LineCollection(list(section.edge), colors=INK, linewidths=0.4))


def draw_edge(
    ax: Axes, section: Planar, values: np.ndarray, norm: Normalize, cmap: object, width: float
) -> None:
    """White marrow, and the bone's edge coloured by ``(k, 2)`` values."""
    if len(section.triangles):
        ax.tripcolor(
            *section.points.T, section.triangles, np.zeros(len(section.points)), cmap="gray", vmin=-1, vmax=0,
            shading="gouraud", rasterized=True,
        )  # fmt: skip
    lines = list(section.edge)
    ax.add_collection(LineCollection(lines, colors=INK, linewidths=1.25 * width, capstyle="round"))
    ax.add_collection(
        LineCollection(
            lines, array=values.mean(1), norm=norm, cmap=cmap, linewidths=width, capstyle="round"
        )
    )  # fmt: skip


def draw_infected(ax: Axes, section: Planar, width: float = 0.9) -> bool:
    """The border of the infected marrow, black on white.

    Returns:
        Whether there is one.
    """
    share = section.infected
    if share is None or not share.min() < 0.5 < share.max():
        return False
    for colour, wide in (("white", 2.2 * width), (INK, width)):
        ax.tricontour(
            *section.points.T, section.triangles, share, levels=[0.5], colors=colour, linewidths=wide
        )
    return True


def draw_first_edge(ax: Axes, section: Planar, width: float = 0.6) -> None:
    """The bone's edge of another time, dashed."""
    lines = list(section.edge)
    ax.add_collection(LineCollection(lines, colors=INK, linewidths=width, linestyles=(0, (2.5, 2))))
