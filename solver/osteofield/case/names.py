# SPDX-License-Identifier: LGPL-3.0-or-later
"""Names and units of a case held against those of its model: populations, drugs, fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from .. import units
from ..errors import Problem, did_you_mean
from .case import Case
from .drug import drugs
from .therapy import TherapySpec


class _Population(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def diffusivity(self) -> float: ...


class _Input(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def signed(self) -> bool: ...


class _Roles(Protocol):
    @property
    def inoculum(self) -> str | None: ...
    @property
    def depth(self) -> str | None: ...


class Model(Protocol):
    """What a case needs to know of its model (a `kinetics.Network` is one)."""

    @property
    def name(self) -> str: ...
    @property
    def populations(self) -> Sequence[_Population]: ...
    @property
    def inputs(self) -> Sequence[_Input]: ...
    @property
    def roles(self) -> _Roles: ...


def check_names(case: Case, model: Model) -> list[Problem]:
    """Everything that a case names and its model does not have, or has in another unit."""
    return [
        *_surface(case, model),
        *_foci(case, model),
        *_faces(case, model),
        *_therapies(case, model),
        *_fields(case, model),
        *_places(case, model),
    ]


def _surface(case: Case, model: Model) -> list[Problem]:
    if case.surface != "moves" or model.roles.depth is not None:
        return []
    message = (
        f"model '{model.name}' does not say how bone is lost: its [roles] name no depth, so its surface "
        'cannot move; write surface = "records depth".'
    )
    return [case.problem(("surface",), message)]


def _foci(case: Case, model: Model) -> list[Problem]:
    problems = []
    marrow = {p.name: p for p in model.populations if p.domain == "marrow"}
    others = {p.name for p in model.populations} - set(marrow)
    for i, focus in enumerate(case.foci):
        key = ("focus", i, "population")
        name = focus.population or model.roles.inoculum
        if name is None:
            problems.append(
                case.problem(
                    key, f"model '{model.name}' names no inoculum, so this key is needed{_list(marrow)}"
                )
            )
        elif name in others:
            problems.append(
                case.problem(key, f"'{name}' lives on the bone surface, but a focus lies in marrow.")
            )
        elif name not in marrow:
            problems.append(case.problem(key, _no_population(model, name, marrow)))
        elif focus.load_text:
            try:
                units.quantity(focus.load_text, marrow[name].unit)
            except units.UnitError as e:
                problems.append(case.problem(("focus", i, "load"), f"the load is added to '{name}': {e}."))
    return problems


def _faces(case: Case, model: Model) -> list[Problem]:
    problems: list[Problem] = []
    if not case.faces:
        return problems
    marrow = {p.name: p for p in model.populations if p.domain == "marrow"}
    moving = [n for n, p in marrow.items() if p.diffusivity > 0]
    for i, face in enumerate(case.faces):
        for name in face.source:
            key = ("face", i, "source", name)
            if name not in marrow:
                problems.append(case.problem(key, _no_population(model, name, moving)))
            elif name not in moving:
                what = (
                    f"'{name}' does not move, so it cannot flow through a face; use a 'layer' with a 'load'."
                )
                problems.append(case.problem(key, what))
            elif not units.unit(marrow[name].unit).same_dimension(units.unit("pM")):
                what = f"'{name}' is in {marrow[name].unit}; only what is in pM can flow through a face."
                problems.append(case.problem(key, what))
        for name, text in face.load_text.items():
            key = ("face", i, "load", name)
            if name not in marrow:
                problems.append(case.problem(key, _no_population(model, name, marrow)))
                continue
            try:
                units.quantity(text, marrow[name].unit)
            except units.UnitError as e:
                problems.append(case.problem(key, f"the load is added to '{name}': {e}."))
    return problems


def _therapies(case: Case, model: Model) -> list[Problem]:
    problems = []
    inputs = {i.name: i for i in model.inputs}
    for i, therapy in enumerate(case.therapies):
        if not therapy.drug:
            continue
        if therapy.target not in inputs:
            problems.append(case.problem(("therapy", i, "drug"), _no_input(model, therapy, inputs)))
        elif therapy.agent:
            if not units.unit(inputs[therapy.target].unit).dimensionless:
                what = (
                    f"input '{therapy.target}' is no multiple of a half effect, so no drug file can drive it."
                )
                problems.append(case.problem(("therapy", i, "drug"), what))
        elif therapy.level_text and not _is_number(therapy.level_text):
            try:
                units.quantity(therapy.level_text, inputs[therapy.drug].unit)
            except units.UnitError as e:
                problems.append(case.problem(("therapy", i, "dose", "level"), f"'{therapy.drug}': {e}."))
                continue
        if (
            therapy.drug in inputs
            and not therapy.agent
            and therapy.level < 0
            and not inputs[therapy.drug].signed
        ):
            what = f"'{therapy.level_text}' is not allowed; '{therapy.drug}' is 0 or positive."
            problems.append(case.problem(("therapy", i, "dose", "level"), what))
    return problems


def _no_input(model: Model, therapy: TherapySpec, inputs: Iterable[str]) -> str:
    if therapy.agent:
        return f"{therapy.drug} acts on '{therapy.target}', which model '{model.name}' has no input for."
    known = [*inputs, *(n for n, _ in drugs())]
    hint = did_you_mean(therapy.drug, known, otherwise="there are")
    return f"model '{model.name}' has no input '{therapy.drug}', and there is no such drug file{hint}"


def _fields(case: Case, model: Model) -> list[Problem]:
    known = [p.name for p in model.populations]
    return [
        case.problem(
            ("output", "fields", i), f"model '{model.name}' has no population '{name}'{_hint(name, known)}"
        )
        for i, name in enumerate(case.output.fields or ())
        if name not in known
    ]


def _places(case: Case, model: Model) -> list[Problem]:
    known = [p.name for p in model.populations]
    on_surface = {p.name for p in model.populations if p.domain != "marrow"}
    problems = []
    wanted = {"probe": [p.populations for p in case.probes], "region": [r.populations for r in case.regions]}
    for table, lists in wanted.items():
        for k, names in enumerate(lists):
            for i, name in enumerate(names or ()):
                key = (table, k, "populations", i)
                if name not in known:
                    problems.append(case.problem(key, _no_population(model, name, known)))
                elif table == "probe" and name in on_surface:
                    what = (
                        f"'{name}' lives on the bone surface, but a probe reads the marrow; use a [[region]]."
                    )
                    problems.append(case.problem(key, what))
    return problems


def _no_population(model: Model, name: str, known: Iterable[str]) -> str:
    return f"model '{model.name}' has no population '{name}'{_hint(name, known)}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _hint(word: str, known: Iterable[str]) -> str:
    return did_you_mean(word, known, otherwise="it has")


def _list(known: Iterable[str]) -> str:
    return f"; it has: {', '.join(sorted(known))}."
