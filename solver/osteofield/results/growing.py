# SPDX-License-Identifier: LGPL-3.0-or-later
"""An HDF5 file that only grows: whatever kills the writer, all that was committed stays readable."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import h5py

# HDF5 File Format Specification 3.0, section II.A: superblock version 0 with 8-byte offsets
_SUPERBLOCK = 96
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_END_OF_FILE = 40
_ROOT_ADDRESS = 64
_LINK_COUNT = 4  # in a version 1 object header, section IV.A.1.a
_LIBVER = ("earliest", "v110")  # superblock 0, and readable by every ParaView


class _Shadow:
    """A file object for HDF5 that writes behind `end` to disk and keeps in memory what lies before it."""

    PAGE = 4096

    def __init__(self, fd: int, end: int):
        self.fd, self.end = fd, end
        self.position = 0
        self.pages: dict[int, bytearray] = {}
        self.sealed = False
        self.error: OSError | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: os.fstat(self.fd).st_size}[whence]
        self.position = base + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        """Nothing is buffered."""

    def truncate(self, size: int | None = None) -> int:
        """The file is never shortened: what lies behind the committed end does not count."""
        return self.position if size is None else size

    def read(self, size: int) -> bytes:
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        view = memoryview(buffer).cast("B")
        start, n = self.position, len(view)
        data = os.pread(self.fd, n, start)
        view[: len(data)] = data
        view[len(data) :] = bytes(n - len(data))
        if start < self.end:
            for p in range(start // self.PAGE, (min(start + n, self.end) - 1) // self.PAGE + 1):
                if p in self.pages:
                    lo, hi = max(start, p * self.PAGE), min(start + n, (p + 1) * self.PAGE, self.end)
                    view[lo - start : hi - start] = self.pages[p][lo - p * self.PAGE : hi - p * self.PAGE]
        self.position += n
        return n

    def write(self, data: bytes | memoryview) -> int:
        view = memoryview(data).cast("B")
        n, at = len(view), self.position
        self.position += n
        if self.sealed:
            return n
        while len(view) and at < self.end:
            p = at // self.PAGE
            if p not in self.pages:
                self.pages[p] = bytearray(os.pread(self.fd, self.PAGE, p * self.PAGE).ljust(self.PAGE, b"\0"))
            k = min(len(view), (p + 1) * self.PAGE - at, self.end - at)
            self.pages[p][at - p * self.PAGE : at - p * self.PAGE + k] = view[:k]
            view, at = view[k:], at + k
        try:
            _write_all(self.fd, view, at)
        except OSError as e:  # HDF5 would report it in its own words, if at all
            self.error = e
            raise
        return n


def _write_all(fd: int, view: memoryview | bytes | bytearray, at: int) -> None:
    view = memoryview(view)
    while len(view):
        k = os.pwrite(fd, view, at)
        view, at = view[k:], at + k


class GrowingFile:
    """An HDF5 file of top-level groups to which groups are added and never changed.

    HDF5 itself promises nothing about a file whose writer was killed. Here new data only ever go
    behind the committed end of the file, together with a new root group that links the old
    top-level groups and the new ones; then 96 bytes at the start, the superblock, are replaced by
    one write that names the new root and the new end. A reader sees the old file or the new one.
    The price is one list of top-level groups per `append`, 40 bytes for each of them.
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

    def append(self, fill: Callable[[h5py.Group], None], keep: Iterable[str] | None = None) -> None:
        """Add what `fill` creates below the root group and commit it.

        Args:
            fill: Creates groups (not single datasets) in the group it is given; must not change
                groups that are there already.
            keep: Names of the old top-level groups that stay, or None for all.

        Raises:
            OSError: The disk is full or the file cannot be written; the old content stays valid.
        """
        fd = os.open(self.path, os.O_RDWR)
        try:
            superblock = bytearray(os.pread(fd, _SUPERBLOCK, 0))
            if superblock[:9] != _SIGNATURE + b"\0" or superblock[13:15] != b"\x08\x08":
                raise OSError(f"{self.path} was not written by osteofield and cannot be continued.")
            (end,) = struct.unpack_from("<Q", superblock, _END_OF_FILE)
            shadow = _Shadow(fd, end)
            try:
                root = self._write(shadow, fill, keep, superblock)
            except Exception:
                if shadow.error is not None:
                    raise shadow.error from None
                raise
            struct.pack_into("<QII16x", superblock, _ROOT_ADDRESS, root, 0, 0)
            _write_all(fd, struct.pack("<I", 1), root + _LINK_COUNT)
            os.fsync(fd)
            _write_all(fd, superblock, 0)
            os.fsync(fd)
        finally:
            os.close(fd)

    @staticmethod
    def _write(
        shadow: _Shadow,
        fill: Callable[[h5py.Group], None],
        keep: Iterable[str] | None,
        superblock: bytearray,
    ) -> int:
        """Write the new groups and root behind the end; return the root's address, read the superblock."""
        with h5py.File(shadow, "r+", libver=_LIBVER) as f:
            root = h5py.Group(h5py.h5g.create(f.id, None))  # anonymous: the old root stays as it is
            for name in f if keep is None else keep:
                h5py.h5o.link(f[name].id, root.id, name.encode())
            fill(root)
            f.flush()
            address = h5py.h5o.get_info(root.id).addr
            shadow.seek(0)
            shadow.readinto(superblock)
            shadow.sealed = True  # closing deletes what has no name, and that must not reach the disk
            root = None
        if shadow.error is not None:
            raise shadow.error
        if address < shadow.end:
            raise OSError("HDF5 placed new data inside the committed part of the file.")
        return address
