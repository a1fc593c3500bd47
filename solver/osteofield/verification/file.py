# SPDX-License-Identifier: LGPL-3.0-or-later
"""Verification files: which runs of a published model are held against which numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..case.table import Table
from ..errors import InputError, Problem, did_you_mean, in_order
from ..tomlsource import Key, TomlSource
from ..units import UnitError, describe, unit
from .digits import Digits

FORMAT = 1
FOLDER = Path(__file__).resolve().parent / "published"
DAY = unit("day")


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
    reader = _Reader(top, _runs(top), top.text("source", example='"computed with ..."'))
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
        runs=reader.runs,
        targets=reader.targets(),
        panels=tuple(map(reader.panel, top.tables("panel"))),
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
        out[name] = RunSpec(name, title, _settings(t), t.flag("light", True), t.key)
        t.close()
    return out


def _settings(t: Table) -> tuple[str, ...]:
    settings = t.words("set")
    for i, s in enumerate(settings):
        if "=" not in s:
            t.problem("set", 'this is not of the form key=value, for example "time.end=7 day".', i)
    return settings


class _Reader:
    """Reads targets and panels, which refer to the runs of the file."""

    def __init__(self, top: Table, runs: Mapping[str, RunSpec], origin: str):
        self.top, self.runs, self.origin = top, dict(runs), origin

    def targets(self) -> tuple[Target, ...]:
        kinds: tuple[tuple[str, Callable[[Table], Target]], ...] = (
            ("steady", self.steady), ("eigenvalues", self.eigenvalues), ("roots", self.roots),
            ("at", self.at), ("extreme", self.extreme), ("period", self.period), ("drift", self.drift),
            ("mode", self.mode),
        )  # fmt: skip
        found: list[Target] = []
        for kind, read in kinds:
            for t in self.top.tables(kind):
                found.append(read(t))
                t.close({"value": ""} if kind == "eigenvalues" else None)
        if self.top.has("space"):
            t = self.top.table("space")
            found.append(self.space(t))
            t.close()
        return tuple(found)

    def common(self, t: Table, *, run: str | None = None) -> tuple[str, Key, str, float | None]:
        name = t.text("run", run, example='"event"')
        if name and name not in self.runs:
            t.problem("run", f"there is no run '{name}'{did_you_mean(name, self.runs, otherwise='runs')}")
        return name, t.key, t.text("source", self.origin or "-"), self.share(t)

    def share(self, t: Table) -> float | None:
        raw = t.data.get("allowed")
        if isinstance(raw, str):
            t.text("allowed")
            try:
                value = float(raw)
            except ValueError:
                value = math.nan
            if not 0 < value < 1:
                t.problem("allowed", f"'{raw}' is not a relative error between 0 and 1, for example 1e-3.")
                return None
            return value
        return t.number("allowed", above=0.0, below=1.0) if raw is not None else None

    def number(self, t: Table, name: str, *, time: bool = False, example: str = "") -> Digits | None:
        text = t.text(name, example=example) if example or t.has(name) else ""
        if not text:
            return None
        try:
            found = Digits.read(text)
        except UnitError as e:
            t.problem(name, f"{e}.")
            return None
        if time and (found.unit is None or not found.unit.same_dimension(DAY)):
            got = "has no unit" if found.unit is None else f"is {describe(found.unit)}"
            t.problem(name, f"'{text}' {got}, but a time is needed here, for example '42.17 day'.")
        return found

    def numbers(self, t: Table, name: str, *, needed: bool = True) -> dict[str, Digits]:
        if needed and not t.has(name):
            t.problem(name, f'this key is needed, for example {name} = {{ OC = "9.629828" }}')
        inner = t.table(name)
        found = {key: self.number(inner, key) for key in inner.data}
        inner.close()
        return {key: d for key, d in found.items() if d is not None}

    def window(self, t: Table) -> tuple[float, float]:
        start = t.quantity("from", "day", "0 day", zero=True)
        until = t.quantity("until", "day") if t.has("until") else math.inf
        if until <= start:
            t.problem("until", "the window must end after it begins: 'until' is not later than 'from'.")
        return start, until

    def at(self, t: Table) -> At:
        common = self.common(t)
        over = t.choice("over", ("start",)) if t.has("over") else ""
        time = t.quantity("time", "day", example="1 day", zero=True)
        return At(*common, time, self.numbers(t, "value"), bool(over))

    def extreme(self, t: Table) -> Extreme:
        common, of = self.common(t), t.text("of", example='"OC"')
        kind: Any = t.choice("kind", ("min", "max"))
        value, time = self.number(t, "value"), self.number(t, "time", time=True)
        if not t.has("value") and not t.has("time"):
            t.problem(None, "a value or a time is needed, or both.")
        return Extreme(*common, of, kind, *self.window(t), value, time)

    def steady(self, t: Table) -> Steady:
        return Steady(*self.common(t), self.numbers(t, "value"), self.numbers(t, "guess", needed=False))

    def eigenvalues(self, t: Table) -> Eigenvalues:
        common = self.common(t)
        raw = t.data.get("value")
        found = []
        if not isinstance(raw, list) or not raw:
            t.problem("value", 'a list is needed, for example value = ["-0.25+0.23i", "-0.25-0.23i"]')
            raw = []
        for i, text in enumerate(raw):
            try:
                found.append(Digits.read_complex(text if isinstance(text, str) else repr(text)))
            except UnitError as e:
                t.problem("value", f"{e}.", i)
        return Eigenvalues(*common, tuple(found), self.numbers(t, "guess", needed=False))

    def period(self, t: Table) -> Period:
        common, of = self.common(t), t.text("of", example='"OC"')
        value = self.number(t, "value", time=True, example='"273.53 day"')
        return Period(*common, of, *self.window(t), value or Digits.read("1 day"))

    def drift(self, t: Table) -> Drift:
        common = self.common(t)
        of, per = t.text("of", example='"z"'), t.text("per", example='"OC"')
        value = self.number(t, "value", example='"-0.027"')
        return Drift(*common, of, per, *self.window(t), value or Digits.read("1"))

    def roots(self, t: Table) -> Roots:
        common = self.common(t)
        if not t.has("within"):
            t.problem("within", 'this key is needed, for example within = { a = ["0", "5"] }')
        inner = t.table("within")
        within = {}
        for name, raw in inner.data.items():
            try:
                low, high = map(Digits.read, raw)
                if low.value.real * low.factor < high.value.real * high.factor:
                    within[name] = (low, high)
                    continue
            except (UnitError, TypeError, ValueError):
                pass
            inner.problem(name, 'two numbers, ascending, are needed, for example ["0", "5"].')
        if not t.has("count"):
            t.problem("count", "this key is needed, for example count = 1")
        return Roots(*common, within, t.integer("count", 1, at_least=0))

    def mode(self, t: Table) -> Mode:
        common = self.common(t)
        of = t.words("of")
        if not of:
            t.problem("of", 'the populations that carry the wave are needed, for example of = ["OC", "OB"].')
        if not t.has("allowed"):
            t.problem("allowed", 'this key is needed, for example allowed = "1e-3"')
        return Mode(*common, of, t.integer("waves", 1, at_least=1))

    def space(self, t: Table) -> Space:
        common = self.common(t, run=next(iter(self.runs), None))
        if not t.has("allowed"):
            t.problem("allowed", 'this key is needed, for example allowed = "1e-6"')
        return Space(*common, _settings(t), t.flag("light", True))

    def panel(self, t: Table) -> Panel:
        runs, show = t.words("runs"), t.words("show")
        for i, name in enumerate(runs):
            if name not in self.runs:
                hint = did_you_mean(name, self.runs, otherwise="runs")
                t.problem("runs", f"there is no run '{name}'{hint}", i)
        for key, value in (("runs", runs), ("show", show)):
            if not value:
                t.problem(key, f'this key is needed: a list of names, for example {key} = ["a"].')
        panel = Panel(runs, show, t.text("label", ", ".join(show) or "-"), t.flag("log", False), t.key)
        t.close()
        return panel
