# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a run is held against: values, extremes, steady states, periods, waves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..tomlsource import Key
from .digits import Digits


@dataclass(frozen=True)
class Target:
    """What all targets have.

    Attributes:
        run: Name of the run.
        key: Where it stands in the file.
        source: Where the numbers come from.
        share: Relative error allowed instead of one unit in the last digit, or None.
    """

    run: str
    key: Key
    source: str
    share: float | None


@dataclass(frozen=True)
class At(Target):
    """Values at one time (day), over those at the start of the run if `over_start`."""

    time: float
    values: Mapping[str, Digits]
    over_start: bool


@dataclass(frozen=True)
class Extreme(Target):
    """The least or largest value of `of` between two times (day): how large, and when."""

    of: str
    kind: Literal["min", "max"]
    start: float
    until: float
    value: Digits | None
    time: Digits | None


@dataclass(frozen=True)
class Steady(Target):
    """A root of the rates, found from a guess."""

    values: Mapping[str, Digits]
    guess: Mapping[str, Digits]


@dataclass(frozen=True)
class Eigenvalues(Target):
    """Those of the Jacobian at a steady state, 1/day."""

    values: tuple[Digits, ...]
    guess: Mapping[str, Digits]


@dataclass(frozen=True)
class Period(Target):
    """Mean distance of successive maxima of `of` between two times (day)."""

    of: str
    start: float
    until: float
    value: Digits


@dataclass(frozen=True)
class Drift(Target):
    """Mean change of `of` from one maximum of `per` to the next."""

    of: str
    per: str
    start: float
    until: float
    value: Digits


@dataclass(frozen=True)
class Roots(Target):
    """How many steady states without negative populations there are; starts lie `within` a box."""

    within: Mapping[str, tuple[Digits, Digits]]
    count: int


@dataclass(frozen=True)
class Mode(Target):
    """A cosine of `waves` half waves along x, carried by some populations."""

    of: tuple[str, ...]
    waves: int


@dataclass(frozen=True)
class Space(Target):
    """A run again on a sample with space and uniform data."""

    settings: tuple[str, ...]
    light: bool
