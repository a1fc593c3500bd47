# SPDX-License-Identifier: LGPL-3.0-or-later
"""Comparisons, `where`, and the instants at which formulas jump."""

from __future__ import annotations

import re

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.kinetics import instants
from osteofield.kinetics.evaluation import Evaluation
from osteofield.kinetics.expression import ExpressionError, evaluate, holds, parse

VALUES = {"a": 2.0, "b": -1.0, "v": np.array([-1.0, 0.0, 3.0])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > b", True), ("a <= b", False), ("b < 0 < a", True), ("0 < b < a", False), ("a == 2", True),
        ("a != 2 or b == -1", True), ("not (a > 1 and b > 0)", True), ("v >= 0", [False, True, True]),
        ("v >= 0 and v < a", [False, True, False]),
    ],
)  # fmt: skip
def test_condition(text, expected):
    assert (holds(parse(text, condition=True).tree, VALUES.__getitem__) == np.array(expected)).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where(a > 1, a, 1/0)", 2.0), ("where(b > 0, log(b), 7)", 7.0),
        ("where(v > 0, v*log(v), 0)", [0.0, 0.0, 3 * np.log(3)]), ("2*where(v == 0, a, b) + 1", [-1, 5, -1]),
    ],
)  # fmt: skip
def test_where(text, expected):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(evaluate(parse(text).tree, VALUES.__getitem__), expected)


@pytest.mark.parametrize(
    ("text", "condition", "message"),
    [
        ("a > b", False, "is true or false and may stand only as the first argument of 'where'"),
        ("where(a, 1, 2)", False, "'a' is not a condition: compare two things"),
        ("a + b", True, "'a + b' is not a condition"),
        ("a > 1 and b", True, "'b' is not a condition"),
        ("a is b", True, "is not a condition"),
        ("a >", True, "'a >' is not a condition: it cannot be read near 'a >'"),
        ("where(a > 1, 2)", False, "'where' takes 3 arguments"),
        ("1 + (not a > 1)", False, "is true or false"),
    ],
)
def test_misplaced(text, condition, message):
    with pytest.raises(ExpressionError, match=re.escape(message)):
        parse(text, condition=condition)


MODEL = """\
format = 1
name = "jumps"
title = "Conditions of every kind"
[parameter]
k = { value = "2 1/day", meaning = "rate", source = "assumed" }
K = { value = "3 pM", meaning = "level", source = "assumed" }
t0 = { value = "36 hour", meaning = "begin", source = "assumed" }
[quantity]
late = "t - 2*t0"
[population.C]
domain = "marrow"
unit = "pM"
scale = "1 pM"
initial = "1 pM"
volume = { a = "where(C > K and C < 4*K, -k*C*C/K, k*(K - C))", b = "k*K*where(C > 0, log(C/K), 0)" }
[population.B]
domain = "surface"
unit = "pM"
scale = "1 pM"
initial = "1 pM"
[population.B.surface]
a = "-k*where(not (B <= C), B - C, 0*C)*step(late) + k*where(C != K or B == K, B, C)"
b = "where(t > t0 and B >= K, k*K, -k*min(B, K))"
"""


def test_compiled_rates_and_derivatives_follow_the_formulas(load_text, at_one_point):
    n = load_text(MODEL)
    point = at_one_point(n)
    rng = np.random.default_rng(3)
    for t in (0.1, 2.0, 4.0):
        for y in rng.uniform(0, 16, (20, 2)):
            by_hand = []
            for p in n.populations:
                known = {**n.constants, "t": t, "C": y[0], "B": y[1]}
                values = Evaluation(n.definitions, known)
                by_hand.append(sum(values.of(e.expression) for e in n.model.populations[p.name].terms))
            np.testing.assert_allclose(point.rates(t, y), by_hand, rtol=1e-12, atol=1e-12)
            step = 1e-6
            numeric = [
                (point.rates(t, y + step * e) - point.rates(t, y - step * e)) / (2 * step) for e in np.eye(2)
            ]
            np.testing.assert_allclose(point.jacobian(t, y), np.transpose(numeric), rtol=1e-5, atol=1e-6)


def test_a_branch_without_value_leaves_no_trace(load_text, at_one_point):
    point = at_one_point(load_text(MODEL))
    assert np.isfinite(point.rates(0.0, np.zeros(2))).all()
    assert np.isfinite(point.jacobian(0.0, np.zeros(2))).all()


def test_instants_are_found_through_quantities_and_units(load_text):
    assert instants(load_text(MODEL)) == pytest.approx([1.5, 3.0])
    assert instants(load_text(MODEL, parameters={"t0": "2 day"})) == pytest.approx([2.0, 4.0])


def test_dimensions_of_conditions(load_text):
    with pytest.raises(InputError) as e:
        load_text(MODEL.replace("C > K and", "C > k and").replace("(C > 0, log(C/K), 0)", "(C > 0, C, t0)"))
    said = [p.message for p in e.value.problems]
    assert len(said) == 2
    assert "'C > k' compares unlike things: 'C' is a concentration" in said[0]
    assert "chooses between unlike things" in said[1]
