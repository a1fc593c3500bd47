# SPDX-License-Identifier: LGPL-3.0-or-later
"""Reading the targets of a verification file."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..case.table import Table
from ..errors import did_you_mean
from ..tomlsource import Key
from ..units import UnitError, describe, unit
from .digits import Digits
from .targets import At, Drift, Eigenvalues, Extreme, Mode, Period, Roots, Space, Steady, Target

DAY = unit("day")


class TargetReader:
    """Reads the targets of a file; problems are noted in its tables.

    Args:
        top: The whole file.
        runs: Names of its runs, in its order.
        origin: Where targets come from that name no other source.
    """

    def __init__(self, top: Table, runs: Sequence[str], origin: str):
        self.top, self.runs, self.origin = top, runs, origin

    def targets(self) -> tuple[Target, ...]:
        """All of them, kind by kind."""
        kinds: tuple[tuple[str, Callable[[Table], Target]], ...] = (
            ("steady", self._steady), ("eigenvalues", self._eigenvalues), ("roots", self._roots),
            ("at", self._at), ("extreme", self._extreme), ("period", self._period), ("drift", self._drift),
            ("mode", self._mode),
        )  # fmt: skip
        found: list[Target] = []
        for kind, read in kinds:
            for t in self.top.tables(kind):
                found.append(read(t))
                t.close({"value": ""} if kind == "eigenvalues" else None)
        if self.top.has("space"):
            t = self.top.table("space")
            found.append(self._space(t))
            t.close()
        return tuple(found)

    def _common(self, t: Table, *, run: str | None = None) -> tuple[str, Key, str, float | None]:
        name = t.text("run", run, example='"event"')
        if name and name not in self.runs:
            t.problem("run", f"there is no run '{name}'{did_you_mean(name, self.runs, otherwise='runs')}")
        return name, t.key, t.text("source", self.origin or "-"), self._share(t)

    def _share(self, t: Table) -> float | None:
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

    def _number(self, t: Table, name: str, *, time: bool = False, example: str = "") -> Digits | None:
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

    def _numbers(self, t: Table, name: str, *, needed: bool = True) -> dict[str, Digits]:
        if needed and not t.has(name):
            t.problem(name, f'this key is needed, for example {name} = {{ OC = "9.629828" }}')
        inner = t.table(name)
        found = {key: self._number(inner, key) for key in inner.data}
        inner.close()
        return {key: d for key, d in found.items() if d is not None}

    def _window(self, t: Table) -> tuple[float, float]:
        start = t.quantity("from", "day", "0 day", zero=True)
        until = t.quantity("until", "day") if t.has("until") else math.inf
        if until <= start:
            t.problem("until", "the window must end after it begins: 'until' is not later than 'from'.")
        return start, until

    def _at(self, t: Table) -> At:
        common = self._common(t)
        over = t.choice("over", ("start",)) if t.has("over") else ""
        time = t.quantity("time", "day", example="1 day", zero=True)
        return At(*common, time, self._numbers(t, "value"), bool(over))

    def _extreme(self, t: Table) -> Extreme:
        common, of = self._common(t), t.text("of", example='"OC"')
        kind: Any = t.choice("kind", ("min", "max"))
        value, time = self._number(t, "value"), self._number(t, "time", time=True)
        if not t.has("value") and not t.has("time"):
            t.problem(None, "a value or a time is needed, or both.")
        return Extreme(*common, of, kind, *self._window(t), value, time)

    def _steady(self, t: Table) -> Steady:
        return Steady(*self._common(t), self._numbers(t, "value"), self._numbers(t, "guess", needed=False))

    def _eigenvalues(self, t: Table) -> Eigenvalues:
        common = self._common(t)
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
        return Eigenvalues(*common, tuple(found), self._numbers(t, "guess", needed=False))

    def _period(self, t: Table) -> Period:
        common, of = self._common(t), t.text("of", example='"OC"')
        value = self._number(t, "value", time=True, example='"273.53 day"')
        return Period(*common, of, *self._window(t), value or Digits.read("1 day"))

    def _drift(self, t: Table) -> Drift:
        common = self._common(t)
        of, per = t.text("of", example='"z"'), t.text("per", example='"OC"')
        value = self._number(t, "value", example='"-0.027"')
        return Drift(*common, of, per, *self._window(t), value or Digits.read("1"))

    def _roots(self, t: Table) -> Roots:
        common = self._common(t)
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

    def _mode(self, t: Table) -> Mode:
        common = self._common(t)
        of = t.words("of")
        if not of:
            t.problem("of", 'the populations that carry the wave are needed, for example of = ["OC", "OB"].')
        if not t.has("allowed"):
            t.problem("allowed", 'this key is needed, for example allowed = "1e-3"')
        return Mode(*common, of, t.integer("waves", 1, at_least=1))

    def _space(self, t: Table) -> Space:
        common = self._common(t, run=next(iter(self.runs), None))
        if not t.has("allowed"):
            t.problem("allowed", 'this key is needed, for example allowed = "1e-6"')
        return Space(*common, read_settings(t), t.flag("light", True))


def read_settings(t: Table) -> tuple[str, ...]:
    """The ``key=value`` changes of the case under ``set``."""
    settings = t.words("set")
    for i, s in enumerate(settings):
        if "=" not in s:
            t.problem("set", 'this is not of the form key=value, for example "time.end=7 day".', i)
    return settings
