# SPDX-License-Identifier: LGPL-3.0-or-later
"""The piece of bone that a case is about: marrow, bone and the surface between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..team import ALONE
from .boxes import Partition
from .fingerprint import fingerprint
from .grid import Grid
from .implant import Hull
from .morphometry import Morphometry


@dataclass(frozen=True)
class Origin:
    """What a sample, or a piece of one, was cut out of: the way on for a surface that moves.

    Attributes:
        grid: The background grid.
        phi: Signed distance at the nodes of this rank, islands filled in, um, positive in bone.
        keys: Global key of every point of the sample or piece (`Cut.keys`).
        nodes: Which nodes of the grid are whose.
    """

    grid: Grid
    phi: np.ndarray
    keys: np.ndarray
    nodes: Partition


@dataclass(frozen=True)
class Sample:
    """A conforming two-phase simplex mesh in the physical frame of its source; lengths in um.

    Attributes:
        dimension: 2 or 3.
        points: ``(N, d)``; every one belongs to a cell.
        marrow: ``(n, d+1)`` positively oriented cells.
        bone: ``(n, d+1)`` positively oriented cells.
        surface: ``(n, d)`` facets between bone and marrow, normal into the marrow; never on the box.
        faces: ``x-``, ``x+``, ``y-``, ... to ``(n, d)`` marrow facets on that face of the box, and where
            there is one ``implant`` to those on it, normals into the marrow.
        box: Lower and upper corner.
        half_thickness: ``(N,)`` local half thickness of bone at surface points, nan elsewhere.
        morphometry: Sums, pieces, cell quality.
        provenance: Where it comes from: JSON-able.
        origin: What it was cut out of; None for a sample from a file.
        reference: sigma0 and d0 of the sample it began as, where the surface has moved since.
        implant: The body that was taken out, if there is one.
    """

    dimension: int
    points: np.ndarray
    marrow: np.ndarray
    bone: np.ndarray
    surface: np.ndarray
    faces: dict[str, np.ndarray]
    box: tuple[tuple[float, ...], tuple[float, ...]]
    half_thickness: np.ndarray
    morphometry: Morphometry
    provenance: dict[str, Any]
    origin: Origin | None = None
    reference: tuple[float, float] | None = None
    implant: Hull | None = None

    @property
    def sigma0(self) -> float:
        """Bone surface per marrow volume, 1/um."""
        if self.reference is not None:
            return self.reference[0]
        return self.morphometry.bone_surface / self.morphometry.marrow_volume

    @property
    def d0(self) -> float:
        """Bone volume per bone surface, um; nan without bone surface."""
        if self.reference is not None:
            return self.reference[1]
        m = self.morphometry
        return m.bone_volume / m.bone_surface if m.bone_surface else float("nan")

    @cached_property
    def hash(self) -> str:
        """The same mesh has the same hash, whatever the order of its cells."""
        return fingerprint(
            ALONE, np.arange(len(self.points)), self.points, len(self.points),
            {"marrow": self.marrow, "bone": self.bone, "surface": self.surface},
        )  # fmt: skip
