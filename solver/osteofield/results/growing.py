# SPDX-License-Identifier: LGPL-3.0-or-later
"""An HDF5 file that only grows: whatever kills the writer, all that was committed stays readable."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import h5py

from .shadow import ShadowFile, write_all

# HDF5 File Format Specification 3.0, section II.A: superblock version 0 with 8-byte offsets
_SUPERBLOCK = 96
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_END_OF_FILE = 40
_ROOT_ADDRESS = 64
_LINK_COUNT = 4  # in a version 1 object header, section IV.A.1.a
_LIBVER = ("earliest", "v110")  # superblock 0, and readable by every ParaView


class GrowingFile:
    """An HDF5 file of top-level groups to which groups are added and never changed.

    HDF5 itself promises nothing about a file whose writer was killed. Here new data only ever go
    behind the committed end of the file, together with a new root group that links the old
    top-level groups and the new ones; then 96 bytes at the start, the superblock, are replaced by
    one write that names the new root and the new end. A reader sees the old file or the new one.
    The price is one list of top-level groups per addition, 40 bytes for each of them.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def create(self) -> None:
        """Start an empty file, replacing any other."""
        with h5py.File(self.path, "w", libver=_LIBVER):
            pass
        fd = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def add(self, keep: Iterable[str] | None = None) -> Addition:
        """Begin to add groups.

        Args:
            keep: Names of the old top-level groups that stay, or None for all.

        Raises:
            OSError: The file cannot be written or was not written by osteofield.
        """
        return Addition(self.path, keep)


class Addition:
    """Groups on their way into a `GrowingFile`: nothing of them counts before `commit`.

    Attributes:
        root: New groups are created below this one; those already there must not be changed.
        shadow: Guards calls into HDF5 (`ShadowFile.guard`).
    """

    root: h5py.Group

    def __init__(self, path: Path, keep: Iterable[str] | None):
        self._fd: int | None = os.open(path, os.O_RDWR)
        self._file: h5py.File | None = None
        try:
            self._superblock = bytearray(os.pread(self._fd, _SUPERBLOCK, 0))
            if self._superblock[:9] != _SIGNATURE + b"\0" or self._superblock[13:15] != b"\x08\x08":
                raise OSError(f"{path} was not written by osteofield and cannot be continued.")
            (end,) = struct.unpack_from("<Q", self._superblock, _END_OF_FILE)
            self.shadow = ShadowFile(self._fd, end)
            with self.shadow.guard():
                self._file = f = h5py.File(self.shadow, "r+", libver=_LIBVER)
                self.root = h5py.Group(h5py.h5g.create(f.id, None))  # anonymous: the old root stays as it is
                for name in f if keep is None else keep:
                    h5py.h5o.link(f[name].id, self.root.id, name.encode())
        except BaseException:
            self.abandon()
            raise

    def commit(self) -> None:
        """Make the new groups part of the file, durably.

        Raises:
            OSError: The disk is full or the file cannot be written; the old content stays valid.
        """
        assert self._file is not None and self._fd is not None
        try:
            with self.shadow.guard():
                self._file.flush()
                root = h5py.h5o.get_info(self.root.id).addr
                self.shadow.seek(0)
                self.shadow.readinto(self._superblock)
            if root < self.shadow.end:
                raise OSError("HDF5 placed new data inside the committed part of the file.")
            struct.pack_into("<QII16x", self._superblock, _ROOT_ADDRESS, root, 0, 0)
            write_all(self._fd, struct.pack("<I", 1), root + _LINK_COUNT)
            os.fsync(self._fd)
            write_all(self._fd, self._superblock, 0)
            os.fsync(self._fd)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Forget what is not committed; it lies behind the end of the file and will be overwritten."""
        if self._fd is None:
            return
        if self._file is not None:
            self.shadow.sealed = True  # closing deletes what has no name, and that must not reach the disk
            self.root = None
            with suppress(RuntimeError, OSError):  # after a failed flush HDF5 cannot even close
                self._file.close()
        os.close(self._fd)
        self._fd = self._file = None
