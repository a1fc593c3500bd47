# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values given on the command line in place of those of a file."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem
from ..tomlsource import Key, TomlSource, dotted


@dataclass(frozen=True)
class OverriddenSource(TomlSource):
    """A TOML file of which some values were replaced from outside.

    Attributes:
        labels: Key path to what the user typed, for example ``--set focus.0.radius=200 um``;
            it stands in messages where a file name and line would stand.
    """

    labels: Mapping[Key, str] = field(default_factory=dict, repr=False)

    def label(self, key: Key) -> str | None:
        """What the user typed to set this key or a table around it; None if the file says it."""
        for n in range(len(key), 0, -1):
            if key[:n] in self.labels:
                return self.labels[key[:n]]
            if key[:n] in self.lines:
                return None
        return None

    def problem(self, key: Key, message: str) -> Problem:
        label = self.label(key)
        if label is None:
            return super().problem(key, message)
        return Problem(message, label, None, None if self.labels.get(key) == label else dotted(key))


def override(source: TomlSource, settings: Iterable[str]) -> tuple[OverriddenSource, list[Problem]]:
    """Apply ``key=value`` settings to a file.

    A key is dotted; an element of an array of tables is named by its number from 0, as in
    ``focus.0.radius`` or ``focus[0].radius``. A value is read as TOML and, where it is none, as
    plain text, so that ``time.end=7 day`` needs no second pair of quotes.

    Returns:
        The file with all settings that could be applied, and what is wrong with the others.
    """
    problems: list[Problem] = []
    changes: list[tuple[Key, Any, str]] = []
    for setting in settings:
        label = f"--set {setting}"
        name, equals, text = setting.partition("=")
        key = _key(name)
        if not equals or not key:
            problems.append(
                Problem('this is not of the form key=value, for example time.end="7 day".', label)
            )
        else:
            changes.append((key, _value(text), label))
    new, more = replace(source, changes)
    return new, problems + more


def replace(
    source: TomlSource, changes: Iterable[tuple[Key, Any, str]]
) -> tuple[OverriddenSource, list[Problem]]:
    """Put values into a copy of a file; each comes with the label that messages shall show."""
    data = copy.deepcopy(source.data)
    lines = dict(source.lines)
    labels: dict[Key, str] = dict(getattr(source, "labels", {}))
    problems = []
    for key, value, label in changes:
        fault = _put(data, key, value)
        if fault:
            problems.append(Problem(fault, label))
            continue
        for stale in [k for k in (*lines, *labels) if k[: len(key)] == key]:
            lines.pop(stale, None)
            labels.pop(stale, None)
        for n in range(1, len(key)):
            if key[:n] not in lines:
                labels.setdefault(key[:n], label)
        labels[key] = label
    return OverriddenSource(source.file, data, lines, labels), problems


def _put(data: dict[str, Any], key: Key, value: Any) -> str | None:
    """Set one value in place; return what stands in the way, if anything does."""
    here: Any = data
    for n, part in enumerate(key):
        last = n == len(key) - 1
        if isinstance(part, int):
            if not isinstance(here, list):
                return f"'{dotted(key[:n])}' is not an array, so it has no element {part}."
            if part > len(here):
                return f"'{dotted(key[:n])}' has {len(here)} element(s), numbered from 0."
            if part == len(here):
                here.append({})
        elif not isinstance(here, dict):
            return f"'{dotted(key[:n])}' is not a table, so '{part}' cannot be set in it."
        elif part not in here:
            here[part] = [] if not last and isinstance(key[n + 1], int) else {}
        if last:
            here[part] = value
        else:
            here = here[part]
    return None


_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|\[(\d+)\]|([^."'\[\]\s][^.\[\]]*))\s*\.?""")


def _key(text: str) -> Key:
    """``focus.0.radius`` as ``("focus", 0, "radius")``; empty if it cannot be read."""
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        m = _PART.match(text, at)
        if not m:
            return ()
        double, single, index, bare = m.groups()
        if index is not None:
            parts.append(int(index))
        elif bare is not None:
            bare = bare.strip()
            parts.append(int(bare) if bare.isdigit() and parts else bare)
        else:
            parts.append(double if double is not None else single)
        at = m.end()
    return tuple(parts)


def _value(text: str) -> Any:
    """A TOML value, or the text itself."""
    try:
        read = tomllib.loads(f"v = {text.strip()}")
    except tomllib.TOMLDecodeError:
        return text.strip()
    value = read.get("v")
    if set(read) != {"v"} or not isinstance(value, (str, bool, int, float, list, dict)):
        return text.strip()  # two lines, or a date: no key of a case takes one
    return value
