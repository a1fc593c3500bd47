# SPDX-License-Identifier: LGPL-3.0-or-later
"""Read a results folder back as arrays: ``open_results("results/case").surface["RANKL"]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import InputError, Problem, did_you_mean
from .history import read_history
from .lock import held
from .names import HISTORY, RESOLVED
from .record import NAME as RECORD
from .record import require_record

ERODED_DEPTH = "E.De"


class FieldSeries:
    """One field at all output times, read from disk when indexed.

    ``series[-1]`` is the last output time, ``series[:]`` or ``np.asarray(series)`` all of them as
    ``(n_times, n)``.

    Attributes:
        name: As in the model file.
        unit: Unit text of the values.
        times: ``(n_times,)`` day.
    """

    def __init__(
        self,
        name: str,
        unit: str,
        domain: DomainResult,
        source: str,
        change: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self.name, self.unit = name, unit
        self._domain, self._source, self._change = domain, source, change

    @property
    def times(self) -> np.ndarray:
        return self._domain.times

    @property
    def points(self) -> np.ndarray:
        """``(n, 3)`` in um, at the last output time."""
        return self._domain.points

    @property
    def cells(self) -> np.ndarray:
        """``(m, k)`` rows of `points`."""
        return self._domain.cells

    def __len__(self) -> int:
        return len(self.times)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_times, n)``."""
        sizes = {len(self._domain.mesh(i)[0]) for i in self._domain.one_step_per_mesh()}
        if len(sizes) > 1:
            raise ValueError(
                f"the mesh of {self.name!r} changes with time, so there is no array of all times; "
                "take one at a time: series[i], with its points in result.surface.mesh(i)"
            )
        return len(self), sizes.pop() if sizes else 0

    def __getitem__(self, index: int | slice | tuple[Any, ...]) -> np.ndarray:
        if isinstance(index, tuple):
            if isinstance(index[0], slice):
                return self[index[0]][:, *index[1:]]
            return self[index[0]][index[1:]]
        if isinstance(index, slice):
            _, n = self.shape
            chosen = range(len(self))[index]
            out = np.empty((len(chosen), n))
            with self._domain.open() as f:
                for row, i in enumerate(chosen):
                    out[row] = self._read(f, i)
            return out
        with self._domain.open() as f:
            return self._read(f, range(len(self))[index])

    def _read(self, f: h5py.File, i: int) -> np.ndarray:
        values = f[self._domain.groups[i]][self._source][:]
        return values if self._change is None else self._change(values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        values = self[:]
        return values if dtype is None else values.astype(dtype)

    def at(self, time: float) -> np.ndarray:
        """Values ``(n,)`` at the output time nearest to `time` (day)."""
        return self[int(np.abs(self.times - time).argmin())]

    def __repr__(self) -> str:
        return f"<{self.name} [{self.unit}] at {len(self)} times>"


class DomainResult(Mapping[str, FieldSeries]):
    """The fields of marrow or surface by name.

    Attributes:
        name: ``marrow`` or ``surface``.
        times: ``(n_times,)`` day.
    """

    def __init__(self, path: Path, name: str, depth: str | None = None, eroded_above: float = 0.0):
        self.path, self.name = path, name
        self._depth, self._eroded_above = depth, eroded_above
        self.times = np.empty(0)
        self.groups: list[str] = []
        self._meshes: list[str] = []
        self._units: dict[str, str] = {}
        if not path.exists():  # a well-mixed run has no fields
            return
        try:
            with self.open() as f:
                self.groups = sorted(k for k in f if k.startswith("step"))
                self.times = np.array([float(f[g].attrs["time"]) for g in self.groups])
                self._meshes = [str(f[g].attrs["mesh"]) for g in self.groups]
                if self.groups:
                    last = f[self.groups[-1]]
                    self._units = {k: str(last[k].attrs["unit"]) for k in last.attrs["fields"]}
        except (OSError, KeyError) as e:
            raise InputError(Problem(f"the fields cannot be read: {e}.", path)) from None

    def open(self) -> h5py.File:
        """The HDF5 file, for reading."""
        return h5py.File(self.path, "r")

    def mesh(self, step: int = -1) -> tuple[np.ndarray, np.ndarray]:
        """Points ``(n, 3)`` in um and cells ``(m, k)`` at output time number `step`."""
        with self.open() as f:
            group = f[self._meshes[step]]
            return group["points"][:], group["cells"][:]

    def one_step_per_mesh(self) -> list[int]:
        """Indices of the output times at which a new mesh begins."""
        return [i for i, m in enumerate(self._meshes) if i == 0 or m != self._meshes[i - 1]]

    @cached_property
    def points(self) -> np.ndarray:
        """``(n, 3)`` in um, at the last output time."""
        return self.mesh()[0]

    @cached_property
    def cells(self) -> np.ndarray:
        """``(m, k)`` rows of `points`, at the last output time."""
        return self.mesh()[1]

    def __getitem__(self, name: str) -> FieldSeries:
        if name in self._units:
            return FieldSeries(name, self._units[name], self, name)
        if name == ERODED_DEPTH and self._depth in self._units:
            least = self._eroded_above

            def eroded(depth: np.ndarray) -> np.ndarray:
                return np.where(depth > least, depth, np.nan)

            return FieldSeries(name, self._units[self._depth], self, self._depth, eroded)
        hint = did_you_mean(name, list(self), otherwise="there are")
        raise KeyError(f"no field {name!r} in {self.name}{hint}")

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __iter__(self) -> Iterator[str]:
        yield from self._units
        if self._depth in self._units:
            yield ERODED_DEPTH

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Result:
    """A results folder, of a finished, stopped or running computation.

    Attributes:
        path: The folder.
        record: Content of ``run.json``.
        history: Header of ``history.csv`` (``"name [unit]"``) to ``(n_times,)`` values.
        marrow: Fields in the marrow.
        surface: Fields on the bone surface; ``surface["E.De"]`` is the net eroded depth where it
            counts as eroded and NaN elsewhere.
    """

    def __init__(self, path: Path):
        self.path = path
        self.record = require_record(path)
        history = path / HISTORY
        self.history = read_history(history) if history.exists() else {}
        depth = self.record.get("roles", {}).get("depth")
        eroded_above = float(self.record.get("eroded_above") or 0.0)
        self.marrow = DomainResult(path / "marrow.h5", "marrow")
        self.surface = DomainResult(path / "surface.h5", "surface", depth, eroded_above)

    @property
    def times(self) -> np.ndarray:
        """Output times, day."""
        return next(iter(self.history.values()), self.marrow.times)

    @cached_property
    def implant(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Surface of an implant in the sample, normals out of it: points ``(n, 3)`` in um, facets ``(m, k)``,
        and ``(m,)`` which of them touch marrow; None without one."""
        domain = DomainResult(self.path / "implant.h5", "implant")
        if not len(domain.times):
            return None
        points, facets = domain.mesh(0)
        return points, facets, (domain["at_marrow"][0] > 0)[facets].all(1)

    @property
    def arms(self) -> dict[str, Result]:
        """The arms of a comparison that have results, by name; none in a folder of a single run."""
        names = [n for n in self.record.get("arms", ()) if (self.path / n / RECORD).exists()]
        return {n: Result(self.path / n) for n in names}

    @property
    def case(self) -> str:
        """The case as it ran, TOML text with every default written out."""
        return (self.path / RESOLVED).read_text(encoding="utf-8")

    @property
    def status(self) -> str:
        """``starting``, ``running``, ``done``, ``stopped``, ``interrupted``, ``requeue``, or ``killed``.

        A run that is killed cannot write down that it was; then nobody holds the folder any more.
        """
        told = str(self.record.get("status"))
        return "killed" if told in ("starting", "running") and not held(self.path) else told

    def nothing_to(self, do: str) -> Problem:
        """Says of a run without any output time why there is nothing to draw, to report, ..."""
        status, reason = self.status, self.record.get("reason")
        if status in ("starting", "running"):
            return Problem(f"the run has not written anything to {do} yet.", self.path)
        why = f"it was {status}" if status == "killed" else f"it ended as '{status}'"
        why += f": {str(reason).rstrip('.')}" if reason else ""
        message = f"the run has not written anything to {do} ({why}); run the case again."
        return Problem(message, self.path)

    def __repr__(self) -> str:
        name = self.record["case"].get("name")
        return f"<results of {name} in {self.path}: {self.status}, {len(self.times)} output times>"


def open_results(directory: str | Path) -> Result:
    """Open a results folder for reading.

    Raises:
        InputError: There is no such folder, it is not one of osteofield, or a file in it is damaged.
    """
    return Result(Path(directory))
