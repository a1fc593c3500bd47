# SPDX-License-Identifier: LGPL-3.0-or-later
"""Where the arrays of an HDF5 file lie, so that several processes of one node can fill them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np

from .shadow import write_all


@dataclass(frozen=True)
class Extent:
    """One array, row after row, somewhere in a file.

    Attributes:
        path: The file.
        offset: First byte.
        width: Values per row; rows that are given with fewer get zeros behind them.
        dtype: Of the values.
    """

    path: str
    offset: int
    width: int
    dtype: np.dtype


class Extents:
    """Arrays whose place on disk is settled; travels between ranks.

    Only processes on the node where it was made can open it. On one node what one process has written
    another one sees at once; network file systems do not promise that between nodes.

    Args:
        arrays: Name to place; the files exist.
    """

    def __init__(self, arrays: Mapping[str, Extent]):
        self._arrays, self._node = dict(arrays), this_node()
        self._files = {path: _identity(os.stat(path)) for path in {e.path for e in arrays.values()}}

    def open(self) -> Part | None:
        """A way to write here; None on other nodes, and where these very files cannot be reached."""
        if self._node != this_node():
            return None
        try:
            part = Part(self._arrays)
        except OSError:
            return None
        if part.identities != self._files:  # a container of its own, say
            part.close()
            return None
        return part


class Part:
    """Writes rows of arrays to their places; who commits them is somebody else.

    Raises:
        OSError: A file cannot be opened.
    """

    def __init__(self, arrays: Mapping[str, Extent]):
        self._arrays = arrays
        self._files: dict[str, int] = {}
        try:
            for path in {e.path for e in arrays.values()}:
                self._files[path] = os.open(path, os.O_RDWR)
        except OSError:
            self.close()
            raise

    @property
    def identities(self) -> dict[str, tuple[int, int]]:
        """Path to what tells the file from all others of this node."""
        return {path: _identity(os.fstat(fd)) for path, fd in self._files.items()}

    def block(self, name: str, start: int, rows: np.ndarray) -> None:
        """See `simulation.writer.Sink`; an array that was given no place is not kept."""
        extent = self._arrays.get(name)
        if extent is None or not len(rows):
            return
        rows = rows.reshape(len(rows), -1)
        if rows.shape[1] < extent.width:
            rows = np.pad(rows, ((0, 0), (0, extent.width - rows.shape[1])))
        rows = np.ascontiguousarray(rows, extent.dtype)
        at = extent.offset + start * extent.width * extent.dtype.itemsize
        write_all(self._files[extent.path], memoryview(rows).cast("B"), at)

    def close(self) -> None:
        """Give the files back; what was written is safe on disk once the owner has synced them."""
        while self._files:
            os.close(self._files.popitem()[1])


def allocated(
    path: Path, group: h5py.Group, name: str, shape: tuple[int, ...], dtype: np.dtype | type, unit: str = ""
) -> Extent | None:
    """Make a new array; HDF5 itself leaves its place unwritten. None: it is empty and has no place."""
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_layout(h5py.h5d.CONTIGUOUS)
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    data = group.create_dataset(name, shape, dtype, dcpl=layout)
    if unit:
        data.attrs["unit"] = unit
    offset = data.id.get_offset()
    width = int(np.prod(shape[1:]))
    return (
        None if offset is None or not data.size else Extent(str(path.absolute()), offset, width, data.dtype)
    )


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


@lru_cache(1)
def this_node() -> tuple[str, str]:
    """What tells this machine from others, also from others of the same name."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return socket.gethostname(), boot
