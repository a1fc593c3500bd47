# SPDX-License-Identifier: LGPL-3.0-or-later
"""One run per results folder: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
from pathlib import Path

from ..errors import InputError, Problem

NAME = ".lock"
_UNSUPPORTED = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}
_ADVICE = "wait for it, end it, or choose another folder with -o."


class FolderLock:
    """Held from construction until `release` or the end of the process.

    Where the file system has no locks, the holder named in the file counts: one on this host as long
    as its process lives, one on another host until the file is removed.

    Raises:
        InputError: Another process holds it.
        OSError: The folder cannot be written.
    """

    def __init__(self, folder: Path):
        self.path = folder / NAME
        while True:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _take(fd, folder)
            except BaseException:
                os.close(fd)
                raise
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


def refuse_if_held(folder: Path) -> None:
    """Look at the lock of a folder without taking it.

    Raises:
        InputError: Another process holds it.
    """
    try:
        fd = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return
    try:
        _take(fd, folder)
    finally:
        os.close(fd)


def held(folder: Path) -> bool:
    """Whether a process holds the lock of a folder."""
    try:
        refuse_if_held(folder)
    except InputError:
        return True
    return False


def _take(fd: int, folder: Path) -> None:
    holder = os.pread(fd, 200, 0).decode(errors="replace").strip()
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as e:
        if e.errno not in _UNSUPPORTED:
            who = holder or "another process"
            message = f"another run is writing to this folder ({who}); {_ADVICE}"
            raise InputError(Problem(message, folder)) from None
        _believe(holder, folder)


def _believe(holder: str, folder: Path) -> None:
    """Some cluster file systems have no locks; then only the text in the file tells."""
    found = re.fullmatch(r"process (\d+) on (.+)", holder)
    if found is None:
        return
    process, host = int(found[1]), found[2]
    if host == socket.gethostname():
        if process == os.getpid() or not Path(f"/proc/{process}").exists():
            return
        message = f"another run is writing to this folder ({holder}); {_ADVICE}"
    else:
        message = (
            f"a run may be writing to this folder ({holder}; this file system has no locks, so that cannot "
            f"be known from here). If it is over, remove {folder / NAME} and try again."
        )
    raise InputError(Problem(message, folder))
