# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dimensions of formulas."""

from __future__ import annotations

import pytest

from osteofield.kinetics.dimensions import DimensionError, dimension
from osteofield.kinetics.expression import parse
from osteofield.units import unit

UNITS = {"c": unit("pM"), "K": unit("nM"), "k": unit("1/day"), "n": unit("1"), "N": unit("cells/mm^3"),
"t": unit("day"),
         "B": unit("CFU/mm^3")}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("k*c/(1 + c/K)", "pM/day"), ("c^2/(K^2 + c^2)", "1"), ("(c/K)^n", "1"), ("sqrt(c*K)", "pM"),
        ("max(0, c - K)*k", "pM/day"), ("step(t - t)*k", "1/day"), ("c*exp(-k*t)", "pM"),
        ("c^(1/2)*K^0.5", "pM"),
        ("-c + 0", "pM"),
    ],
)  # fmt: skip
def test_dimension(text, like):
    assert dimension(parse(text).tree, UNITS.__getitem__).same_dimension(unit(like))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c + k", "'c \\+ k' adds unlike things: 'c' is a concentration and 'k' is a rate"),
        ("1 - c", "subtracts unlike things"),
        ("N + B", "unlike things"),
        ("exp(c)", "the argument of 'exp\\(c\\)' is a concentration, but a plain number is needed"),
        ("n^c", "the exponent in 'n\\^c' is a concentration"),
        ("c^n", "the exponent must be a plain number"),
        ("min(c, n)", "compares unlike things"),
    ],
)
def test_refused(text, message):
    with pytest.raises(DimensionError, match=message):
        dimension(parse(text).tree, UNITS.__getitem__)
