# SPDX-License-Identifier: LGPL-3.0-or-later
"""The live line of a run: where it is, how fast, when it will be over, and how much bone is lost.

One line of our own: it has to work in terminals, in logs of batch jobs and beside messages of the run,
on compute nodes where little is installed. A library for progress bars would do the first of these.
"""

from __future__ import annotations

import os
import shutil
import sys
import time as clock
from collections import deque
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from ..simulation import Progress

Mode = Literal["quiet", "live", "verbose"]

_TERMINAL = 0.2  # seconds between updates
_LOG = (30.0, 600.0)  # the same in a log: at first, and after hours
_MEMORY = 200  # updates from which the speed is taken


class ProgressLine:
    """Rewrites one line on a terminal; in a log file, adds a line now and then.

    Args:
        screen: Where to write, by default standard error.
        mode: ``quiet`` writes nothing, ``verbose`` a line for every step.

    Attributes:
        started: Whether a step has been made.
    """

    def __init__(self, screen: TextIO | None = None, mode: Mode = "live"):
        self._screen = screen or sys.stderr
        self._mode = mode
        self._terminal = self._screen.isatty() and os.environ.get("TERM") != "dumb"
        self._begun = self._last = clock.monotonic()
        self._past: deque[tuple[float, float]] = deque(maxlen=_MEMORY)  # clock, day
        self._open = False
        self.started = False

    def __call__(self, p: Progress) -> None:
        """Show where a run is (rank 0)."""
        now = clock.monotonic()
        if not self.started or (self._past and p.day < self._past[-1][1]):  # the next arm begins
            self._past.clear()
            self._begun = now
        self.started = True
        if self._mode == "verbose":
            self._screen.write(_step(p) + "\n")
        elif self._mode == "live" and (now - self._last >= self._pause(now) or p.day >= p.end):
            self._show(p, now)
        if not self._past or now - self._past[-1][0] > 0.1:
            self._past.append((now, p.day))
        self._screen.flush()

    def _pause(self, now: float) -> float:
        """A line in a log is worth less the longer the log is."""
        if self._terminal:
            return _TERMINAL
        return min(max(_LOG[0], (now - self._begun) / 20), _LOG[1])

    def _show(self, p: Progress, now: float) -> None:
        self._last = now
        text = self.text(p, now)
        if self._terminal:
            width = shutil.get_terminal_size().columns - 1
            self._screen.write("\r" + text[:width] + "\x1b[K")
            self._open = True
        elif p.day < p.end:
            self._screen.write(text + "\n")

    def text(self, p: Progress, now: float) -> str:
        """The line itself."""
        parts = [f"day {p.day:.3g} of {p.end:g}"]
        rate = self._rate(p, now)
        if rate and p.day < p.end:
            parts.append(f"{_duration((p.end - p.day) / rate)} left")
        if p.row and "bone_loss [%]" in p.row:
            parts.append(f"bone lost {p.row['bone_loss [%]']:.3g} %")
        parts.append(f"step {p.steps} ({_length(p.step)})")
        if rate:
            parts.append(_speed(rate))
        if p.rejected:
            parts.append(f"{p.rejected} rejected")
        share = int(10 * min(p.day / p.end, 1.0))
        bar = f"[{'=' * share}{' ' * (10 - share)}] " if self._terminal else ""
        return bar + ", ".join(parts)

    def _rate(self, p: Progress, now: float) -> float | None:
        """Days a second, of late."""
        if not self._past or now - self._past[0][0] < 1.0:
            return None
        begun, day = self._past[0]
        return (p.day - day) / (now - begun) if p.day > day else None

    def close(self) -> None:
        """Take the line away: what follows says more."""
        if self._open:
            self._screen.write("\r\x1b[K")
            self._screen.flush()
            self._open = False


def _step(p: Progress) -> str:
    return (
        f"step {p.steps}: day {p.day:.6g}, {_length(p.step)} long, "
        f"{p.iterations:.1f} iterations per solve so far, {p.rejected} rejected so far"
    )


def _length(days: float) -> str:
    """A time span with three figures at most."""
    for unit, size in (("day", 1.0), ("h", 1 / 24), ("min", 1 / 1440)):
        if days >= 0.95 * size:
            return f"{days / size:.2g} {unit}"
    return f"{86400 * days:.2g} s"


def _speed(rate: float) -> str:
    """Days a second, or seconds a day."""
    return f"{rate:.2g} days/s" if rate >= 1 else f"{_duration(1 / rate)} a day"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("min", 60.0), ("h", 3600.0)):
        if seconds < 99.5 * size or unit == "h":
            break
    value = seconds / size
    return f"{value:.2g} {unit}" if value < 99.5 else f"{value / 24:.1f} days"
