# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[model]`` table: which kinetics, and what a case changes in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .table import Table


@dataclass(frozen=True)
class ModelSpec:
    """Which kinetics, and what this case changes in them.

    Attributes:
        name: A model of the library, or the stem of the model file.
        file: Absolute path of the model file when the model is not from the library.
        parameters: Parameter name to ``"value unit"``, plain number or named option.
        switches: Switch name to on or off.
    """

    name: str
    file: Path | None = None
    parameters: Mapping[str, str | float] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)


def read_model(table: Table) -> ModelSpec:
    """Read which model is meant; problems are noted in the table.

    A change whose value is wrong is left out, so that the others can be held against the model; the name of
    a model whose name or file is at fault is empty.
    """
    found = len(table.problems)
    name = table.text("name", example='"osteoimmune"')
    file = None
    if name.endswith(".toml"):
        file = table.path("name", what="model file", suffixes=(".toml",))
        name = file.stem
    if len(table.problems) > found:
        name = ""
    parameters: dict[str, str | float] = {}
    switches: dict[str, bool] = {}
    if table.has("parameters"):
        inner = table.table("parameters")
        for key, value in inner.data.items():
            found = len(table.problems)
            changed = inner.text(key) if isinstance(value, str) else inner.number(key)
            if len(table.problems) == found:
                parameters[key] = changed
        inner.close()
    if table.has("switches"):
        inner = table.table("switches")
        for key in inner.data:
            found = len(table.problems)
            on = inner.flag(key, True)
            if len(table.problems) == found:
                switches[key] = on
        inner.close()
    table.close()
    return ModelSpec(name, file, parameters, switches)
