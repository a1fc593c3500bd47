# SPDX-License-Identifier: LGPL-3.0-or-later
"""Model files made of other model files: one that extends another, and drugs that become solutes."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem, did_you_mean
from ..tomlsource import Key, TomlSource

MOST = 8  # files that extend each other


@dataclass(frozen=True)
class ExtendedSource(TomlSource):
    """A model file on top of another; messages point into the file that says the key.

    Attributes:
        base: The file that is extended.
    """

    base: TomlSource | None = field(default=None, repr=False)

    def problem(self, key: Key, message: str) -> Problem:
        assert self.base is not None
        for n in range(len(key), 0, -1):
            if key[:n] in self.lines:
                return super().problem(key, message)
            if key[:n] in getattr(self.base, "all_lines", self.base.lines):
                return self.base.problem(key, message)
        return super().problem(key, message)

    @property
    def all_lines(self) -> set[Key]:
        """Keys of this file and of those below it."""
        assert self.base is not None
        return {*self.lines, *getattr(self.base, "all_lines", self.base.lines)}


def extended(source: TomlSource, library: Path, depth: int = 0) -> TomlSource:
    """A model file together with the one it extends, if its ``extends`` names one.

    Tables are merged, everything else in the file replaces what the other says; ``remove`` lists dotted
    names that are left out, for example ``"input.drug"``.

    Args:
        source: The file.
        library: Folder of the models that can be named without a path.

    Raises:
        InputError: There is no such model, or files extend each other without end.
    """
    if "extends" not in source.data:
        return source
    name = source.data["extends"]
    if not isinstance(name, str) or not name:
        raise InputError(source.problem(("extends",), "the name of a model is needed here."))
    path = Path(source.file).parent / name if name.endswith(".toml") else library / f"{name}.toml"
    if not path.is_file():
        hint = did_you_mean(name, [p.stem for p in library.glob("*.toml")], otherwise="models")
        raise InputError(source.problem(("extends",), f"there is no model '{name}'{hint}"))
    if depth > MOST:
        raise InputError(source.problem(("extends",), "these model files extend each other without end."))
    base = extended(TomlSource.load(path), library, depth + 1)
    data = copy.deepcopy(base.data)
    for i, dotted in enumerate(source.data.get("remove", [])):
        table, _, entry = str(dotted).partition(".")
        if not isinstance(data.get(table), dict) or entry not in data[table]:
            raise InputError(
                source.problem(("remove", i), f"'{dotted}' is not in the model that is extended.")
            )
        del data[table][entry]
    _merge(data, {k: v for k, v in source.data.items() if k not in ("extends", "remove")})
    return ExtendedSource(source.file, data, source.lines, base)


def _merge(data: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(data.get(key), dict):
            _merge(data[key], value)
        else:
            data[key] = copy.deepcopy(value)


@dataclass(frozen=True)
class Solute:
    """A drug that diffuses in marrow instead of having one level for all of it; internal units.

    Attributes:
        name: Of the population; a name of formulas.
        drives: The input of the model that becomes concentration over half effect.
        half_effect: pM.
        diffusivity: um^2/day.
        exchange: Between blood and perfused marrow, 1/day.
    """

    name: str
    drives: str
    half_effect: float
    diffusivity: float
    exchange: float

    @property
    def supply(self) -> str:
        """The input that says towards which level blood brings the marrow."""
        return f"{self.name}_supply"


def with_solutes(source: TomlSource, solutes: Iterable[Solute]) -> TomlSource:
    """A model file in which some inputs have a part that diffuses.

    Each drug is a marrow population c with ``dc/dt = div(D grad c) + exchange (supply - c)``; where
    formulas use the input that it drives they then use ``input + c/half_effect``.

    Raises:
        InputError: A name cannot be used, or the model has no such input.
    """
    solutes = list(solutes)
    if not solutes:
        return source
    data = copy.deepcopy(source.data)
    quantities = data.setdefault("quantity", {})
    for s in solutes:
        taken = [t for t in ("population", "parameter", "input", "quantity") if s.name in data.get(t, {})]
        if not re.fullmatch(r"[A-Za-z]\w*", s.name) or taken:
            raise InputError(
                Problem(f"'{s.name}' cannot diffuse: as a name in formulas it is taken or not allowed.")
            )
        if s.drives not in data.get("input", {}):
            name = data.get("name", "?")
            raise InputError(
                Problem(f"{s.name} acts on '{s.drives}', which model '{name}' has no input for.")
            )
        total, half = f"{s.drives}_in_marrow", f"{s.name}_half_effect"
        if total not in quantities:
            for table in ("quantity", "population", "event"):
                data[table] = _renamed(data.get(table, {}), s.drives, total)
            quantities = data["quantity"]
            quantities[total] = s.drives
        quantities[total] += f" + {s.name}/{half}"
        exchange = f"{s.name}_exchange"
        for name, value, meaning in (
            (half, f"{s.half_effect!r} pM", "concentration of half effect"),
            (exchange, f"{s.exchange!r} 1/day", "exchange between blood and perfused marrow"),
        ):
            data.setdefault("parameter", {})[name] = {
                "value": value, "meaning": f"{s.name}: {meaning}", "source": "assumed: see the drug file",
            }  # fmt: skip
        data["input"][s.supply] = {
            "unit": "pM", "meaning": f"{s.name} in marrow in balance with blood",
        }  # fmt: skip
        data["population"][s.name] = {
            "domain": "marrow", "unit": "pM", "diffusivity": f"{s.diffusivity!r} um^2/day",
            "initial": "0 pM", "scale": f"{s.half_effect!r} pM",
            "volume": {"exchange with blood": f"{exchange}*({s.supply} - {s.name})"},
        }  # fmt: skip
    return ExtendedSource(source.file, data, {}, source)


def _renamed(value: Any, old: str, new: str) -> Any:
    """A name in all formulas of a part of a model file replaced by another."""
    if isinstance(value, str):
        return re.sub(rf"\b{old}\b", new, value)
    if isinstance(value, dict):
        return {k: v if k in _NO_FORMULAS else _renamed(v, old, new) for k, v in value.items()}
    return value


_NO_FORMULAS = {"unit", "domain", "label", "meaning", "source"}
