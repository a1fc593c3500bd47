# SPDX-License-Identifier: LGPL-3.0-or-later
"""One TOML table being read: hands out typed values and notes everything that is wrong.

A value that is missing or wrong is noted as a problem and replaced by a harmless one (nan, an
empty text), so that reading goes on and all problems come out together. Comparisons with nan are
false, hence checks between values stay silent where one of them is already known to be wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import units
from ..errors import Problem, did_you_mean
from ..tomlsource import Key, TomlSource
from .overrides import OverriddenSource
from .watching import asks

_NAN = math.nan


class Table:
    """Typed reading of one table.

    Attributes:
        resolved: Every key that was asked for, as written or with its default, paths absolute.
        problems: Shared by a table and all tables inside it.
    """

    def __init__(self, source: TomlSource, key: Key, data: Any, problems: list[Problem]):
        self.source, self.key, self.problems = source, key, problems
        self.resolved: dict[str, Any] = {}
        self._known: list[str] = []
        self._mentioned: list[str] = []  # asked whether it is there: right, but read only if so
        if not isinstance(data, Mapping):
            problems.append(source.problem(key, f"a table is needed here, but this is {_kind(data)}."))
            data = {}
            self.broken = True
        else:
            self.broken = False
        self.data: Mapping[str, Any] = data

    @asks
    def has(self, name: str) -> bool:
        self._mentioned.append(name)
        return name in self.data

    def problem(self, name: str | None, message: str, *inner: str | int) -> None:
        """Note a problem at one key of this table, or at the table itself (None)."""
        key = self.key if name is None else (*self.key, name, *inner)
        self.problems.append(self.source.problem(key, message))

    def _take(self, name: str, default: Any, example: str) -> Any:
        """The raw value or default; notes a missing one. None means there is nothing to read."""
        self._known.append(name)
        if name in self.data:
            value = self.data[name]
        elif default is None and example:
            if not self.broken:
                self.problem(name, f"this key is needed, for example {name} = {example.rstrip('.')}.")
            return None
        else:
            value = default
        if value is not None:
            self.resolved[name] = value
        return value

    @asks
    def text(self, name: str, default: str | None = None, *, example: str = "") -> str:
        """A text; without `default` and with an `example` the key is required."""
        value = self._take(name, default, example)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.problem(name, f"a text in quotes is needed, but this is {_kind(value)}.")
            return ""
        return value

    @asks
    def choice(self, name: str, options: Sequence[str], default: str | None = None) -> str:
        """One of a few words; required if there is no default."""
        value = self.text(name, default, example=f'"{options[0]}"')
        if value and value not in options:
            hint = did_you_mean(value, options, otherwise="allowed")
            self.problem(name, f"'{value}' is not one of the choices{hint}")
            return ""
        return value

    @asks
    def words(self, name: str, options: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts, without repetition; empty if absent."""
        value = self._take(name, None, "")
        if value is None:
            return ()
        if not isinstance(value, list):
            if isinstance(value, str):
                self.problem(name, f'a list is needed, also of one: {name} = ["{value}"].')
            else:
                example = (options or ("a",))[0]
                self.problem(name, f'a list such as ["{example}"] is needed, but this is {_kind(value)}.')
            return ()
        for i, v in enumerate(value):
            if not isinstance(v, str):
                self.problem(name, f"a text in quotes is needed, but this is {_kind(v)}.", i)
            elif options is not None and v not in options:
                self.problem(name, f"'{v}' is not known{_hint(v, options)}", i)
            elif v in value[:i]:
                self.problem(name, f"'{v}' stands here twice.", i)
        return tuple(v for v in value if isinstance(v, str))

    @asks
    def flag(self, name: str, default: bool) -> bool:
        value = self._take(name, default, "")
        if not isinstance(value, bool):
            self.problem(name, f"true or false is needed, but this is {_kind(value)}.")
            return default
        return value

    @asks
    def integer(self, name: str, default: int, *, at_least: int) -> int:
        value = self._take(name, default, "")
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            self.problem(
                name, f"a whole number of at least {at_least} is needed, but this is {_kind(value)}."
            )
            return default
        return value

    @asks
    def integers(self, name: str, *, example: str = "") -> tuple[int, ...]:
        """One whole number or a list of them; with an `example` required, else empty if absent."""
        value = self._take(name, None, example)
        if value is None:
            return ()
        many = value if isinstance(value, list) else [value]
        if not many:
            self.problem(name, "at least one whole number is needed.")
        for i, v in enumerate(many):
            if isinstance(v, bool) or not isinstance(v, int):
                inner = (i,) if isinstance(value, list) else ()
                self.problem(name, f"a whole number is needed, but this is {_kind(v)}.", *inner)
                return ()
        return tuple(many)

    @asks
    def number(
        self,
        name: str,
        default: float | None = None,
        *,
        example: str = "",
        above: float = -math.inf,
        at_least: float = -math.inf,
        at_most: float = math.inf,
        below: float = math.inf,
    ) -> float:
        """A plain number within bounds."""
        value = self._take(name, default, example)
        if value is None:
            return _NAN
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.problem(name, f"a plain number is needed, but this is {_kind(value)}.")
            return _NAN
        if not (math.isfinite(value) and above < value < below and at_least <= value <= at_most):
            bounds = [f"above {above:g}"] * (above > -math.inf) + [f"of at least {at_least:g}"] * (
                at_least > -math.inf
            )
            bounds += [f"below {below:g}"] * (below < math.inf) + [f"at most {at_most:g}"] * (
                at_most < math.inf
            )
            self.problem(name, f"a number {' and '.join(bounds) or 'that is finite'} is needed, not {value}.")
            return _NAN
        return float(value)

    @asks
    def quantity(
        self,
        name: str,
        like: str,
        default: str | None = None,
        *,
        example: str = "",
        zero: bool = False,
        any_sign: bool = False,
    ) -> float:
        """A number with its unit, in internal units; positive, or also zero, or of any sign.

        Args:
            like: A unit of the dimension that is needed.
            default: As it would be written.
            example: As it would be written; makes the key required.
        """
        value = self._take(name, default, f'"{example}"' if example else "")
        return _NAN if value is None else self._quantity(name, value, like, zero, any_sign)

    def _quantity(
        self, name: str, value: Any, like: str, zero: bool, any_sign: bool, *inner: str | int
    ) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self.problem(name, f'{value} has no unit; write for example "{value} {like}".', *inner)
            return _NAN
        if not isinstance(value, str):
            self.problem(
                name, f'a quantity such as "1 {like}" is needed, but this is {_kind(value)}.', *inner
            )
            return _NAN
        try:
            x = units.quantity(value, like)
        except units.UnitError as e:
            self.problem(name, f"{e}.", *inner)
            return _NAN
        if not math.isfinite(x) or not (any_sign or x > 0 or (zero and x == 0)):
            self.problem(name, f"{value!r} is not allowed; it must be {'0 or ' * zero}positive.", *inner)
            return _NAN
        return x

    @asks
    def quantities(
        self, name: str, like: str, counts: Sequence[int] = (), *, example: str = "", any_sign: bool = False
    ) -> tuple[float, ...] | None:
        """A list of quantities, one of `counts` many (any number if empty); None if absent or wrong."""
        value = self._take(name, None, example)
        if value is None:
            return None
        if not isinstance(value, list):
            wanted = example.rstrip(".") or f'["1 {like}"]'
            self.problem(name, f"a list such as {wanted} is needed, but this is {_kind(value)}.")
            return None
        if counts and len(value) not in counts:
            many = " or ".join(map(str, counts))
            self.problem(name, f"{many} values are needed here, but there are {len(value)}.")
            return None
        out = tuple(self._quantity(name, v, like, any_sign, any_sign, i) for i, v in enumerate(value))
        return None if any(map(math.isnan, out)) else out

    @asks
    def path(self, name: str, *, what: str, suffixes: Iterable[str] = ()) -> Path:
        """An existing file or folder; relative to the case file, or to the current folder if typed."""
        text = self.text(name, example='"FILE"')
        if not text:
            return Path()
        path = self.locate(name, text)
        self.resolved[name] = str(path)
        if not path.exists():
            itself = Path(self.source.file).name
            near = [p.name for p in _siblings(path) if not suffixes or p.suffix in set(suffixes)]
            near = [name for name in near if name != itself]
            hint = _hint(path.name, near)
            hint = hint if "mean" in hint else "."  # a list of other files would not help
            self.problem(name, f"there is no {what} '{text}' in {path.parent}{hint}")
        return path

    def locate(self, name: str, text: str) -> Path:
        """Absolute path of a file named in this table."""
        source = self.source
        typed = isinstance(source, OverriddenSource) and source.label((*self.key, name)) is not None
        base = Path.cwd() if typed else Path(source.file).absolute().parent
        return (base / Path(text).expanduser()).resolve()

    @asks
    def table(self, name: str, *, keep_empty: bool = False) -> Table:
        """A table inside this one; an empty one if absent."""
        self._known.append(name)
        sub = Table(self.source, (*self.key, name), self.data.get(name, {}), self.problems)
        if name in self.data or keep_empty:
            self.resolved[name] = sub.resolved
        return sub

    @asks
    def tables(self, name: str) -> list[Table]:
        """An array of tables; empty if absent."""
        self._known.append(name)
        value = self.data.get(name, [])
        if not isinstance(value, list):
            self.problem(name, f"write [[{name}]] with two pairs of brackets: there can be several.")
            return []
        subs = [Table(self.source, (*self.key, name, i), v, self.problems) for i, v in enumerate(value)]
        if subs:
            self.resolved[name] = [s.resolved for s in subs]
        return subs

    def close(self, elsewhere: Mapping[str, str] | None = None) -> None:
        """Note every key that nothing asked for; `elsewhere` explains some of them
        (an empty text: say nothing)."""
        for name in self.data:
            if name in self._known:
                continue
            if elsewhere and name in elsewhere:
                if elsewhere[name]:
                    self.problem(name, elsewhere[name])
            else:
                near = (*self._known, *self._mentioned, *(elsewhere or ()))
                self.problem(name, f"this key is not known{did_you_mean(name, near)}")


def _hint(word: str, known: Iterable[str]) -> str:
    """Suggestion, or the list of what is allowed, to the end of the sentence."""
    return did_you_mean(word, known, otherwise="allowed")


def _siblings(path: Path) -> list[Path]:
    try:
        return sorted(path.parent.iterdir())
    except OSError:
        return []


def _kind(value: Any) -> str:
    """Name a wrong value for a message."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text '{value}'" if value.strip() else "an empty text"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, Mapping):
        return "a table"
    return f"a {type(value).__name__}"
