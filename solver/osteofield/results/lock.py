# SPDX-License-Identifier: LGPL-3.0-or-later
"""One run per results folder: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path

from ..errors import InputError, Problem

NAME = ".lock"
_UNSUPPORTED = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}


class FolderLock:
    """Held from construction until `release` or the end of the process.

    Raises:
        InputError: Another process holds it.
    """

    def __init__(self, folder: Path):
        self.path = folder / NAME
        while True:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as e:
                # some cluster file systems have no locks; that must not stop a run
                if e.errno not in _UNSUPPORTED:
                    holder = os.pread(fd, 200, 0).decode(errors="replace").strip() or "another process"
                    os.close(fd)
                    message = (
                        f"another run is writing to this folder ({holder}); "
                        "wait for it, end it, or choose another folder with -o."
                    )
                    raise InputError(Problem(message, folder)) from None
            if self._still_there(fd):  # else another run moved the folder aside in between
                break
            os.close(fd)
        self._fd: int | None = fd
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)

    def _still_there(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), os.stat(self.path))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others in; the file is removed."""
        if self._fd is not None:
            if self._still_there(self._fd):
                self.path.unlink()
            os.close(self._fd)
            self._fd = None
