# SPDX-License-Identifier: LGPL-3.0-or-later
"""A file object for HDF5 that keeps the committed part of a file as it is, and remembers what went wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


class ShadowFile:
    """Writes behind `end` to disk and keeps in memory what lies before it.

    Attributes:
        sealed: From now on nothing reaches the disk (HDF5 tidies up when it closes a file, and after
            an error tries again what has failed).
        error: The first error of the operating system; HDF5 would report it in its own words, if at all.
    """

    PAGE = 4096

    def __init__(self, fd: int, end: int = 0):
        self.fd, self.end = fd, end
        self.position = 0
        self.pages: dict[int, bytearray] = {}
        self.sealed = False
        self.error: OSError | None = None

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Calls into HDF5: what the disk refused is raised as such."""
        try:
            yield
        except Exception:
            if self.error is not None:
                raise self.error from None
            raise
        if self.error is not None:
            raise self.error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: os.fstat(self.fd).st_size}[whence]
        self.position = base + offset
        return self.position

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        """Nothing is buffered."""

    def truncate(self, size: int | None = None) -> int:
        """Lengthen the file; it is never shortened: what lies behind the committed end does not count."""
        size = self.position if size is None else size
        if not self.sealed and os.fstat(self.fd).st_size < size:
            try:
                os.ftruncate(self.fd, size)
            except OSError as e:
                self.error, self.sealed = e, True
                raise
        return size

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
            write_all(self.fd, view, at)
        except OSError as e:
            self.error, self.sealed = e, True
            raise
        return n


def write_all(fd: int, view: memoryview | bytes | bytearray, at: int) -> None:
    """`os.pwrite` until all is written."""
    view = memoryview(view)
    while len(view):
        k = os.pwrite(fd, view, at)
        view, at = view[k:], at + k
