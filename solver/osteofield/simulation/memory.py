# SPDX-License-Identifier: LGPL-3.0-or-later
"""A writer that keeps everything in memory: for tests, benchmarks and small studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .snapshot import Restored
from .writer import DOMAINS, ArraySpec, Frame, MeshData


class _Arrays:
    """A sink that fills whole arrays and hands them on."""

    extents = None

    def __init__(self, specs: Mapping[str, ArraySpec], done: Callable[[dict[str, np.ndarray]], None]):
        self._arrays = {name: np.empty(s.shape, s.dtype) for name, s in specs.items()}
        self._done = done

    def block(self, name: str, start: int, rows: np.ndarray) -> None:
        self._arrays[name][start : start + len(rows)] = rows

    def commit(self) -> None:
        self._done(self._arrays)

    def abandon(self) -> None:
        self._arrays.clear()


class MemoryWriter:
    """Implements `Writer`.

    Attributes:
        frames: One per output time; `Frame.mesh` where it was new.
        checkpoints: What was stored, as it is given back.
        units, record: What `begin` was told.
        last: What `end` was told.
    """

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.checkpoints: list[Restored] = []
        self.units: dict[str, str] = {}
        self.record: dict[str, Any] = {}
        self.last: dict[str, Any] = {}

    def begin(self, units: Mapping[str, str], record: Mapping[str, Any], rows: int | None = None) -> bool:
        self.units, self.record = dict(units), dict(record)
        return True

    def frame(self, time: float, row: Mapping[str, float], arrays: Mapping[str, ArraySpec]) -> _Arrays:
        def keep(got: dict[str, np.ndarray]) -> None:
            marrow, surface = (
                {n.removeprefix(f"{d}/"): a for n, a in got.items() if n.startswith(f"{d}/")} for d in DOMAINS
            )
            parts = [f"{d}.{part}" for d in DOMAINS for part in ("points", "cells")]
            mesh = MeshData(*(got[p] for p in parts)) if parts[0] in got else None
            self.frames.append(Frame(time, marrow, surface, row, mesh))

        return _Arrays(arrays, keep)

    def wants_checkpoint(self) -> bool:
        return False

    def checkpoint(self, time: float, facts: Mapping[str, Any], arrays: Mapping[str, ArraySpec]) -> _Arrays:
        return _Arrays(arrays, lambda got: self.checkpoints.append(Restored(time, dict(facts), got)))

    def end(self, record: Mapping[str, Any]) -> None:
        self.last = dict(record)

    @property
    def mesh(self) -> MeshData | None:
        """The newest mesh."""
        return next((f.mesh for f in reversed(self.frames) if f.mesh is not None), None)

    @property
    def history(self) -> dict[str, np.ndarray]:
        """Header to ``(n_times,)`` values."""
        columns = self.frames[0].row if self.frames else {}
        return {c: np.array([f.row[c] for f in self.frames]) for c in columns}
