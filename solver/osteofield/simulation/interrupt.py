# SPDX-License-Identifier: LGPL-3.0-or-later
"""A request to stop (Ctrl-C, SIGTERM, a scheduler's SIGUSR1), honoured between two steps by all ranks."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpi4py import MPI

# in rising urgency: of several, on whatever ranks, the last one decides
_SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)
REQUEUE = signal.SIGUSR1.name  # a time limit is near: the job wants to be queued again
MEANING = {
    signal.SIGUSR1.name: "SIGUSR1 announced the end of the job's time, and the rest is for another turn",
    signal.SIGTERM.name: "a SIGTERM signal asked for it",
    signal.SIGINT.name: "a SIGINT signal asked for it",
}


_announced = False


def announce() -> None:
    """Note a SIGUSR1 that came outside of any `Interrupt`, for the next one (between two arms)."""
    global _announced
    _announced = True


class Interrupt:
    """Context in which these signals only set a flag; a second SIGINT ends the process."""

    def __init__(self) -> None:
        self._urgency = int(_announced)
        self._old: dict[int, Any] = {}

    def _note(self, number: int, _frame: FrameType | None) -> None:
        urgency = 1 + _SIGNALS.index(signal.Signals(number))
        if number == signal.SIGINT and self._urgency == urgency:
            raise KeyboardInterrupt
        self._urgency = max(self._urgency, urgency)

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._old[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def requested(self, comm: MPI.Comm) -> str | None:
        """Collective: the name of the most urgent signal that any rank has received, or None."""
        from mpi4py import MPI

        urgency = comm.allreduce(self._urgency, op=MPI.MAX) if comm.size > 1 else self._urgency
        return _SIGNALS[urgency - 1].name if urgency else None
