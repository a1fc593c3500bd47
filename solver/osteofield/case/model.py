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
    """Read which model is meant; problems are noted in the table."""
    name = table.text("name", example='"osteoimmune"')
    file = None
    if name.endswith(".toml"):
        file = table.path("name", what="model file", suffixes=(".toml",))
        name = file.stem
    parameters: dict[str, str | float] = {}
    switches: dict[str, bool] = {}
    if table.has("parameters"):
        inner = table.table("parameters")
        for key, value in inner.data.items():
            if isinstance(value, str):
                parameters[key] = inner.text(key)
            else:
                parameters[key] = inner.number(key)
        inner.close()
    if table.has("switches"):
        inner = table.table("switches")
        for key in inner.data:
            switches[key] = inner.flag(key, True)
        inner.close()
    table.close()
    return ModelSpec(name, file, parameters, switches)
