# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is integrated: rates at points, the stiffness between them, and how much of each there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .halo import LocalMatrix

if TYPE_CHECKING:
    from mpi4py import MPI


class PointKernel(Protocol):
    """Pointwise rates and their sparse Jacobian, as the compiled kinetics give them.

    Every method takes ``(t, node, ym, ys, a, g, x)``, the state at the points, and then its outputs.
    `frame` is the C source of a function that goes through points with their rates and Jacobian, to be filled
    in (`pointwise`), and begins with the `arguments`; empty where there is none.
    """

    frame: str

    jac_rows: np.ndarray
    jac_cols: np.ndarray
    term_names: tuple[tuple[str, str, str], ...]

    @property
    def arguments(self) -> Callable[..., tuple[Any, ...]]: ...

    @property
    def rates(self) -> Callable[..., None]: ...

    @property
    def jacobian(self) -> Callable[..., None]: ...

    @property
    def dfdt(self) -> Callable[..., None]: ...

    @property
    def terms(self) -> Callable[..., None]: ...

    @property
    def quantity(self) -> Callable[..., np.ndarray]: ...


@dataclass
class Points:
    """Points of one kind (inside marrow, or on bone surface) that share a kernel.

    Attributes:
        kernel: Their rates.
        node: int32 marrow row of each point.
        a: Surface source per marrow volume of each point, relative to the mean (0 off the surface).
        g: (points, fields) coefficients that vary from point to point.
        weight: Area of each point (integrates surface populations); zeros off the surface.
    """

    kernel: PointKernel
    node: np.ndarray
    a: np.ndarray
    g: np.ndarray
    weight: np.ndarray


@dataclass
class Problem:
    """Everything discrete that a `System` integrates; rows are those owned by this rank.

    Attributes:
        comm: Communicator.
        diffusing, marrow_width, surface_width: Populations that diffuse, of a marrow row, of a surface row.
        local: This rank's rows of the scalar stiffness K; none for a single point without space.
        diffusivity: (diffusing,), um^2/day.
        volumes: (rows,) lumped marrow volumes.
        inside, surface: The two kinds of points; together they cover every row once.
        position: (rows, 3) coordinates, or None when no rate uses them.
        open_rows, open_area: Rows on an open outer boundary and their lumped area.
        exchange, far: Per diffusing population kappa (um/day) and far-field value of the open boundary.
        scale: (populations,) typical magnitude, marrow populations first.
        signed: (populations,) whether negative values are meaningful.
        explicit_time: Whether rates depend on t.
        source_rows, source: Rows that something flows into from outside, and how much per day of every
            diffusing population (rows, diffusing).
        keep: What must live as long as the problem (a mesh owns the communicator of its halo).
    """

    comm: MPI.Comm
    diffusing: int
    marrow_width: int
    surface_width: int
    local: LocalMatrix
    diffusivity: np.ndarray
    volumes: np.ndarray
    inside: Points
    surface: Points
    position: np.ndarray | None
    open_rows: np.ndarray
    open_area: np.ndarray
    exchange: np.ndarray
    far: np.ndarray
    scale: np.ndarray
    signed: np.ndarray
    explicit_time: bool = False
    keep: object = None
    source_rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    source: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
