# SPDX-License-Identifier: LGPL-3.0-or-later
"""The form of a model file: keys, texts, numbers and formulas, with every problem collected on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Problem, did_you_mean
from ..tomlsource import Key, TomlSource
from ..units import Unit, UnitError, describe, unit
from .expression import FUNCTIONS, SYMBOLS, Expression, ExpressionError, parse
from .value import Value, read_value

_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]*$")


class ModelReader:
    """Takes a TOML tree apart and collects every problem on the way."""

    def __init__(self, source: TomlSource):
        self.source = source
        self.problems: list[Problem] = []

    def say(self, key: Key, message: str) -> None:
        """Note a problem at a key."""
        self.problems.append(self.source.problem(key, message))

    def table(self, parent: Mapping[str, Any], name: str, at: Key = ()) -> dict[str, Any]:
        """A table of `parent`; an empty one if it is absent or no table."""
        raw = parent.get(name, {})
        if isinstance(raw, dict):
            return raw
        self.say((*at, name), f"a table is needed here, not {raw!r}.")
        return {}

    def entries(self, name: str) -> Iterable[tuple[str, dict[str, Any], Key]]:
        """Name, content and key of every table under ``[name]``."""
        for key, raw in self.table(self.source.data, name).items():
            at: Key = (name, key)
            self.good_name(key, at)
            if isinstance(raw, dict):
                yield key, raw, at
            else:
                self.say(at, f"a table [{name}.{key}] is needed here, not {raw!r}.")

    def good_name(self, name: str, at: Key) -> None:
        """Note a name that formulas could not use."""
        if not _NAME.match(name):
            self.say(at, f"'{name}' is not a name: letters, digits and _ only, starting with a letter.")
        elif name in FUNCTIONS or name in SYMBOLS:
            what = "a function" if name in FUNCTIONS else f"the {SYMBOLS[name][1]}"
            self.say(at, f"'{name}' is {what} in formulas; choose another name.")
        else:
            try:
                parse(name)
            except ExpressionError:
                self.say(at, f"'{name}' is a word reserved by the formula reader; choose another name.")

    def known(
        self, raw: Mapping[str, Any], at: Key, allowed: Iterable[str], needed: Iterable[str] = ()
    ) -> None:
        """Note keys that are not allowed, and those that are needed and missing."""
        allowed = tuple(allowed)
        for key in raw:
            if key not in allowed:
                self.say(
                    (*at, key), f"there is no such key here{did_you_mean(key, allowed, otherwise='allowed')}"
                )
        for key in needed:
            if key not in raw:
                self.say((*at, key), f"the key '{key}' is missing.")

    def text(self, raw: Mapping[str, Any], key: str, at: Key, default: str = "") -> str:
        """A text, stripped."""
        v = raw.get(key, default)
        if isinstance(v, str):
            return v.strip()
        self.say((*at, key), f"text in quotes is needed here, not {v!r}.")
        return default

    def flag(self, raw: Mapping[str, Any], key: str, at: Key) -> bool:
        """True or false; false if absent."""
        v = raw.get(key, False)
        if not isinstance(v, bool):
            self.say((*at, key), f"true or false is needed here, not {v!r}.")
        return v is True

    def value(self, raw: object, at: Key, like: Unit | None = None) -> Value:
        """A number with its unit, of the dimension of `like` (0 needs no unit)."""
        try:
            v = read_value(raw)
        except UnitError as e:
            self.say(at, f"{e}.")
            return Value(1.0, like or unit("1"), "1")
        if (
            like is not None
            and not v.unit.same_dimension(like)
            and (v.number != 0 or not v.unit.dimensionless)
        ):
            self.say(at, f"'{v.text}' is {describe(v.unit)}, but {describe(like)} is needed here.")
        return v

    def unit(self, raw: Mapping[str, Any], at: Key) -> Unit:
        """The unit under ``unit``; dimensionless if absent."""
        text = self.text(raw, "unit", at, "1")
        try:
            return unit(text)
        except UnitError as e:
            self.say((*at, "unit"), f"{e}.")
            return unit("1")

    def expression(self, raw: object, at: Key, *, condition: bool = False) -> Expression:
        """A formula, or a condition; a plain number is a formula too."""
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            raw = repr(raw)
        if not isinstance(raw, str):
            what = "condition" if condition else "formula"
            self.say(at, f"a {what} in quotes is needed here, not {raw!r}.")
            return parse("0")
        try:
            return parse(raw, condition=condition)
        except ExpressionError as e:
            self.say(at, str(e))
            return parse("0")

    def cited(
        self, raw: Mapping[str, Any], at: Key, sources: Mapping[str, str], *, needed: bool = True
    ) -> str:
        """The text under ``source``, which begins with one of `sources` or ``assumed``."""
        if "source" not in raw:
            if needed:
                self.say((*at, "source"), "the key 'source' is missing: name one of [sources], or 'assumed'.")
            return ""
        text = self.text(raw, "source", at)
        first = re.split(r"[\s,:;]", text, maxsplit=1)[0]
        if first not in sources and first != "assumed":
            hint = did_you_mean(first, [*sources, "assumed"], otherwise="sources")
            self.say((*at, "source"), f"'{first}' is not one of [sources] and not 'assumed'{hint}")
        return text
