# SPDX-License-Identifier: LGPL-3.0-or-later
"""What can go wrong: problems of an input, and a computation that stopped."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One fault of an input, located as precisely as is known.

    Attributes:
        message: What is wrong, what is allowed, and a suggestion: full sentences.
        file: The file at fault, if a file is.
        line: 1-based line in that file.
        key: Dotted key in that file, for example ``focus[0].radius``.
        advice: Whether it is no fault but says what can be done about those before it.
    """

    message: str
    file: str | Path | None = None
    line: int | None = None
    key: str | None = None
    advice: bool = False

    def __str__(self) -> str:
        where = ""
        if self.file is not None:
            where = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        return f"{where}{self.key + ': ' if self.key else ''}{self.message}"


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By line, each once; those of the command line first."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: p.line or 0))


class InputError(Exception):
    """The input is wrong; carries every problem found, not only the first."""

    def __init__(self, problems: Problem | Iterable[Problem]):
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)  # as it travels between MPI ranks


class ComputationStopped(Exception):
    """The computation cannot go on; the message says why and what was left on disk."""


@contextmanager
def writing(what: str, path: str | Path) -> Iterator[None]:
    """Around operations on files that make `what`, such as "the report".

    Raises:
        InputError: The operating system refused one of them.
    """
    try:
        yield
    except OSError as e:
        raise InputError(unwritten(what, path, e)) from None


def unwritten(what: str, path: str | Path, why: OSError) -> Problem:
    """What the operating system, or HDF5 in many more words, said when `what` was to be written."""
    said = why.strerror or str(why)
    if by_hdf5 := re.search(r"error message = '([^']*)'", said):
        said = by_hdf5[1]
    return Problem(f"{what} cannot be written here: {said}.", path)


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "known") -> str:
    """End of a sentence: ``; did you mean 'X'?`` or, with no near match, ``; known: a, b, c.``"""
    names = sorted(set(known))
    lower = {n.lower(): n for n in names}
    near = difflib.get_close_matches(word.lower(), lower, 1, 0.6)
    if near:
        return f"; did you mean {lower[near[0]]!r}?"
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"; {otherwise}: {', '.join(names[:_MOST])}{more}." if names else "."


_MOST = 30  # names that are listed
