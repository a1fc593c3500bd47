# SPDX-License-Identifier: LGPL-3.0-or-later
"""Checkpoints: named arrays in global order and JSON facts, verified by checksum, the last few kept.

Format 3, HDF5: attributes ``format`` and ``time`` (day); dataset ``facts`` (JSON text); group ``arrays``
with one dataset per array, in subgroups where the name has a ``/``. Readers ignore arrays that they do
not know, so what a run keeps may grow (a geometry that changes) within one format. Behind the HDF5 file
stands one line, ``sha256`` and the checksum of every byte before it: HDF5 never sees a damaged file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from .atomic import sync_folder
from .extents import Extent, Extents, Part, allocated
from .shadow import ShadowFile, write_all

if TYPE_CHECKING:
    from ..simulation.writer import ArraySpec

FORMAT = 3
_NAME = re.compile(r"checkpoint_(\d{6,})\.h5")
_BLOCK = 1 << 20  # bytes
_MARK = b"\nsha256 "
_TRAILER = len(_MARK) + 64 + 1


@dataclass(frozen=True)
class Checkpoint:
    """What was read back.

    Attributes:
        time: day.
        arrays: Name to array, in the same order on any number of ranks; read from disk when sliced.
        facts: What the writer stored beside them.
        path: The file it came from.
    """

    time: float
    arrays: StoredArrays
    facts: dict[str, Any]
    path: Path


class DamagedCheckpoint(Exception):
    """A checkpoint file that cannot be trusted or read; the message says why."""


class StoredArrays(Mapping[str, h5py.Dataset]):
    """Arrays that stay on disk until they are sliced."""

    def __init__(self, file: h5py.File):
        self._file = file
        self._names: list[str] = []
        file["arrays"].visititems(
            lambda name, x: self._names.append(name) if isinstance(x, h5py.Dataset) else None
        )

    def __getitem__(self, name: str) -> h5py.Dataset:
        return self._file["arrays"][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def close(self) -> None:
        """Give the file back; harmless when done twice."""
        self._file.close()


class CheckpointSink:
    """The next checkpoint of a folder, on its way (a `simulation.writer.Sink`).

    The file appears under its name only when it is complete and on disk; then all but the newest
    `keep` are removed.

    Attributes:
        extents: See `simulation.writer.Sink`.

    Raises:
        OSError: The disk is full or the folder cannot be written; older checkpoints stay.
    """

    def __init__(
        self,
        folder: Path,
        time: float,
        facts: Mapping[str, Any],
        arrays: Mapping[str, ArraySpec],
        keep: int = 2,
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._keep = folder, keep
        old = _files(folder)
        self.path = folder / f"checkpoint_{_number(old[-1]) + 1 if old else 1:06d}.h5"
        self._temporary = folder / f".{self.path.name}.tmp"
        self._fd: int | None = os.open(self._temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self._shadow = ShadowFile(self._fd)
        self._file: h5py.File | None = None
        self._part: Part | None = None
        places: dict[str, Extent] = {}
        try:
            with self._shadow.guard():
                self._file = f = h5py.File(self._shadow, "w")
                f.attrs["format"], f.attrs["time"] = FORMAT, float(time)
                f.create_dataset("facts", data=json.dumps(dict(facts), sort_keys=True))
                group = f.create_group("arrays")
                for name, spec in arrays.items():
                    extent = allocated(self._temporary, group, name, spec.shape, spec.dtype)
                    if extent is not None:
                        places[name] = extent
            self.extents = Extents(places)
            self._part = Part(places)
        except BaseException:
            self.abandon()
            raise

    def block(self, name: str, start: int, rows: np.ndarray) -> None:
        """See `simulation.writer.Sink`."""
        assert self._part is not None
        self._part.block(name, start, rows)

    def commit(self) -> None:
        """Checksum, to disk, into its place; then the oldest are removed."""
        assert self._file is not None and self._fd is not None
        try:
            with self._shadow.guard():
                self._file.close()
            self._file = None
            size = os.fstat(self._fd).st_size
            write_all(self._fd, _MARK + _checksum(self._fd, size).encode() + b"\n", size)
            os.fsync(self._fd)
            os.replace(self._temporary, self.path)
        finally:
            self.abandon()
        sync_folder(self._folder)
        for path in [*_files(self._folder)[: -self._keep], *self._folder.glob(".checkpoint_*.tmp")]:
            path.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._fd is None:
            return
        if self._part is not None:
            self._part.close()
        if self._file is not None:
            self._shadow.sealed = True
            with suppress(RuntimeError, OSError):  # after a failed flush HDF5 cannot even close
                self._file.close()
        os.close(self._fd)
        self._fd = self._file = None
        self._temporary.unlink(missing_ok=True)


def read_newest(folder: Path, say: Callable[[str], None] = lambda message: None) -> Checkpoint | None:
    """Read the newest checkpoint that is intact.

    Args:
        folder: The ``checkpoints`` folder.
        say: Is told, in a sentence, of every damaged file that was passed over.

    Returns:
        None if there is no intact checkpoint.
    """
    for path in reversed(_files(folder)):
        try:
            return read_checkpoint(path)
        except DamagedCheckpoint as e:
            say(f"{path} is not used: {e}.")
    return None


def any_intact(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from."""
    found = read_newest(folder)
    if found is not None:
        found.arrays.close()
    return found is not None


def read_checkpoint(path: Path) -> Checkpoint:
    """Open and verify one checkpoint; the caller closes its arrays.

    Raises:
        DamagedCheckpoint: Not readable, incomplete, altered or of a format this version does not know.
    """
    try:
        _verify(path)
        f = h5py.File(path, "r")
    except (OSError, RuntimeError) as e:
        raise DamagedCheckpoint(_unreadable(e)) from None
    try:
        found = int(f.attrs["format"])
        if found != FORMAT:
            raise DamagedCheckpoint(f"it has format {found}, and this version reads {FORMAT}")
        facts = json.loads(f["facts"][()])
        return Checkpoint(float(f.attrs["time"]), StoredArrays(f), facts, path)
    except (OSError, RuntimeError, KeyError, ValueError) as e:
        f.close()
        raise DamagedCheckpoint(_unreadable(e)) from None
    except DamagedCheckpoint:
        f.close()
        raise


def _verify(path: Path) -> None:
    with open(path, "rb") as f:
        size = os.fstat(f.fileno()).st_size - _TRAILER
        trailer = os.pread(f.fileno(), _TRAILER, size) if size > 0 else b""
        if not trailer.startswith(_MARK):
            raise DamagedCheckpoint("it is damaged (it is not complete)")
        if trailer[len(_MARK) : -1] != _checksum(f.fileno(), size).encode():
            raise DamagedCheckpoint("it is damaged (its checksum does not match its content)")


def _checksum(fd: int, size: int) -> str:
    digest = hashlib.sha256()
    for at in range(0, size, _BLOCK):
        digest.update(os.pread(fd, min(_BLOCK, size - at), at))
    return digest.hexdigest()


def _unreadable(e: Exception) -> str:
    return f"it is damaged (it cannot be read: {str(e).splitlines()[0] if str(e) else e!r})"


def _number(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else 0


def _files(folder: Path) -> list[Path]:
    """Oldest first."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if _NAME.fullmatch(p.name)), key=_number)
