# SPDX-License-Identifier: LGPL-3.0-or-later
"""What the command prints; of several MPI ranks only the first one does."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ..errors import Problem
from ..parallel import is_root


def say(text: str = "") -> None:
    """Print a line to standard output, at once, so that a job's log can be followed."""
    if is_root():
        print(text, flush=True)


def complain(problems: Iterable[Problem], consequence: str = "nothing was started") -> None:
    """List problems on standard error, one a line, and say how many there are."""
    if not is_root():
        return
    listed = {str(p): p for p in problems}
    for line in listed:
        print(line, file=sys.stderr)
    faults = sum(not p.advice for p in listed.values())
    count = "1 problem" if faults == 1 else f"{faults} problems"
    print(f"osteofield: {count}; {consequence}.", file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """One line on standard error."""
    if is_root():
        print(f"osteofield: {text}", file=sys.stderr, flush=True)


def hint(text: str) -> None:
    """A line of advice, not part of the answer: only for somebody who looks at a terminal."""
    if is_root() and sys.stdout.isatty():
        print(text, file=sys.stderr, flush=True)
