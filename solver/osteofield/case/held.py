# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ``[[bone_holds]]`` tables: what is bound in bone matrix and set free where bone is resorbed."""

from __future__ import annotations

import math

from .. import units
from ..errors import InputError
from .drug import Drug, concentration, drug_file, read_drug
from .table import Table
from .types import HeldSpec

SAME, NONE = "the same", "none"


def read_held(table: Table) -> HeldSpec:
    """Read one table; problems are noted in it."""
    drug, name, needed = None, "", 'population = "TGFb", or a drug, such as drug = "vancomycin"'
    if table.has("population") == table.has("drug"):
        both = "either 'population' or 'drug', not both" if table.has("drug") else f"what it holds: {needed}"
        table.problem("drug" if table.has("drug") else None, f"give {both}.")
        name = table.text("population") if table.has("population") else ""
    elif table.has("drug"):
        name = table.text("drug")
        drug = _drug(table, name)
        name = name.removesuffix(".toml") if drug is None else drug.name
    else:
        name = table.text("population")
    text = table.text("concentration", example='"2.4 pM" (per volume of bone matrix).')
    value = _concentration(table, text, drug)
    new_bone = table.choice("new_bone", (SAME, NONE), NONE if drug or table.has("drug") else SAME)
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
            table.problem("drug", f"there is no drug file '{name}'{did_you_mean_drug(name)}")
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


def _concentration(table: Table, text: str, drug: Drug | None) -> float:
    if not text:
        return math.nan
    try:
        value = concentration(text, drug["molar_mass"]) if drug else units.quantity(text, "pM")
    except units.UnitError as e:
        example = "'50 mg/L' or '30 uM'" if drug or table.has("drug") else "'2.4 pM'"
        table.problem("concentration", f"{e}; what bone holds is a concentration, for example {example}.")
        return math.nan
    if not (value > 0 and math.isfinite(value)):
        table.problem("concentration", f"'{text}' is not allowed; it must be positive.")
    return value
