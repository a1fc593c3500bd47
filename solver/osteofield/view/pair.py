# SPDX-License-Identifier: LGPL-3.0-or-later
"""Two runs that are compared: what and when can be drawn of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, Problem
from ..results import Result
from .request import ANIMATION, COURSES, FIELD, LESION, PANELS, RADIAL, Request, read_requests, read_steps

_REFUSED = {RADIAL: "profiles", ANIMATION: "films"}
_THERE_ARE = "with --against there are lesion, field, panels and courses"


@dataclass(frozen=True)
class Pair:
    """Two results of the same kind of sample, at output times.

    Attributes:
        first, second: The results; differences are first less second.
        names: What they are called in pictures.
    """

    first: Result
    second: Result
    names: tuple[str, str]

    @classmethod
    def of(cls, first: Result, second: Result) -> Pair:
        """Check that they can be compared.

        Raises:
            InputError: One is in space and the other not, or they differ in dimension.
        """
        dimensions = [r.record.get("dimension", 3) for r in (first, second)]
        if dimensions[0] != dimensions[1]:
            words = [f"{d}-D" if d else "well mixed" for d in dimensions]
            message = f"this run is {words[1]}, but {first.path} is {words[0]}; they cannot be compared."
            raise InputError(Problem(message, second.path))
        names = [first.path.resolve().name, second.path.resolve().name]
        if names[0] == names[1]:
            names = [
                f"{r.path.resolve().parent.name}/{n}" for r, n in zip((first, second), names, strict=True)
            ]
        return cls(first, second, (names[0], names[1]))

    def requests(self, what: str | Sequence[str] | None) -> list[Request]:
        """What is to be drawn; it must be in both.

        Raises:
            InputError: With every problem found.
        """
        if what is None:
            kinds = [{r.kind for r in read_requests(r, None)} for r in (self.first, self.second)]
            both = [k for k in (LESION, FIELD, PANELS, COURSES) if k in kinds[0] & kinds[1]]
            return [Request(k) for k in both]
        requests = read_requests(self.first, what)
        problems = [
            Problem(f"there are no {_REFUSED[r.kind]} of two runs; {_THERE_ARE}.", "--what")
            for r in requests if r.kind in _REFUSED
        ]  # fmt: skip
        if problems:
            raise InputError(problems)
        read_requests(self.second, what)
        return requests

    def steps(self, times: Sequence[float] | None) -> list[tuple[int, int]]:
        """Output time numbers in both; by default the last that they share.

        Raises:
            InputError: A time is missing in one of them, or they share none.
        """
        if times is not None and not any(np.isnan(times)):
            a, b = (read_steps(r, times) or [] for r in (self.first, self.second))
            return list(zip(a, b, strict=True))
        one, two = self.first.marrow.times, self.second.marrow.times
        near = np.abs(one[:, None] - two[None, :]) <= 1e-6 * max(float(one.max()), 1.0)
        if not near.any():
            raise InputError(
                Problem(f"this run shares no output time with {self.first.path}.", self.second.path)
            )
        i, j = np.argwhere(near)[-1]
        return [(int(i), int(j))]
