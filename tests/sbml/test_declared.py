# SPDX-License-Identifier: LGPL-3.0-or-later
"""Units of SBML as text that model files can hold."""

from __future__ import annotations

from fractions import Fraction

import pytest

from osteofield.sbml.declared import Declared, of_kind
from osteofield.units import unit

SI = {"second": "s", "litre": "L", "metre": "m", "mole": "mol", "gram": "g", "kilogram": "kg", "joule": "J"}


@pytest.mark.parametrize(
    ("parts", "text", "factor"),
    [
        ([("mole", 1, -9, 1), ("litre", -1, 0, 1)], "nM", 1),
        ([("mole", 1, -6, 1), ("litre", -1, 0, 1), ("second", -1, 0, 3600)], "uM/h", 1),
        ([("mole", -1, -9, 1), ("litre", 1, 0, 1), ("second", -1, 0, 60)], "1/(nM*min)", 1),
        ([("second", -1, 1, 6)], "1/min", 1),
        ([("second", 1, 0, 86400)], "day", 1),
        ([("metre", 2, -6, 1), ("second", -1, 0, 1)], "um^2/s", 1),
        ([("metre", 3, -2, 1)], "cm^3", 1),
        ([("item", 1, 0, 1)], "1", 1),
        ([("item", 1, 3, 1), ("litre", -1, -3, 1)], "1/uL", 1),
        ([("dimensionless", 1, -9, 1), ("mole", 1, 0, 1), ("litre", -1, 0, 1)], "nM", 1),
        ([("hertz", 1, 0, 1)], "1/s", 1),
        ([("katal", 1, -9, 1)], "nmol/s", 1),
        ([("second", 1, 0, 7)], "s", 7),
        ([("gram", 1, -9, 1), ("litre", -1, -3, 1)], "ng/mL", 1),
        ([("kilogram", 1, 0, 1), ("metre", -1, 0, 1), ("second", -2, 0, 1)], "kg/(m*s^2)", 1),
        ([("mole", 1, -3, 1), ("litre", -1, -3, 1)], "mmol/mL", 1),
        ([("mole", 0.5, 0, 1)], "mol^0.5", 1),
    ],
)
def test_text_and_size(parts: list, text: str, factor: float) -> None:
    got = Declared()
    wanted = 1.0
    for kind, power, scale, multiplier in parts:
        one = of_kind(kind, power, scale, multiplier)
        assert one is not None
        got = got * one
        wanted *= (multiplier * 10.0**scale) ** power
    assert got.text == text
    assert got.factor == pytest.approx(factor, rel=1e-12)
    for kind, power, _, _ in parts:
        wanted *= unit(SI[kind]).factor ** power if kind in SI else 1.0
    if parts[0][0] in ("hertz", "katal"):
        wanted *= unit("1/s").factor * (unit("mol").factor if parts[0][0] == "katal" else 1.0)
    assert unit(got.text).factor * got.factor == pytest.approx(wanted, rel=1e-9)


def test_units_that_model_files_do_not_have() -> None:
    assert of_kind("kelvin") is None
    assert of_kind("ampere") is None


def test_products_meet_in_one_unit() -> None:
    nanomolar = of_kind("mole", 1, -9) / of_kind("litre")  # type: ignore[operator]
    millilitre = of_kind("litre", 1, -3)
    assert (nanomolar * millilitre).text == "pmol"  # type: ignore[operator]
    assert (nanomolar / nanomolar).plain
    assert (nanomolar ** Fraction(2)).text == "nM^2"
