# SPDX-License-Identifier: LGPL-3.0-or-later
"""MathML to formulas, and formulas to the text of a model file."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteofield.kinetics import expression
from osteofield.kinetics.evaluation import Evaluation
from osteofield.sbml import import_sbml
from osteofield.sbml.formula import Apply, Name, Node, Number, apply, evaluate
from osteofield.sbml.verify import load_text
from osteofield.sbml.writing import number, text

VALUES = {"a": 0.7, "b": 2.5, "c": -1.3}

FUNCTIONS = {
    "a + b - c - (a - b)": 0.7 + 2.5 + 1.3 - (0.7 - 2.5),
    "a/b/c*(b/(c*a))": 0.7 / 2.5 / -1.3 * (2.5 / (-1.3 * 0.7)),
    "-a^2 + (-a)^2 + b^(-a)": 2.5**-0.7,
    "(b^a)^2 + b^a^2": 2.5**1.4 + 2.5**0.49,
    "exp(a) + ln(b) + log10(b) + log(3, b)": math.exp(0.7) + math.log(2.5) + math.log10(2.5)
    + math.log(2.5, 3),
    "sqrt(b) + root(3, b) + root(4, a)": 2.5**0.5 + 2.5 ** (1 / 3) + 0.7**0.25,
    "sin(a) + cos(a) + tan(a) + sec(a) + csc(a) + cot(a)": math.sin(0.7) + math.cos(0.7) + math.tan(0.7)
    + 1 / math.cos(0.7) + 1 / math.sin(0.7) + 1 / math.tan(0.7),
    "sinh(c) + cosh(c) + tanh(c) + sech(c) + csch(c) + coth(c)": math.sinh(-1.3) + math.cosh(1.3)
    + math.tanh(-1.3) + 1 / math.cosh(1.3) - 1 / math.sinh(1.3) - 1 / math.tanh(1.3),
    "arcsinh(c) + arccosh(b) + arctanh(a)": math.asinh(-1.3) + math.acosh(2.5) + math.atanh(0.7),
    "arcsech(a) + arccsch(c) + arccoth(b)": math.acosh(1 / 0.7) + math.asinh(-1 / 1.3) + math.atanh(1 / 2.5),
    "abs(c) + max(a, b, c) + min(a, b, c)": 1.3 + 2.5 - 1.3,
    "pi + exponentiale^a + avogadro/1e23": math.pi + math.exp(0.7) + 6.02214179,
    "floor(2.7) + ceil(2.1) + factorial(4) + arctan(1)": 2 + 3 + 24 + math.pi / 4,
    "1e-12 + 3e+20/1e20 + 0.1e3": 1e-12 + 103,
    "piecewise(1, a > b, 2, a > c, 3)": 2,
    "piecewise(1, (a > b) || !(c < 0), 5)": 5,
    "piecewise(1, xor(a > 0, b > 0), 5)": 5,
    "piecewise(4, implies(a > b, c > 0), 5)": 4,
    "piecewise(7, a < b < 3, 1) + piecewise(1, b >= 2.5 && a != b, 9)": 8,
    "piecewise(2, true, 1)": 2,
    "piecewise(3, piecewise(a > 0, b > 0, a < 0), 4)": 3,
    "twice(twice(a)) + mean(a, b)*mean(b, c)": 4 * 0.7 + 1.6 * 0.6,
}  # fmt: skip

DEFINED = """
function twice(x)
  2*x
end
function mean(x, b)
  (x + b)/2
end
"""


def test_every_function_has_the_value_that_it_should(sbml_file: Callable[..., Path]) -> None:
    a = "\n".join(f"{k} = {v}" for k, v in VALUES.items())
    rates = "\n".join(f"y{k} = 0; y{k}' = {text}" for k, text in enumerate(FUNCTIONS))
    network = load_text(import_sbml(sbml_file(f"{DEFINED}\nmodel m\n{a}\n{rates}\nend")).toml)
    values = Evaluation(network.definitions, {**network.constants, **network.initial, "t": 0.0})
    for k, (written, wanted) in enumerate(FUNCTIONS.items()):
        (term,) = network.model.populations[f"y{k}"].terms
        got = float(values.of(term.expression)) / 86400  # per second
        assert got == pytest.approx(wanted, rel=1e-13, abs=1e-15), f"{written} as {term.expression.text}"


NUMBERS = st.floats(0.25, 4.0).map(lambda v: Number(round(v, 3)))
LEAVES = st.one_of(NUMBERS, st.sampled_from([Name(n) for n in VALUES]))


def grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    condition = st.builds(
        lambda op, x, y: Apply(op, (x, y)), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner, inner
    )
    both = st.builds(lambda op, x, y: Apply(op, (x, y)), st.sampled_from(["and", "or"]), condition, condition)
    either = st.one_of(condition, both, both.map(lambda x: Apply("not", (x,))))
    return st.one_of(
        st.builds(lambda op, x, y: apply(op, x, y), st.sampled_from(["+", "*", "-", "/"]), inner, inner),
        st.builds(lambda op, *x: apply(op, *x), st.sampled_from(["+", "*", "min"]), inner, inner, inner),
        st.builds(lambda x, n: apply("^", x, Number(float(n))), inner, st.integers(-3, 3)),
        st.builds(lambda op, x: apply(op, x), st.sampled_from(["neg", "abs", "sin", "tanh", "sinh"]), inner),
        st.builds(lambda c, x, y: Apply("where", (c, x, y)), either, inner, inner),
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.recursive(LEAVES, grow, max_leaves=12))
def test_text_means_the_formula(node: Node) -> None:
    wanted = evaluate(node, VALUES.__getitem__)
    written = text(node, lambda name: name)
    if not math.isfinite(wanted) or abs(wanted) > 1e100:
        return
    got = float(expression.evaluate(expression.parse(written).tree, VALUES.__getitem__))
    size = 1e-9 * max(1.0, abs(wanted))
    assert got == pytest.approx(wanted, abs=size) or _cancels(node), written


def _cancels(node: Node) -> bool:
    """Whether rounding decides the value: nearly equal things are compared, subtracted or divided by."""
    shifted = {k: v * (1 + 1e-14) for k, v in VALUES.items()}
    a, b = evaluate(node, VALUES.__getitem__), evaluate(node, shifted.__getitem__)
    return not abs(a - b) < 1e-10 * max(1.0, abs(a))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back_as_they_were(value: float) -> None:
    assert float(number(value)) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [(2.0, "2"), (0.1, "0.1"), (1e-7, "1e-7"), (6.02e23, "6.02e23"), (1e6, "1000000.0"), (-3.0, "-3")],
)
def test_numbers_are_short(value: float, written: str) -> None:
    assert number(value) == written
