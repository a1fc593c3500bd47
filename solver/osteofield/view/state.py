# SPDX-License-Identifier: LGPL-3.0-or-later
"""One output time of a results folder as pictures need it; names come from the model's roles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..results import FieldSeries, Result
from .region import box_facets, orient_outwards, smooth_region
from .scale import NO_DEPTH
from .style import label_text, with_unit

INFECTED_ABOVE = 50.0  # CFU/mm^3, the default of a case


@dataclass(frozen=True)
class State:
    """The fields of `result` at output time number `step`."""

    result: Result
    step: int

    @property
    def time(self) -> float:
        """day"""
        return float(self.result.marrow.times[self.step])

    @property
    def dimension(self) -> int:
        return self.marrow_mesh[1].shape[1] - 1

    @property
    def roles(self) -> dict[str, Any]:
        """What the model file says about its populations."""
        return self.result.record.get("roles") or {}

    @cached_property
    def marrow_mesh(self) -> tuple[np.ndarray, np.ndarray]:
        return self.result.marrow.mesh(self.step)

    @cached_property
    def surface_mesh(self) -> tuple[np.ndarray, np.ndarray]:
        if not len(self.result.surface.times):  # a sample without bone
            return np.empty((0, 3)), np.empty((0, self.dimension), dtype=np.int64)
        return self.result.surface.mesh(self.step)

    @cached_property
    def box(self) -> np.ndarray:
        """``(2, 3)`` corners of the sample, um."""
        corners = self.result.record.get("box")
        if corners is None:
            points = self.marrow_mesh[0]
            corners = points.min(0), points.max(0)
        box = np.zeros((2, 3))
        given = np.asarray(corners, dtype=float)
        box[:, : given.shape[1]] = given
        return box

    @property
    def depth(self) -> str | None:
        """Name of the net eroded depth."""
        name = self.roles.get("depth")
        return name if name in self.result.surface else None

    def label(self, name: str) -> str:
        """A population as it is printed."""
        if name == self.depth:
            return "net eroded depth"
        return label_text((self.result.record.get("labels") or {}).get(name, name))

    def series(self, name: str) -> FieldSeries:
        """A field of marrow or surface."""
        return self.result.marrow[name] if name in self.result.marrow else self.result.surface[name]

    @cached_property
    def first(self) -> State:
        """The first output time."""
        return self if self.step == 0 else State(self.result, 0)

    @property
    def moves(self) -> bool:
        """Whether the bone surface is not where it was at the first output time."""
        return any(0 < s <= self.step for s in self.result.surface.one_step_per_mesh())

    def labelled(self, series: FieldSeries) -> str:
        """Label with unit."""
        return with_unit(self.label(series.name), series.unit)

    @cached_property
    def infected(self) -> np.ndarray | None:
        """``(n,)`` where the marrow counts as infected; None if it is nowhere or nothing was written."""
        names = [n for n in self.roles.get("bacteria", ()) if n in self.result.marrow]
        if not names:
            return None
        total = sum(self.result.marrow[n][self.step] for n in names)
        inside = np.asarray(total > self.infected_above)
        return inside if inside.any() else None

    @cached_property
    def marrow_on_box(self) -> dict[tuple[int, int], np.ndarray]:
        """Triangles of the marrow on the faces of the box, by side and axis."""
        return box_facets(*self.marrow_mesh, self.box)

    @property
    def bacteria_written(self) -> bool:
        """Whether `infected` could be told."""
        return any(n in self.result.marrow for n in self.roles.get("bacteria", ()))

    @cached_property
    def infected_share(self) -> np.ndarray:
        """``(n,)`` how much of a point's neighbourhood is infected; 0.5 at the border."""
        if self.infected is None:
            return np.zeros(len(self.marrow_mesh[0]))
        return smooth_region(self.infected, self.marrow_mesh[1])

    @cached_property
    def facing_marrow(self) -> np.ndarray:
        """``(m, 3)`` triangles of the bone surface, normals into the marrow."""
        return orient_outwards(*self.surface_mesh, *self.marrow_mesh)

    @property
    def infected_above(self) -> float:
        """1/mm^3"""
        return float(self.result.record.get("infected_above") or INFECTED_ABOVE)

    @cached_property
    def foci(self) -> list[tuple[np.ndarray, float]]:
        """Centres ``(3,)`` and radii of the foci at the start, um."""
        out = []
        for focus in self.result.record.get("foci") or ():
            centre = np.zeros(3)
            given = np.asarray(focus["center"], dtype=float)
            centre[: len(given)] = given
            out.append((centre, float(focus["radius"])))
        return out

    def foci_near(
        self, origin: np.ndarray, right: np.ndarray, up: np.ndarray
    ) -> list[tuple[np.ndarray, float]]:
        """Centre ``(3,)`` and radius of the circles in which a plane cuts the foci."""
        normal = np.cross(right, up)
        out = []
        for centre, radius in self.foci:
            height = float((centre - origin) @ normal)
            if abs(height) < radius:
                out.append((centre, float(np.sqrt(radius**2 - height**2))))
        return out

    @property
    def infected_text(self) -> str:
        """What counts as infected."""
        return f"more than {self.infected_above:g} CFU/mm³"

    @cached_property
    def centre(self) -> np.ndarray:
        """``(3,)`` what the pictures are about: first focus, else deepest erosion, else the middle."""
        if self.foci:
            return self.foci[0][0]
        if self.depth:  # of the last output time, so that pictures of all times show the same place
            depth = self.result.surface[self.depth][-1]
            if depth.max() > NO_DEPTH:
                return self.result.surface.mesh(-1)[0][depth.argmax()]
        return self.box.mean(0)
