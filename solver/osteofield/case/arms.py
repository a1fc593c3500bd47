# SPDX-License-Identifier: LGPL-3.0-or-later
"""Arms of a comparison: one case file that says several cases, as the arms of a trial."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem
from ..tomlsource import Key
from .overrides import OverriddenSource
from .table import Table

CHANGES = ("model", "bone_holds", "focus", "face", "therapy")  # what an arm may say besides its name


@dataclass(frozen=True)
class ArmSource(OverriddenSource):
    """One arm as a case file of its own; problems point to where its keys were written.

    Attributes:
        original: The whole file.
        origins: Key of the arm's case to the key in the whole file, where they differ.
    """

    original: OverriddenSource | None = field(default=None, repr=False)
    origins: Mapping[Key, Key] = field(default_factory=dict, repr=False)

    def written_at(self, key: Key) -> Key:
        """The key in the whole file."""
        for n in range(len(key), 0, -1):
            if key[:n] in self.origins:
                return (*self.origins[key[:n]], *key[n:])
        return key

    def label(self, key: Key) -> str | None:
        assert self.original is not None
        return self.original.label(self.written_at(key))

    def problem(self, key: Key, message: str) -> Problem:
        assert self.original is not None
        return self.original.problem(self.written_at(key), message)


def arm_source(source: OverriddenSource, number: int | str, arm: Mapping[str, Any]) -> ArmSource:
    """The case that arm `number` of a file stands for.

    Tables of the arm are merged into those of the file, its arrays of tables are added to them.
    """
    data = copy.deepcopy({k: v for k, v in source.data.items() if k != "arm"})
    origins: dict[Key, Key] = {}
    at: Key = ("arm", number)
    for key in CHANGES:
        if isinstance(arm.get(key), list) and isinstance(data.setdefault(key, []), list):
            first = len(data[key])
            data[key] += copy.deepcopy(arm[key])
            origins |= {(key, first + k): (*at, key, k) for k in range(len(arm[key]))}
        elif key in arm:
            origins |= _merge(data, arm, key, (), at)
    for key in ("name", "title"):
        if key in arm:
            data[key] = arm[key]
            origins[(key,)] = (*at, key)
    if "title" not in arm and isinstance(data.get("title"), str):
        data["title"] = f"{data['title']}: {arm.get('name', '')}"
    return ArmSource(source.file, data, source.lines, source.labels, source, origins)


def _merge(data: dict[str, Any], arm: Mapping[str, Any], key: str, inner: Key, at: Key) -> dict[Key, Key]:
    here, there = (*inner, key), (*at, key)
    value = arm[key]
    if isinstance(value, Mapping) and isinstance(data.get(key), dict):
        out: dict[Key, Key] = {}
        for k in value:
            out |= _merge(data[key], value, k, here, there)
        return out
    data[key] = copy.deepcopy(value)
    return {here: there}


def read_arms(tables: list[Table]) -> None:
    """Check the form of the ``[[arm]]`` tables."""
    names: list[str] = []
    for table in tables:
        name = table.text("name", example='"untreated"')
        if "/" in name or name in (".", "..") or name.startswith("."):
            table.problem("name", "the name of an arm also names a folder; it must not contain '/'.")
        elif name in RESERVED:
            table.problem("name", f"'{name}' is a name that results use; choose another.")
        elif name and name in names:
            table.problem("name", f"there is an arm '{name}' already.")
        if table.has("title"):
            table.text("title")
        names.append(name)
        for key in CHANGES:
            if isinstance(table.data.get(key), list):
                table.tables(key)
            elif table.has(key):
                table.table(key)
        table.close(dict.fromkeys((*CHANGES, "title"), ""))
    if len(tables) == 1:
        tables[0].problem(None, "one arm alone compares nothing; give two or more.")


RESERVED = ("checkpoints", "pictures")
