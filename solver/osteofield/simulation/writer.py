# SPDX-License-Identifier: LGPL-3.0-or-later
"""The interface through which a simulation hands out what it computed; `results` implements it.

Arrays of the whole sample never exist in memory: a writer opens a `Sink` and gets them block by block.
`Frame` and `write_frame` are for those who have whole arrays nevertheless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

DOMAINS = ("marrow", "surface")


@dataclass(frozen=True)
class ArraySpec:
    """Shape and type of an array that will come in blocks of rows."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, array: np.ndarray) -> ArraySpec:
        """That of an array."""
        return cls(array.shape, array.dtype)


class Part(Protocol):
    """Takes some of the rows of named arrays, on one rank."""

    def block(self, name: str, start: int, rows: np.ndarray) -> None:
        """Rows `start` and following of an array."""

    def close(self) -> None:
        """No more will come."""


class Extents(Protocol):
    """Travels from rank 0 to the others, which may be able to take a share of the writing."""

    def open(self) -> Part | None:
        """What takes rows on this rank; None where it cannot."""


class Receiver(Protocol):
    """Takes named arrays block by block; nothing of it counts before `commit`."""

    def block(self, name: str, start: int, rows: np.ndarray) -> None:
        """Rows `start` and following of an array; the blocks of one array come in order."""

    def commit(self) -> None:
        """All blocks were given; after it returns, everything is readable on disk."""

    def abandon(self) -> None:
        """It will not be completed: as if it had never been opened."""


class Sink(Receiver, Protocol):
    """What takes them on rank 0, and may let other ranks write as well."""

    @property
    def extents(self) -> Extents | None:
        """Lets other ranks write as well; None: all rows must come here."""


class Writer(Protocol):
    """Receives a run. Every method is called on rank 0 only and must not communicate."""

    def begin(self, units: Mapping[str, str], record: Mapping[str, Any], rows: int | None = None) -> bool:
        """Start.

        Args:
            units: Population to unit text.
            record: Facts for run.json; ``implant``, where there is one, is its hull: ``points``, ``facets``
                and ``at_marrow``, arrays.
            rows: Number of frames to keep when a run goes on from a checkpoint, None for a new run.

        Returns:
            Whether the mesh is needed with the next frame even where it is not new.
        """

    def frame(self, time: float, row: Mapping[str, float], arrays: Mapping[str, ArraySpec]) -> Sink:
        """One output time.

        Args:
            time: day.
            row: Columns of ``history.csv``, header (``"name [unit]"``) to value, in order.
            arrays: ``marrow/NAME`` and ``surface/NAME``: values of fields in the unit of the population,
                over the points of their mesh. Where the mesh is new also ``marrow.points``,
                ``marrow.cells``, ``surface.points``, ``surface.cells`` (um; rows of the points). The
                numbering is the same on any number of ranks.
        """

    def wants_checkpoint(self) -> bool:
        """Whether someone asks for a checkpoint now."""

    def checkpoint(self, time: float, facts: Mapping[str, Any], arrays: Mapping[str, ArraySpec]) -> Sink:
        """Everything needed to go on from `time`."""

    def end(self, record: Mapping[str, Any]) -> None:
        """The run is over (done or stopped); final facts for run.json."""


@dataclass(frozen=True)
class MeshData:
    """Geometry of the fields, whole sample, in um.

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
    """State at one output time as whole arrays.

    Attributes:
        time: day.
        marrow: Field name to ``(n,)`` values over `MeshData.marrow_points`, in the unit of the population.
        surface: The same over `MeshData.surface_points`.
        row: Columns of ``history.csv``, header (``"name [unit]"``) to value, in order.
        mesh: A new mesh where it has changed since the last frame (or this is the first), else None.
    """

    time: float
    marrow: Mapping[str, np.ndarray]
    surface: Mapping[str, np.ndarray]
    row: Mapping[str, float]
    mesh: MeshData | None = None

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays under the names that a `Writer` knows."""
        out = {}
        for domain in DOMAINS:
            if self.mesh is not None:
                for part in ("points", "cells"):
                    out[f"{domain}.{part}"] = getattr(self.mesh, f"{domain}_{part}")
            out |= {f"{domain}/{name}": v for name, v in getattr(self, domain).items()}
        return out


def write_frame(writer: Writer, frame: Frame) -> None:
    """Hand a frame of whole arrays to a writer."""
    arrays = frame.arrays
    sink = writer.frame(frame.time, frame.row, {name: ArraySpec.of(a) for name, a in arrays.items()})
    write_arrays(sink, arrays)


def write_arrays(sink: Receiver, arrays: Mapping[str, np.ndarray]) -> None:
    """Hand over whole arrays, and commit."""
    try:
        for name, array in arrays.items():
            sink.block(name, 0, array)
    except BaseException:
        sink.abandon()
        raise
    sink.commit()
