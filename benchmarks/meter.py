# SPDX-License-Identifier: LGPL-3.0-or-later
"""Processor time and least memory traffic of functions, watched from outside while they run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from osteofield.compiled import Record


@dataclass
class Entry:
    """Calls of one function, their processor seconds and the bytes of their array arguments."""

    calls: int = 0
    seconds: float = 0.0
    bytes: float = 0.0


@dataclass
class Meter:
    """Wraps functions and sums up what they cost.

    Attributes:
        entries: By name.
        clock: Nanoseconds, of the processor or of the wall.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    clock: Callable[[], int] = time.process_time_ns

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched under that name."""
        entry = self.entries.setdefault(name, Entry())
        clock = self.clock

        def watched(*arguments: Any, **named: Any) -> Any:
            begun = clock()
            try:
                return function(*arguments, **named)
            finally:
                entry.seconds += 1e-9 * (clock() - begun)
                entry.calls += 1
                entry.bytes += traffic(arguments)

        return watched

    def watch(self, owner: Any, name: str, label: str | None = None) -> None:
        """Replace an attribute by its watched form; nothing happens where there is no such attribute."""
        if hasattr(owner, name):
            setattr(owner, name, self.timed(label or name, getattr(owner, name)))

    def seconds(self, name: str) -> float:
        """Of one function so far."""
        return self.entries[name].seconds if name in self.entries else 0.0


def traffic(arguments: tuple[Any, ...]) -> float:
    """Bytes of the arrays a function is given, each touched once.

    Of a basis, an array of vectors, only so many vectors count as the last number before it says.
    """
    total, count = 0.0, 0
    for a in arguments:
        if isinstance(a, np.ndarray):
            part = min(count, a.shape[0]) / max(a.shape[0], 1) if a.ndim == 3 else 1.0
            total += a.nbytes * part
        elif isinstance(a, Record):
            total += a.nbytes
        elif isinstance(a, tuple):
            total += traffic(a)
        elif isinstance(a, list):
            total += sum(x.nbytes for x in a if isinstance(x, np.ndarray))
        elif isinstance(a, int):
            count = a
    return total
