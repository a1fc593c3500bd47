# SPDX-License-Identifier: LGPL-3.0-or-later
"""A request to stop (Ctrl-C, SIGTERM) that is honoured between two steps, by all ranks together."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpi4py import MPI


class Interrupt:
    """Context in which SIGINT and SIGTERM only set a flag; a second SIGINT ends the process."""

    def __init__(self) -> None:
        self._signal = 0
        self._old: dict[int, Any] = {}

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._signal == signal.SIGINT and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._signal = number

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def requested(self, comm: MPI.Comm) -> str | None:
        """Collective: the name of a signal that any rank has received, or None."""
        from mpi4py import MPI

        number = comm.allreduce(self._signal, op=MPI.MAX) if comm.size > 1 else self._signal
        return signal.Signals(number).name if number else None
