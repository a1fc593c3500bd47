# SPDX-License-Identifier: LGPL-3.0-or-later
"""The interface through which a simulation hands out what it computed; `results` implements it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class MeshData:
    """Geometry of the fields, whole sample, in um, same numbering on any number of ranks.

    Attributes:
        marrow_points: ``(n, 2 or 3)``; row i belongs to value i of every marrow field.
        marrow_cells: ``(m, 3 or 4)`` rows of `marrow_points`.
        surface_points: ``(n, 2 or 3)``; row i belongs to value i of every surface field.
        surface_cells: ``(m, 2 or 3)`` rows of `surface_points`.
    """

    marrow_points: np.ndarray
    marrow_cells: np.ndarray
    surface_points: np.ndarray
    surface_cells: np.ndarray


@dataclass(frozen=True)
class Frame:
    """State at one output time.

    Attributes:
        time: day.
        marrow: Field name to ``(n,)`` values over `MeshData.marrow_points`, in the unit of the population.
        surface: The same over `MeshData.surface_points`.
        row: Columns of ``history.csv``, header (``"name [unit]"``) to value, in order.
        mesh: A new mesh where it has changed since the last frame, else None.
    """

    time: float
    marrow: Mapping[str, np.ndarray]
    surface: Mapping[str, np.ndarray]
    row: Mapping[str, float]
    mesh: MeshData | None = None


class Writer(Protocol):
    """Receives a run. Every method is called on rank 0 only and must not communicate."""

    def begin(self, mesh: MeshData | None, units: Mapping[str, str], record: Mapping[str, Any]) -> None:
        """Start: geometry (None when well mixed), unit text of every field, facts for run.json."""

    def frame(self, frame: Frame) -> None:
        """One output time; after it returns, everything up to it is readable on disk."""

    def checkpoint(self, time: float, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        """Everything needed to go on from `time`."""

    def end(self, record: Mapping[str, Any]) -> None:
        """The run is over (done or stopped); final facts for run.json."""
