# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[[bone_holds]]`` tables: what is bound in bone matrix and set free where bone is resorbed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import units
from ..errors import InputError, did_you_mean
from .drug import Drug, concentration, drug_file, drugs, read_drug
from .table import Table

SAME, NONE = "the same", "none"


@dataclass(frozen=True)
class HeldSpec:
    """A solute that is bound in bone matrix and set free where bone is resorbed.

    Attributes:
        name: The population that it is once it is free, or the drug.
        concentration: pM of bone; `text` as written.
        in_new_bone: Whether new bone holds as much, or none.
        instead_of: The term of the population that the release takes the place of.
        drug: The drug file, of a drug.
    """

    name: str
    concentration: float
    in_new_bone: bool
    instead_of: str | None = None
    drug: Drug | None = None
    text: str = ""


def read_held(table: Table) -> HeldSpec:
    """Read one table; problems are noted in it."""
    drug, name, of_drug = None, "", table.has("drug")
    if table.has("population"):
        name = table.text("population")
        if of_drug:
            table.problem("drug", "give either 'population' or 'drug', not both.")
            table.text("drug")
    elif of_drug:
        name = table.text("drug")
        drug = _drug(table, name)
        name = name if drug is None else drug.name
    else:
        needed = "'population', a solute of the model, or 'drug'"
        table.problem(None, f"this does not say what bone holds; give {needed}.")
    text = table.text("concentration", example='"2.4 pM" (per volume of bone matrix).')
    value = _concentration(table, text, drug, of_drug)
    new_bone = table.choice("new_bone", (SAME, NONE), NONE if of_drug else SAME)
    instead_of = table.text("instead_of") if table.has("instead_of") else None
    if instead_of is not None and new_bone == NONE:
        table.problem(
            "instead_of",
            f'this goes with new_bone = "{SAME}": what only bone of day 0 holds runs out, and nothing would '
            "take the place of that term.",
        )
    table.close()
    return HeldSpec(name, value, new_bone == SAME, instead_of, drug, text)


def _drug(table: Table, name: str) -> Drug | None:
    path = table.path("drug", what="drug file") if name.endswith(".toml") else drug_file(name)
    if path is None or not path.is_file():
        if name and not name.endswith(".toml"):
            hint = did_you_mean(name, [n for n, _ in drugs()], otherwise="there are")
            table.problem("drug", f"there is no drug file '{name}'{hint}")
        return None
    try:
        drug = read_drug(path)
    except InputError as e:
        table.problems += e.problems
        return None
    if not {"diffusivity", "exchange"} <= set(drug.numbers):
        what = f"the file of {name} has no diffusivity and exchange, with which it would leave the surface."
        table.problem("drug", what)
    return drug


def _concentration(table: Table, text: str, drug: Drug | None, of_drug: bool) -> float:
    if not text or (of_drug and drug is None):
        return math.nan
    try:
        value = concentration(text, drug["molar_mass"]) if drug else units.quantity(text, "pM")
    except units.UnitError as e:
        example = "; or '50 mg/L'" if drug else ""
        table.problem("concentration", f"{e}{example}.")
        return math.nan
    if not (value > 0 and math.isfinite(value)):
        table.problem("concentration", f"'{text}' is not allowed; it must be positive.")
    return value
