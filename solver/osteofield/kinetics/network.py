# SPDX-License-Identifier: LGPL-3.0-or-later
"""A model ready for use: populations, numbers, healthy state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ..errors import InputError, Problem
from .checks import Structure
from .evaluation import Evaluation
from .expression import Expression
from .healthy import solve_healthy
from .modelfile import ModelFile
from .parameters import Input
from .roles import Roles
from .value import Value

# a sample's own values replace these (bind); they are those of a trabecular micro-CT crop
_SIGMA0, _D0 = 0.00486, 100.9
_ORIGIN = {"x": 0.0, "y": 0.0, "z": 0.0}


@dataclass(frozen=True)
class Population:
    """Something whose amount is computed over time.

    Attributes:
        name: Symbol in formulas, column in ``history.csv``, field name.
        label: For people.
        domain: ``marrow`` or ``surface`` (bone surface).
        unit: Text of the unit it is written in.
        factor: That unit in internal units.
        diffusivity: um^2/day; 0 where it does not move.
        initial: Value at the start without homeostasis, internal units; at the origin where it varies.
        scale: Typical magnitude, internal units.
        signed: Whether values below zero mean something.
    """

    name: str
    label: str
    domain: Literal["marrow", "surface"]
    unit: str
    factor: float
    diffusivity: float
    initial: float
    scale: float
    signed: bool = False


@dataclass(frozen=True)
class Field:
    """A given value per surface point.

    Attributes:
        at_homeostasis: Formula to evaluate point by point at homeostasis, or None if geometry gives it.
        initial: Value before that, or in a well-mixed sample; internal units.
    """

    name: str
    unit: str
    at_homeostasis: str | None
    initial: float
    meaning: str


class Network:
    """Populations and reactions of one model with the numbers of one case.

    Made by `load_network`. Everything is in internal units (um, day, pM, cells or CFU per mm^3).

    Attributes:
        name: Of the model.
        title: One line.
        source_hash: sha256 of the model file's content and of the numbers in use.
        model: The file as read.
        structure: What the checks found out.
        marrow: Marrow populations, the `n_diffusing` diffusing ones first, each group in file order.
        surface: Surface populations in file order.
        inputs: What therapies can set.
        roles: Which populations mean what.
        numbers: Value of every parameter and switch.
        health: The same in health, before a disease begins.
    """

    def __init__(
        self,
        model: ModelFile,
        structure: Structure,
        numbers: Mapping[str, float],
        health: Mapping[str, float],
        *,
        sigma0: float = _SIGMA0,
        d0: float = _D0,
    ):
        self.model, self.structure = model, structure
        self.name, self.title = model.name, model.title
        self.numbers, self.health = dict(numbers), dict(health)
        self.sigma0, self.d0 = float(sigma0), float(d0)
        self.inputs: tuple[Input, ...] = tuple(model.inputs.values())
        self.roles: Roles = model.roles
        text = json.dumps([model.source.data, self.numbers, self.health], default=str)
        self.source_hash = hashlib.sha256(text.encode()).hexdigest()
        values = Evaluation(self.definitions, self.constants | _ORIGIN)
        made = [self._population(n, values) for n in model.populations]
        marrow = [p for p in made if p.domain == "marrow"]
        self.marrow = tuple(sorted(marrow, key=lambda p: p.diffusivity == 0))
        self.surface = tuple(p for p in made if p.domain == "surface")
        self.n_diffusing = sum(p.diffusivity > 0 for p in marrow)
        self._check_moving()

    @property
    def populations(self) -> tuple[Population, ...]:
        """Marrow populations, then surface populations."""
        return (*self.marrow, *self.surface)

    @cached_property
    def definitions(self) -> dict[str, Expression]:
        """Formula of every quantity."""
        return {n: q.expression for n, q in self.model.quantities.items()}

    @cached_property
    def _healthy(self) -> tuple[dict[str, float], dict[str, float]]:
        """Healthy state; starred quantities and fields there."""
        m = self.model
        base = {i.name: i.default for i in m.inputs.values()} | {"sigma0": self.sigma0, "d0": self.d0}
        base |= _ORIGIN
        if m.steady:
            return solve_healthy(m, {**self.health, **base})
        values = Evaluation(self.definitions, {**self.health, **base})
        state = {n: _initial(p.initial, values) for n, p in m.populations.items()}
        fields = {}
        at_start = Evaluation(self.definitions, {**self.health, **base, **state})
        for n, f in m.fields.items():
            fields[n] = float(at_start.of(f.at_homeostasis or f.default))  # type: ignore[arg-type]
        return state, fields

    @property
    def healthy(self) -> dict[str, float]:
        """Healthy well-mixed (0-D) state of every population; the initial state in a model without one."""
        return dict(self._healthy[0])

    @property
    def initial(self) -> dict[str, float]:
        """Start of every population where no homeostasis is sought."""
        return {p.name: p.initial for p in self.populations}

    def initial_at(self, name: str, position: np.ndarray) -> np.ndarray | float:
        """Start of a population where no homeostasis is sought, at ``(n, 3)`` positions in um."""
        e = self.model.populations[name].initial
        if not isinstance(e, Expression):
            return self.initial[name]
        place = {c: position[:, k] for k, c in enumerate("xyz")}
        return Evaluation(self.definitions, self.constants | place).of(e)

    @cached_property
    def stars(self) -> dict[str, float]:
        """Starred quantities: values in health."""
        names = self.model.steady.values if self.model.steady else {}
        return {n: self._healthy[1][n] for n in names}

    @property
    def constants(self) -> dict[str, float]:
        """Everything that is one number: parameters, switches, geometry, starred, derived from these.

        Inputs stand at their defaults.
        """
        return self.uniform({})

    def uniform(self, inputs: Mapping[str, float]) -> dict[str, float]:
        """All one-number symbols, in a fixed order, at given input levels."""
        base = {
            **self.numbers,
            **{i.name: float(inputs.get(i.name, i.default)) for i in self.inputs},
            "sigma0": self.sigma0,
            "d0": self.d0,
            **self.stars,
        }
        values = Evaluation(self.definitions, base)
        with np.errstate(all="ignore"):
            derived = {n: float(values(n)) for n in self.structure.order if n in self.structure.uniform}
        return base | derived

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Surface fields in file order."""
        found = self._healthy[1]
        return tuple(
            Field(n, str(f.unit), f.at_homeostasis.text if f.at_homeostasis else None, found[n], f.meaning)
            for n, f in self.model.fields.items()
        )

    @cached_property
    def explicit_time(self) -> bool:
        """Whether a rate contains the time itself."""
        return self._uses("t")

    @cached_property
    def driven(self) -> tuple[str, ...]:
        """One-number symbols that an input moves: the inputs, and quantities made of them."""
        inputs, s = {i.name for i in self.inputs}, self.structure
        return (
            *(i.name for i in self.inputs),
            *(n for n in s.order if n in s.uniform and s.uses[n] & inputs),
        )

    @cached_property
    def with_time(self) -> bool:
        """Whether rates may change with time at a given state."""
        return self.explicit_time or bool(self.driven)

    @cached_property
    def uses_position(self) -> bool:
        """Whether a rate contains x, y or z."""
        return any(self._uses(s) for s in "xyz")

    def _uses(self, symbol: str) -> bool:
        uses = self.structure.uses
        return any(
            symbol in uses[s]
            for p in self.model.populations.values() for term in p.terms for s in term.expression.symbols
        )  # fmt: skip

    def bind(self, *, sigma0: float, d0: float) -> Network:
        """The same network on a sample with this bone surface density (1/um) and bone thickness (um)."""
        return Network(self.model, self.structure, self.numbers, self.health, sigma0=sigma0, d0=d0)

    def in_health(self) -> Network:
        """The same network before any disease: only changes that hold in health too."""
        return Network(self.model, self.structure, self.health, self.health, sigma0=self.sigma0, d0=self.d0)

    def _population(self, name: str, values: Evaluation) -> Population:
        e, m = self.model.populations[name], self.model
        d = 0.0
        if e.diffusivity is not None:
            d = e.diffusivity.number if isinstance(e.diffusivity, Value) else float(values.of(e.diffusivity))
        initial = self._healthy[0][name] if e.initial is None else _initial(e.initial, values)
        if d < 0:
            raise InputError(
                m.source.problem(
                    ("population", name, "diffusivity"), f"a diffusivity cannot be negative: {d:g} um^2/day."
                )
            )
        signed = e.signed or name == m.roles.depth
        factor = 1.0 if abs(e.unit.factor - 1.0) < 1e-12 else e.unit.factor  # converting costs digits
        return Population(name, e.label, e.domain, str(e.unit), factor, d, initial, e.scale.number, signed)

    def _check_moving(self) -> None:
        problems: list[Problem] = []
        for p in self.marrow:
            for term in self.model.populations[p.name].terms:
                if term.kind == "surface" and p.diffusivity == 0:
                    problems.append(
                        self.model.source.problem(
                            term.key,
                            f"the diffusivity of '{p.name}' is 0, so it cannot be fed through the bone "
                            "surface: no mesh would be fine enough.",
                        )  # fmt: skip
                    )
        if problems:
            raise InputError(problems)


def _initial(written: Value | Expression | None, values: Evaluation) -> float:
    if isinstance(written, Value):
        return written.number
    assert written is not None
    return float(values.of(written))
