# SPDX-License-Identifier: LGPL-3.0-or-later
"""The live line of a run: where it is and how long it will still take."""

from __future__ import annotations

import sys
import time as clock
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from ..simulation import Progress

_TERMINAL, _LOG = 0.2, 30.0  # seconds between updates


class ProgressLine:
    """Rewrites one line on a terminal; in a log file, adds a line now and then.

    Args:
        screen: Where to write, by default standard error.
    """

    def __init__(self, screen: TextIO | None = None):
        self._screen = screen or sys.stderr
        self._terminal = self._screen.isatty()
        self._begun: tuple[float, float] | None = None
        self._last = clock.monotonic() if not self._terminal else 0.0
        self._length = 0

    @property
    def started(self) -> bool:
        """Whether a step has been made."""
        return self._begun is not None

    def __call__(self, p: Progress) -> None:
        """Show where a run is (rank 0)."""
        now = clock.monotonic()
        if self._begun is None:
            self._begun = (now, p.day)
        if now - self._last < (_TERMINAL if self._terminal else _LOG) and p.day < p.end:
            return
        self._last = now
        text = self.text(p, now)
        if self._terminal:
            self._screen.write("\r" + text.ljust(self._length))
            self._length = len(text)
        elif p.day < p.end:
            self._screen.write(text + "\n")
        self._screen.flush()

    def text(self, p: Progress, now: float) -> str:
        """The line itself."""
        share = int(20 * p.day / p.end)
        parts = [f"[{'=' * share}{' ' * (20 - share)}] day {p.day:.3g} of {p.end:g}"]
        parts.append(f"{p.steps} steps" + (f" ({p.rejected} rejected)" if p.rejected else ""))
        parts.append(f"step {p.step:.2g} d")
        if p.row:
            for column, name in (("bone_loss [%]", "bone loss"), ("E.De.max [um]", "E.De.max")):
                if column in p.row:
                    parts.append(f"{name} {p.row[column]:.3g} {column.split('[')[1][:-1]}")
        begun, day = self._begun or (now, p.day)
        if p.day > day and p.day < p.end and now - begun > 1.0:
            parts.append(f"elapsed {_duration(now - begun)}")
        return ", ".join(parts)

    def close(self) -> None:
        """Leave the line standing."""
        if self._terminal and self._length:
            self._screen.write("\n")
            self._screen.flush()
            self._length = 0


def _duration(seconds: float) -> str:
    minutes, s = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{s:02d}" if hours else f"{minutes}:{s:02d}"
