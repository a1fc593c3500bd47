# SPDX-License-Identifier: LGPL-3.0-or-later
"""Numbers as they are printed: their last digit says what is allowed."""

from __future__ import annotations

import pytest

from osteofield.units import UnitError
from osteofield.verification.digits import Digits


@pytest.mark.parametrize(
    ("text", "value", "last"),
    [
        ("9.629828", 9.629828, 1e-6),
        ("-0.027", -0.027, 1e-3),
        ("1.50e-4", 1.5e-4, 1e-6),
        ("100", 100.0, 1.0),
        ("42.17 day", 42.17, 1e-2),
        ("6.19e-4 pM", 6.19e-4, 1e-6),
    ],
)
def test_one_unit_in_the_last_digit_is_allowed(text: str, value: float, last: float) -> None:
    d = Digits.read(text)
    assert d.value == value
    assert d.last == pytest.approx(last, rel=1e-12)
    assert d.allowed() == pytest.approx(last / abs(value))
    assert d.error(value + 0.99 * last) < d.allowed() < d.error(value + 1.01 * last)
    assert d.allowed(1e-3) == 1e-3


def test_round_off_is_always_allowed() -> None:
    assert Digits.read("1.0606601717798212").allowed() == 5e-15


def test_errors_of_zero_are_absolute() -> None:
    d = Digits.read("0.000")
    assert (d.allowed(), d.error(0.0004)) == (1e-3, 0.0004)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-0.25+0.233i", -0.25 + 0.233j),
        ("2.00i", 2j),
        ("-2i", -2j),
        ("-0.0858", -0.0858),
        ("1e-3-2.5e-1i", 1e-3 - 0.25j),
    ],
)
def test_complex_numbers(text: str, value: complex) -> None:
    assert Digits.read_complex(text).value == value
    assert complex(Digits.read_complex(text).like(value).replace("i", "j")) == value


@pytest.mark.parametrize("text", ["i", "", "1+", "0.25 0.3i", "0.250.3i", "two"])
def test_what_is_no_complex_number(text: str) -> None:
    with pytest.raises(UnitError):
        Digits.read_complex(text)


@pytest.mark.parametrize("text", ["", "x", "1,5", "3 parsec_"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(UnitError):
        Digits.read(text)


def test_results_are_written_with_two_more_digits() -> None:
    assert Digits.read("9.63").like(9.6298277) == "9.6298"
    assert Digits.read("6.196e-4").like(6.19639063e-4) == "6.19639e-4"
    assert Digits.read("29.2775e-4 pM").like(29.2774671e-4) == "29.277467e-4"
    assert Digits.read("0.000").like(1.23456e-7) == "0.00000"
    assert Digits.read("1.2e-7").like(1.23456e-7) == "1.235e-7"
