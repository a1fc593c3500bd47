# SPDX-License-Identifier: LGPL-3.0-or-later
"""A lit 3-D scene of bone cut open, drawn off screen to an array; labels are added around it later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyvista as pv

from .implant import Body
from .style import BONE, CUT_BONE, IMPLANT


@dataclass(frozen=True)
class Camera:
    """A parallel projection, so that one scale bar holds everywhere.

    Attributes:
        direction: ``(3,)`` unit vector from the object to the eye.
        up: ``(3,)`` unit vector, normal to `direction`.
        centre: ``(3,)`` what is in the middle of the picture, um.
        height: Height of the picture, um.
    """

    direction: np.ndarray
    up: np.ndarray
    centre: np.ndarray
    height: float

    @property
    def right(self) -> np.ndarray:
        """``(3,)`` unit vector to the right of the screen."""
        return np.cross(self.up, self.direction)

    @classmethod
    def looking_at(
        cls, normal: np.ndarray, aside: float, above: float, box: np.ndarray, aspect: float
    ) -> Camera:
        """See the face of a box with a normal along an axis, turned by two angles (degree).

        Args:
            normal: ``(3,)`` unit vector along an axis, pointing to the eye.
            aside: How far the eye is moved to the right.
            above: How far it is moved up.
            box: ``(2, 3)`` lower and upper corner of what has to fit.
            aspect: Width over height of the picture.
        """
        vertical = np.array([0.0, 0, 1] if abs(normal[2]) < 0.5 else [0.0, 1, 0])
        across = np.cross(vertical, normal)
        a, b = np.radians([aside, above])
        direction = np.cos(b) * (np.cos(a) * normal + np.sin(a) * across) + np.sin(b) * vertical
        up = vertical - (vertical @ direction) * direction
        up /= np.linalg.norm(up)
        camera = cls(direction, up, box.mean(0), 1.0)
        corners = np.stack(np.meshgrid(*box.T), -1).reshape(-1, 3) - box.mean(0)
        high, wide = np.ptp(corners @ camera.up), np.ptp(corners @ camera.right)
        return replace(camera, height=1.06 * max(high, wide / aspect))

    def closer(self, centre: np.ndarray, height: float) -> Camera:
        """The same view of a smaller part."""
        return replace(self, centre=centre, height=height)

    def project(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Pixel coordinates ``(n, 2)``, origin at the upper left, of points ``(n, 3)``."""
        scale = size[1] / self.height
        r = np.atleast_2d(points) - self.centre
        return np.column_stack([size[0] / 2 + scale * (r @ self.right), size[1] / 2 - scale * (r @ self.up)])


@dataclass
class Scene:
    """What is drawn: bone cut open along a plane, its cut faces, and things in the marrow.

    Attributes:
        bone: Bone surface, triangles with normals into the marrow, already cut; None without bone.
        scalars: Point field of `bone` that colours it, 0 to 1, or None for the colour of bone.
        cmap: Its colours.
        box: ``(2, 3)`` corners of the drawn frame.
        openings: Marrow on the faces of the sample's box, ``(side, axis)`` to triangles: there the
            eye looks out of the sample, and beside them onto bone.
        extras: Each adds something to the plotter.
        occlusion: Whether hollows are darker.
        implant: Already cut as the bone is.
    """

    bone: pv.PolyData | None
    box: np.ndarray
    scalars: str | None = None
    cmap: Any = None
    openings: Mapping[tuple[int, int], pv.PolyData] = field(default_factory=dict)
    extras: list[Callable[[pv.Plotter], None]] = field(default_factory=list)
    occlusion: bool = True
    implant: Body | None = None

    def image(self, camera: Camera, size: tuple[int, int]) -> np.ndarray:
        """Draw.

        Args:
            camera: From where.
            size: Width and height in pixels.

        Returns:
            ``(height, width, 3)`` RGB, 0 to 255.
        """
        plotter = self._plotter(camera, size)
        if self.scalars:
            look: dict[str, Any] = {"scalars": self.scalars, "cmap": self.cmap, "clim": (0.0, 1.0)}
            look |= {"show_scalar_bar": False, "n_colors": 512}
        else:
            look = {"color": BONE}
        look |= {"ambient": 0.3, "diffuse": 0.84, "specular": 0.06, "specular_power": 15}
        if self._has_bone:
            plotter.add_mesh(self.bone, smooth_shading=True, **look)
        if self.implant is not None:
            for mesh in (self.implant.free, self.implant.ends, self.implant.cap):
                if mesh.n_cells:
                    plotter.add_mesh(mesh, color=IMPLANT, ambient=0.35, diffuse=0.7, specular=0.3)
        for add in self.extras:
            add(plotter)
        self._frame(plotter)
        for position, strength in (((-0.5, 0.8, 1.0), 0.77), ((0.9, -0.3, 0.8), 0.32)):
            light = pv.Light(light_type="camera light", intensity=strength)
            light.position = position
            plotter.add_light(light)
        extent = float(np.ptp(self.box, axis=0).max())
        if self.occlusion:
            plotter.enable_ssao(radius=0.09 * extent, bias=0.012 * extent, kernel_size=32, blur=True)
        _smooth_edges(plotter)
        image = _shot(plotter)
        return self._paint_cut(image, camera, size) if self._has_bone else image

    @property
    def _has_bone(self) -> bool:
        return self.bone is not None and self.bone.n_cells > 0

    def _plotter(self, camera: Camera, size: tuple[int, int]) -> pv.Plotter:
        pv.vtk_verbosity("off")
        plotter = pv.Plotter(off_screen=True, window_size=list(size), lighting="none")
        plotter.background_color = "white"
        plotter.camera.focal_point = camera.centre
        distance = 3 * float(np.linalg.norm(np.ptp(self.box, axis=0)))
        plotter.camera.position = camera.centre + distance * camera.direction
        plotter.camera.up = camera.up
        plotter.enable_parallel_projection()
        plotter.camera.parallel_scale = camera.height / 2
        return plotter

    def _frame(self, plotter: pv.Plotter) -> None:
        (x0, y0, z0), (x1, y1, z1) = self.box
        edges = pv.Box((x0, x1, y0, y1, z0, z1)).extract_all_edges()
        plotter.add_mesh(edges, color="#8a8a8a", line_width=1.0, lighting=False)

    def _paint_cut(self, image: np.ndarray, camera: Camera, size: tuple[int, int]) -> np.ndarray:
        """Where the inside of the bone surface is seen, the eye looks at cut bone: paint it flat.

        The surface encloses the bone and is open only at the cut and at the faces of the box, so with
        the faces at the back closed, except for the marrow in them, this is exact, pixel by pixel.
        """
        plotter = self._plotter(camera, size)
        plotter.background_color = "black"
        for mesh in (self.bone, *(() if self.implant is None else (self.implant.free,))):
            if mesh.n_cells:
                plotter.add_mesh(mesh, color="black", lighting=False, culling="back")
                plotter.add_mesh(mesh, color="white", lighting=False, culling="front")
        if self.implant is not None:  # it is no bone, where it ends in the cut and at the box
            for mesh, hidden in ((self.implant.cap, False), (self.implant.ends, "back")):
                if mesh.n_cells:
                    plotter.add_mesh(mesh, color="black", lighting=False, culling=hidden)
        for (side, axis), marrow in self.openings.items():
            outward = (2 * side - 1) * np.eye(3)[axis]
            if outward @ camera.direction < 0:
                shift = 2e-4 * float(np.ptp(self.box, axis=0).max()) * outward
                corners = self.box.copy()
                corners[1 - side, axis] = corners[side, axis]
                (x0, y0, z0), (x1, y1, z1) = corners + shift
                plotter.add_mesh(pv.Box((x0, x1, y0, y1, z0, z1)), color="white", lighting=False)
                if marrow.n_cells:
                    plotter.add_mesh(marrow, color="black", lighting=False)
        _smooth_edges(plotter)
        share = _shot(plotter)[..., :1] / 255.0
        from matplotlib.colors import to_rgb

        return ((1 - share) * image + share * 255 * np.array(to_rgb(CUT_BONE))).round().astype(np.uint8)


def _smooth_edges(plotter: pv.Plotter) -> None:
    plotter.enable_anti_aliasing("ssaa")


def _shot(plotter: pv.Plotter) -> np.ndarray:
    plotter.reset_camera_clipping_range()
    try:
        return plotter.screenshot(None, return_img=True)[..., :3]
    finally:
        plotter.close()
