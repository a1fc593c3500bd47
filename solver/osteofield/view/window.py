# SPDX-License-Identifier: LGPL-3.0-or-later
"""A window to turn, cut and follow a result in."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, Problem
from ..results import open_results
from ..results.reader import ERODED_DEPTH
from .implant import cut_open, section_of
from .request import names_of, read_requests, shown
from .scale import joint_norm, surface_colours
from .sight import normal_of
from .state import State
from .style import BONE, IMPLANT, INFECTION, INK, field_colours, time_text, with_unit

if TYPE_CHECKING:
    import pyvista as pv

NO_DISPLAY = (
    "there is no display to open a window on. Take 'osteofield plot {0}' for pictures or "
    "'osteofield report {0}' for a page with the lesion in 3-D; over ssh, connect with 'ssh -X', or copy the "
    "folder to a machine with a screen."
)


def require_display(
    directory: Path, environment: Mapping[str, str] = os.environ, system: str = sys.platform
) -> None:
    """Say what to do where no window can be opened.

    Raises:
        InputError: There is neither an X nor a Wayland display.
    """
    if system.startswith("linux") and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        raise InputError(Problem(NO_DISPLAY.format(directory)))


def open_window(directory: str | Path, name: str | None = None) -> None:
    """Open a window and wait until it is closed.

    Args:
        directory: The results folder.
        name: Population to colour by; None for the eroded depth.

    Raises:
        InputError: No display, no results, no such population, or no fields.
    """
    window = build_window(directory, name, check=require_display)
    window.show(title=f"osteofield: {Path(directory).name}")


def build_window(
    directory: str | Path,
    name: str | None = None,
    off_screen: bool = False,
    check: Callable[[Path], None] = lambda directory: None,
) -> pv.Plotter:
    """The window, ready to be shown.

    Args:
        directory: The results folder.
        name: Population to colour by.
        off_screen: Draw to memory, for tests.
        check: Called when the input is known to be right.
    """
    result = open_results(directory)
    if not len(result.marrow.times):
        message = "there are no fields to look at: the run is well mixed, or has not written any yet."
        raise InputError(Problem(message, result.path))
    if name is not None and name not in names_of(result):
        read_requests(result, name)
        raise InputError(Problem(f"{name!r} is a picture; a population is needed here.", result.path))
    check(result.path)
    import pyvista as pv

    pv.vtk_verbosity("off")
    plotter = pv.Plotter(off_screen=off_screen, window_size=[1200, 900])
    plotter.background_color = "white"
    View(plotter, State(result, len(result.marrow.times) - 1), name)
    return plotter


class View:
    """What is in the window: bone with a plane that cuts it, infected marrow, one slider for time.

    Args:
        plotter: Where to draw.
        last: The last output time.
        name: Population to colour by; None for the eroded depth, else the first that is shown.
    """

    def __init__(self, plotter: pv.Plotter, last: State, name: str | None):
        self.plotter, self.last = plotter, last
        self.result = last.result
        depth = last.depth
        first = shown(self.result)
        default = depth or (first[0] if first else None)
        self.name = depth if name == ERODED_DEPTH else name or default
        self.on_bone = self.name in self.result.surface
        self.normal = normal_of(last)
        self.cut = last.centre.copy()
        self.state = last
        self.norm, self.cmap = self._scale()
        self._draw()
        times = self.result.marrow.times
        if len(times) > 1:
            plotter.add_slider_widget(
                self.to_time, (times[0], times[-1]), value=last.time, title="day", fmt="%.4g", color=INK,
                pointa=(0.62, 0.1), pointb=(0.95, 0.1), style="modern", title_height=0.02,
            )  # fmt: skip
        if last.dimension == 3:
            plotter.add_plane_widget(
                self.to_plane, normal=self.normal, origin=self.cut, bounds=last.box.T.ravel().tolist(),
                implicit=True, color="#8a8a8a", outline_translation=False,
            )  # fmt: skip
        hint = "drag: turn   wheel: zoom   arrow: cut   q: close"
        plotter.add_text(hint, position="upper_left", font_size=8, color=INK)
        plotter.add_axes(color=INK)
        self._look()

    def to_time(self, day: float) -> None:
        """Show the output time nearest to a day."""
        step = int(np.abs(self.result.marrow.times - day).argmin())
        if step != self.state.step:
            self.state = State(self.result, step)
            self._draw()

    def to_plane(self, normal: np.ndarray, origin: np.ndarray) -> None:
        """Cut along another plane."""
        self.normal, self.cut = np.asarray(normal), np.asarray(origin)
        self._draw()

    def _scale(self) -> tuple[Any, Any]:
        if self.name is None:
            return None, None
        values = [self.last.series(self.name)[-1]]
        if self.on_bone:
            norm, cmap, _ = surface_colours(self.name == self.last.depth, values)
            return norm, cmap
        return joint_norm(values)[0], field_colours()

    def _draw(self) -> None:
        """Replace what depends on time and plane; named actors take the place of their predecessors."""
        state, plotter = self.state, self.plotter
        if state.dimension == 2:
            self._draw_flat()
        else:
            self._draw_cut()
        plotter.add_text(time_text(state.time), position="upper_right", font_size=14, color=INK, name="time")
        plotter.render()

    def _draw_cut(self) -> None:
        from .mesh import cut_away, region_border, slice_of, surface_mesh

        state, plotter = self.state, self.plotter
        if len(state.surface_mesh[1]):
            fields = {"value": state.series(self.name)[state.step]} if self.name and self.on_bone else {}
            bone = cut_away(
                surface_mesh(state.surface_mesh[0], state.facing_marrow, **fields), self.cut, self.normal
            )
            look = self._look_of(bone) if self.on_bone else {"color": BONE}
            plotter.add_mesh(bone, name="bone", smooth_shading=True, **look)
        body = cut_open(state, self.cut, self.normal)
        if body is not None and body.n_cells:
            plotter.add_mesh(body, name="implant", color=IMPLANT, ambient=0.5, diffuse=0.5)
        elif body is not None:
            plotter.remove_actor("implant")
        if self.name and not self.on_bone:
            values = state.series(self.name)[state.step]
            plane = slice_of(*state.marrow_mesh, self.cut, self.normal, {"value": values})
            plotter.add_mesh(plane, name="field", lighting=False, **self._look_of(plane))
        border = (
            region_border(*state.marrow_mesh, state.infected_share) if state.infected is not None else None
        )
        if border is not None and border.n_cells:
            border = cut_away(border, self.cut, self.normal)
        if border is not None and border.n_cells:
            plotter.add_mesh(border, name="infected", color=INFECTION, opacity=0.4, smooth_shading=True)
        else:
            plotter.remove_actor("infected")

    def _draw_flat(self) -> None:
        import pyvista as pv

        state, plotter = self.state, self.plotter
        points, triangles = state.marrow_mesh
        marrow = pv.PolyData.from_regular_faces(points, triangles)
        look: dict[str, Any] = {"color": "white"}
        if self.name and not self.on_bone:
            marrow["value"] = state.series(self.name)[state.step]
            look = self._look_of(marrow)
        plotter.add_mesh(marrow, name="field", lighting=False, **look)
        body = section_of(state, state.centre, np.array([0.0, 0, 1]))
        if body.n_cells:
            plotter.add_mesh(body, name="implant", color=IMPLANT, lighting=False)
        ends, segments = state.surface_mesh
        if len(segments):
            lines = np.column_stack([np.full(len(segments), 2), segments]).ravel()
            edge = pv.PolyData(ends, lines=lines)
            look = {"color": INK}
            if self.on_bone and self.name:
                edge["value"] = state.series(self.name)[state.step]
                look = self._look_of(edge)
            plotter.add_mesh(edge, name="bone", line_width=5, lighting=False, **look)

    def _look_of(self, mesh: pv.DataSet) -> dict[str, Any]:
        from matplotlib.colors import LogNorm

        low, high = self.norm.vmin, self.norm.vmax
        mesh["value"] = np.clip(mesh["value"], low, high)
        name = self.name or ""
        label = (self.result.record.get("labels") or {}).get(name, name)  # VTK's font has no Greek letters
        title = with_unit(label, self.last.series(name).unit)
        bar = {"title": title, "color": INK, "fmt": "%.3g", "width": 0.36, "position_x": 0.17, "n_labels": 4}
        return {
            "scalars": "value", "cmap": self.cmap, "clim": (low, high),
            "log_scale": isinstance(self.norm, LogNorm), "scalar_bar_args": bar,
        }  # fmt: skip

    def _look(self) -> None:
        from .scene import Camera

        state = self.last
        if state.dimension == 2:
            self.plotter.view_xy()
        else:
            camera = Camera.looking_at(self.normal, 24, 20, state.box, 4 / 3)
            self.plotter.camera.focal_point = camera.centre
            far = 3 * float(np.linalg.norm(np.ptp(state.box, axis=0)))
            self.plotter.camera.position = camera.centre + far * camera.direction
            self.plotter.camera.up = camera.up
        self.plotter.enable_parallel_projection()
        self.plotter.reset_camera()
