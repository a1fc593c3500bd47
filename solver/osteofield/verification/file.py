# SPDX-License-Identifier: LGPL-3.0-or-later
"""Verification files: which runs of a published model are held against which numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..case.table import Table
from ..errors import InputError, Problem, did_you_mean, in_order
from ..tomlsource import Key, TomlSource
from .targetreader import TargetReader, read_settings
from .targets import Target

FORMAT = 1
FOLDER = Path(__file__).resolve().parent / "published"


@dataclass(frozen=True)
class RunSpec:
    """One run of the case.

    Attributes:
        settings: ``key=value`` changes of the case.
        light: Whether it is also made where time is short.
        key: Where it stands in the file.
    """

    name: str
    title: str
    settings: tuple[str, ...]
    light: bool
    key: Key


@dataclass(frozen=True)
class Panel:
    """One part of the figure: populations or quantities of some runs over time."""

    runs: tuple[str, ...]
    show: tuple[str, ...]
    label: str
    log: bool
    key: Key


@dataclass(frozen=True)
class Verification:
    """A verification file.

    Attributes:
        name: Of the file, without ending.
        source: The file, for messages.
        case: The case that all runs start from.
        case_name: As the user would name it.
        origin: Where targets come from that name no other source.
        tolerance: Of the time steps.
        targets: In the order of the file, kind by kind.
    """

    name: str
    source: TomlSource = field(repr=False)
    title: str
    case: Path
    case_name: str
    requirement: str
    origin: str
    text: str
    tolerance: float
    runs: Mapping[str, RunSpec]
    targets: tuple[Target, ...]
    panels: tuple[Panel, ...]


def published() -> dict[str, Path]:
    """Name to file of every verification that comes with osteofield."""
    return {file.stem: file for file in sorted(FOLDER.glob("*.toml"))}


def find(name: str) -> Path:
    """The file of a verification: by its name, a beginning of it that fits no other, or a file of the user.

    Raises:
        InputError: There is none, or there are several.
    """
    if name.endswith(".toml"):
        return Path(name)
    known = published()
    if name in known:
        return known[name]
    begin = [n for n in known if n.startswith(name)]
    if len(begin) == 1:
        return known[begin[0]]
    if begin:
        raise InputError(Problem(f"'{name}' can be {' or '.join(begin)}; write more of the name."))
    hint = did_you_mean(name, known, otherwise="there are")
    raise InputError(Problem(f"there is no verification '{name}'{hint}"))


def read_verification(path: Path, cases: Mapping[str, Path]) -> Verification:
    """Read a verification file.

    Args:
        path: The file.
        cases: Shipped cases by name; a case that ends in ``.toml`` is one of the user's, beside the file.

    Raises:
        InputError: With every problem that can be found without looking at the model.
    """
    problems: list[Problem] = []
    source = TomlSource.load(path)
    top = Table(source, (), source.data, problems)
    number = top.number("format", example="1")
    if not math.isnan(number) and number != FORMAT:
        top.problem("format", f"format {number:g} is not known; this version reads format {FORMAT}.")
    runs = _runs(top)
    reader = TargetReader(top, tuple(runs), top.text("source", example='"computed with ..."'))
    found = Verification(
        name=path.stem,
        source=source,
        title=top.text("title", example='"Komarova et al. 2003"'),
        case=_case(top, path, cases),
        case_name=str(source.data.get("case", "")),
        requirement=top.text("requirement", example='"The model shall ..."'),
        origin=reader.origin,
        text=top.text("text", example='"What the model says."'),
        tolerance=top.number("tolerance", 1e-9, above=0.0, at_most=1e-3),
        runs=runs,
        targets=reader.targets(),
        panels=tuple(_panel(t, runs) for t in top.tables("panel")),
    )
    top.close()
    if not found.targets and not problems:
        top.problem(None, "there is nothing to verify: give at least one target, for example [[at]].")
    if problems:
        raise InputError(in_order(problems))
    return found


def _case(top: Table, path: Path, cases: Mapping[str, Path]) -> Path:
    name = top.text("case", example='"komarova2003"')
    if name.endswith(".toml"):
        return path.parent / name
    if name and name not in cases:
        top.problem("case", f"there is no shipped case '{name}'{did_you_mean(name, cases)}")
    return cases.get(name, Path())


def _runs(top: Table) -> dict[str, RunSpec]:
    holder = top.table("run")
    if not holder.data and not holder.broken:
        top.problem("run", 'at least one run is needed, for example [run.event] with title = "...".')
    out = {}
    for name in holder.data:
        t = holder.table(name)
        title = t.text("title", example='"single remodelling event"')
        out[name] = RunSpec(name, title, read_settings(t), t.flag("light", True), t.key)
        t.close()
    return out


def _panel(t: Table, known: Iterable[str]) -> Panel:
    runs, show = t.words("runs"), t.words("show")
    for i, name in enumerate(runs):
        if name not in known:
            hint = did_you_mean(name, known, otherwise="runs")
            t.problem("runs", f"there is no run '{name}'{hint}", i)
    for key, value in (("runs", runs), ("show", show)):
        if not value:
            t.problem(key, f'this key is needed: a list of names, for example {key} = ["a"].')
    panel = Panel(runs, show, t.text("label", ", ".join(show) or "-"), t.flag("log", False), t.key)
    t.close()
    return panel
