# SPDX-License-Identifier: LGPL-3.0-or-later
"""Finding and loading models: the library that comes with osteofield, and the user's own files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import InputError, Problem, did_you_mean, in_order
from ..tomlsource import Key, TomlSource, dotted
from ..units import UnitError, describe
from .checks import check_model
from .composing import Solute, extended, with_solutes
from .consistency import inconsistencies
from .held import Held, check_held, with_held
from .modelfile import ModelFile, read_model
from .network import Network
from .parameters import Parameter
from .value import read_value

FOLDER = Path(__file__).resolve().parent.parent / "models"


def library() -> list[tuple[str, str]]:
    """Name and title of every model that comes with osteofield."""
    found = []
    for path in sorted(FOLDER.glob("*.toml")):
        with path.open("rb") as f:
            found.append((path.stem, str(tomllib.load(f).get("title", ""))))
    return found


def load_network(
    name: str,
    *,
    file: Path | None = None,
    parameters: Mapping[str, str | float] | None = None,
    switches: Mapping[str, bool] | None = None,
    origin: TomlSource | None = None,
    origin_key: Key = ("model",),
    solutes: Iterable[Solute] = (),
    held: Sequence[Held] = (),
) -> Network:
    """Load a model and apply what a case changes in it.

    A change of a parameter or switch that the model file marks ``in_health`` holds in the healthy
    state too. Any other change is a disease: the healthy state and the starred quantities stay those
    of the model file (see `Network.in_health`).

    Args:
        name: A model of the library, or any name when `file` is given.
        file: A model file of the user.
        parameters: Name to ``"value unit"``, a plain number, or a named option of that parameter.
        switches: Name to on or off.
        origin: The case file, so that messages point into it.
        origin_key: Where in it the model is named.
        solutes: Drugs that diffuse in marrow.
        held: What bone holds, in the order of the case's ``[[bone_holds]]``.

    Raises:
        InputError: Every problem of the model file, or of the changes.
    """
    if file is None:
        file = FOLDER / f"{name}.toml"
        if not file.is_file():
            hint = did_you_mean(name, [n for n, _ in library()], otherwise="models")
            raise InputError(_at(origin, (*origin_key, "name"), f"there is no model '{name}'{hint}"))
    source = with_solutes(extended(TomlSource.load(file), FOLDER), solutes)
    model = read_model(source)
    if held:
        missing: list[Problem] = []
        check_held(
            model, held, lambda k, key, what: missing.append(_at(origin, ("bone_holds", k, key), what))
        )
        if missing:
            raise InputError(missing)
        model = read_model(with_held(source, held))
    structure, problems = check_model(model)
    if problems:
        raise InputError(in_order(problems))
    health = {n: p.value.number for n, p in model.parameters.items()}
    health |= {n: float(s.on) for n, s in model.switches.items()}
    numbers = dict(health)
    faults: list[Problem] = []
    for table, changes, known in (
        ("parameters", parameters or {}, model.parameters),
        ("switches", switches or {}, model.switches),
    ):
        for key, raw in changes.items():
            try:
                numbers[key] = (
                    _parameter(model, key, raw) if table == "parameters" else _switch(model, key, raw)
                )
                if known[key].in_health:
                    health[key] = numbers[key]
            except ValueError as e:
                faults.append(_at(origin, (*origin_key, table, key), str(e)))
    if faults:
        raise InputError(faults)
    network = Network(model, structure, numbers, health)
    if faults := inconsistencies(network):
        raise InputError(in_order(faults))
    return network


def _parameter(model: ModelFile, name: str, raw: object) -> float:
    if name not in model.parameters:
        if name in model.switches:
            raise ValueError(f"'{name}' is a switch of model '{model.name}'; set it under [model.switches].")
        hint = did_you_mean(name, model.parameters, otherwise="parameters")
        raise ValueError(f"model '{model.name}' has no parameter '{name}'{hint}")
    p: Parameter = model.parameters[name]
    if isinstance(raw, str) and raw in p.options:
        return p.options[raw].number
    try:
        v = read_value(raw)
    except UnitError as e:
        if isinstance(raw, str) and p.options and not any(c.isdigit() for c in raw):
            raise ValueError(
                f"'{name}' has no option '{raw}'{did_you_mean(raw, p.options, otherwise='options')}"
            ) from e
        raise ValueError(f"{e}.") from e
    if v.number and not v.unit.same_dimension(p.value.unit):
        raise ValueError(
            f"'{v.text}' is {describe(v.unit)}, but {describe(p.value.unit)} is needed here, "
            f"for example '{p.value.text}'."
        )
    return v.number


def _switch(model: ModelFile, name: str, raw: object) -> float:
    if name not in model.switches:
        if name in model.parameters:
            raise ValueError(
                f"'{name}' is a parameter of model '{model.name}'; set it under [model.parameters]."
            )
        hint = did_you_mean(name, model.switches, otherwise="switches")
        raise ValueError(f"model '{model.name}' has no switch '{name}'{hint}")
    if not isinstance(raw, bool):
        raise ValueError(f"a switch is true or false, not {raw!r}.")
    return float(raw)


def _at(origin: TomlSource | None, key: Key, message: str) -> Problem:
    return origin.problem(key, message) if origin else Problem(message, key=dotted(key))
