# SPDX-License-Identifier: LGPL-3.0-or-later
"""Units at the border of the program."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteofield.units import UnitError, describe, per_thickness, quantity, unit


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("um", 1.0),
        ("mm", 1e3),
        ("µm", 1.0),
        ("day", 1.0),
        ("h", 1 / 24),
        ("um^2/s", 86400.0),
        ("1/day", 1.0),
        ("day^-1", 1.0),
        ("pM", 1.0),
        ("nM", 1e3),
        ("pmol/L", 1.0),
        ("cells/mm^3", 1.0),
        ("CFU/mm^3", 1.0),
        ("CFU/mL", 1e-3),
        ("pM/(cells/mm^3)/day", 1.0),
        ("1/(pM day)", 1.0),
        ("mg/L", 1e-9),
        ("um^(1/2)", 1.0),
        ("1", 1.0),
        ("", 1.0),
        ("%", 0.01),
    ],
)
def test_factor_in_internal_units(text: str, factor: float) -> None:
    assert unit(text).factor == pytest.approx(factor, rel=1e-14)


def test_concentrations_have_factor_one_exactly() -> None:
    assert {unit(t).factor for t in ("pM", "pmol/L", "nmol/m^3", "CFU/mm^3")} == {1.0}


@pytest.mark.parametrize(
    "text",
    [
        "dy",
        "um/",
        "foo bar",
        "()",
        "__import__('os')",
        "a.b",
        "um2",
        "10^3",
        "2 um",
        "1 um",
        "*um",
        "um +1",
        "um um um*",
    ],
)
def test_what_is_no_unit(text: str) -> None:
    with pytest.raises(UnitError, match="is not a unit"):
        unit(text)


@pytest.mark.parametrize("text", ["degC", "V", "kelvin"])
def test_dimensions_that_are_not_used(text: str) -> None:
    with pytest.raises(UnitError, match="which osteofield does not use"):
        unit(text)


@pytest.mark.parametrize(
    ("value", "like", "number"),
    [
        ("300 um", "um", 300.0),
        ("0.3mm", "um", 300.0),
        ("1e3 CFU/mm^3", "CFU/mm^3", 1000.0),
        ("20 um^2/s", "um^2/day", 1728000.0),
        ("-3 um", "um", -3.0),
        ("+.5 um", "um", 0.5),
        ("5 %", "1", 0.05),
        ("7", "1", 7.0),
        ("36 h", "day", 1.5),
        ("3 1/um", "1/um", 3.0),
    ],
)
def test_quantity(value: str, like: str, number: float) -> None:
    assert quantity(value, like) == pytest.approx(number, rel=1e-14)


@pytest.mark.parametrize(
    ("value", "like", "message"),
    [
        ("300", "um", "'300' has no unit; write for example '300 um'"),
        ("300 day", "um", "'300 day' is a time, but a length is needed here, for example '1 um'"),
        ("many um", "um", "'many um' is not a number with a unit; write for example '1 um'"),
        ("", "um", "'' is not a number with a unit"),
        ("1,5 um", "um", "decimals are written with a point, not a comma"),
        ("1 000 um", "um", "'000 um' is not a unit"),
        ("2*3 um", "um", "is not a unit"),
        ("1e400 um", "um", "'1e400 um' is too large"),
        (
            "3 cells/mm^3",
            "CFU/mm^3",
            "a number of cells per volume, but a number of bacteria per volume is needed",
        ),
    ],
)
def test_quantity_says_what_is_wrong(value: str, like: str, message: str) -> None:
    with pytest.raises(UnitError) as caught:
        quantity(value, like)
    assert message in str(caught.value)


def test_units_multiply_divide_and_take_powers() -> None:
    rate = unit("pM") / unit("day")
    assert rate.same_dimension(unit("pM/day"))
    assert (unit("mm") * unit("mm")).same_dimension(unit("um^2"))
    assert (unit("mm") ** 2).factor == pytest.approx(1e6)
    assert (unit("um") ** 0.5).same_dimension(unit("um^(1/2)"))
    assert (unit("um") / unit("mm")).dimensionless
    assert not unit("pM").same_dimension(unit("cells/mm^3"))


def test_describe_names_dimensions_in_words() -> None:
    assert describe(unit("mm")) == "a length"
    assert describe(unit("nM/h")) == "a concentration per time"
    assert "[length]" in describe(unit("um^4"))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12))
def test_any_text_gives_a_number_or_a_unit_error(text: str) -> None:
    try:
        number = quantity(text, "um")
    except UnitError:
        return
    assert math.isfinite(number)


def test_amounts_in_a_section_are_per_millimetre_of_thickness():
    shown = {"mm^3": "mm^2", "1 mm^3": "1 mm^2", "% mm^2": "% mm", "CFU": "CFU/mm", "CFU/mm^3": "CFU/mm^3"}
    assert {u: per_thickness(u) for u in shown} == shown
