# SPDX-License-Identifier: LGPL-3.0-or-later
"""The run's log: everything to ``log.txt``, what matters also to the screen."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal, TextIO

LEVELS = ("debug", "info", "warning", "error")


class Log:
    """Messages in levels; one object per run, on rank 0.

    Args:
        path: ``log.txt``, appended to; None for the screen only.
        screen: Where to echo, by default standard error; None for nowhere.
        level: Lowest level that is echoed. The file gets all of them.
    """

    def __init__(
        self,
        path: Path | None = None,
        screen: TextIO | Literal["stderr"] | None = "stderr",
        level: str = "info",
    ):
        self.screen = sys.stderr if screen == "stderr" else screen
        self._least = LEVELS.index(level)
        self._file = open(path, "a", encoding="utf-8", buffering=1) if path else None  # noqa: SIM115

    @classmethod
    def silent(cls) -> Log:
        """A log that says nothing: for the other ranks."""
        return cls(None, None)

    def __call__(self, message: str, level: str = "info") -> None:
        """Log a message of one or more lines."""
        rank = LEVELS.index(level)
        mark = f"{level}: " if level in ("warning", "error") else ""
        if self._file:
            stamp = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
            # a full disk must not end the run: what matters is on the screen too
            with suppress(OSError):
                self._file.write("".join(f"{stamp}  {mark}{line}\n" for line in message.splitlines() or [""]))
        if self.screen and rank >= self._least:
            clear = "\r\x1b[K" if self.screen.isatty() and os.environ.get("TERM") != "dumb" else ""
            print(
                f"{clear}{mark}{message}", file=self.screen, flush=True
            )  # over a live line, if there is one

    def debug(self, message: str) -> None:
        """To the file only, by default."""
        self(message, "debug")

    def info(self, message: str) -> None:
        """What the user wants to see."""
        self(message, "info")

    def warning(self, message: str) -> None:
        """What the user should know about the result."""
        self(message, "warning")

    def error(self, message: str) -> None:
        """Why the run ended."""
        self(message, "error")

    def close(self) -> None:
        """No more messages to the file."""
        if self._file:
            with suppress(OSError):
                self._file.close()
            self._file = None
