# SPDX-License-Identifier: LGPL-3.0-or-later
"""A whole case, typed and in internal units (um, day, pM): what the other rooms take."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import Problem
from ..tomlsource import Key, TomlSource
from .face import FaceSpec
from .focus import FocusSpec
from .held import HeldSpec
from .model import ModelSpec
from .output import OutputSpec
from .place import ProbeSpec, RegionSpec
from .sample import SampleSpec
from .therapy import TherapySpec
from .timing import CheckpointSpec, TimeSpec


@dataclass(frozen=True)
class Case:
    """A whole case: frozen, typed, in internal units.

    Attributes:
        name: By default the file name without ``.toml``; names the default results folder.
        path: The case file. Path and source do not take part in comparisons: two cases are equal
            if they run the same.
        source: Its text with line numbers, so that later checks can point into it.
        resolved: The case as TOML text with every default written out; runs again as it is.
        outer: ``closed`` (no flux) or ``open`` (an infinite healthy surrounding).
        surface: ``records depth`` (fixed surface) or ``moves``.
        recut: Displacement in cells after which a surface that moves is cut anew.
        stop: Reasons to end early: ``cleared``, ``steady``.
        faces: What a disease does at the faces of the sample box.
        probes, regions: Places with histories of their own.
        held: What bone matrix holds.
        arms: Cases to run instead of this one and to compare; each is this one with changes.
        checkpoint: When the state is stored.
        start: Results folder whose end state is the begin, where `initial` is ``results``.
    """

    name: str
    path: Path = field(compare=False)
    source: TomlSource = field(compare=False, repr=False)
    resolved: str = field(repr=False)
    title: str
    surface: Literal["records depth", "moves"]
    recut: float
    sample: SampleSpec
    initial: Literal["homeostasis", "model", "results"]
    model: ModelSpec
    foci: tuple[FocusSpec, ...]
    therapies: tuple[TherapySpec, ...]
    outer: Literal["closed", "open"]
    time: TimeSpec
    output: OutputSpec
    stop: tuple[Literal["cleared", "steady"], ...]
    arms: tuple[Case, ...] = ()
    checkpoint: CheckpointSpec = CheckpointSpec()
    start: Path | None = None
    faces: tuple[FaceSpec, ...] = ()
    probes: tuple[ProbeSpec, ...] = ()
    regions: tuple[RegionSpec, ...] = ()
    held: tuple[HeldSpec, ...] = ()

    def problem(self, key: Key, message: str) -> Problem:
        """A `Problem` at a key of the case file."""
        return self.source.problem(key, message)
