# SPDX-License-Identifier: LGPL-3.0-or-later
"""Formulas as text that a model file can hold."""

from __future__ import annotations

import re
from collections.abc import Callable

from .formula import COMPARE, Apply, Name, Node, Number, apply, is_condition

FUNCTIONS = ("exp", "log", "sqrt", "abs", "sin", "cos", "tanh", "min", "max", "where")
"""Functions that stand in a model file as they are."""

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _POWER, _ATOM = range(8)


def number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    if value.is_integer() and abs(value) < 1e6:
        return str(int(value))
    return re.sub(r"e([-+]?)0*", lambda m: "e" + m[1].replace("+", ""), repr(value))


def rewritten(node: Node) -> Node | None:
    """A function that model files do not have in terms of those that they have, else None."""
    if not isinstance(node, Apply):
        return None
    u = node.args[0] if node.args else Number(0.0)
    one, two = Number(1.0), Number(2.0)
    if node.op == "tan":
        return apply("/", Apply("sin", (u,)), Apply("cos", (u,)))
    if node.op in ("sinh", "cosh"):
        parts = Apply("exp", (u,)), Apply("exp", (apply("neg", u),))
        return apply("/", Apply("-" if node.op == "sinh" else "+", parts), two)
    if node.op == "asinh":  # odd, so that nothing cancels at large negative arguments
        a = Apply("abs", (u,))
        root = Apply("sqrt", (Apply("+", (Apply("^", (a, two)), one)),))
        sign = Apply("where", (Apply("<", (u, Number(0.0))), Number(-1.0), one))
        return apply("*", sign, Apply("log", (Apply("+", (a, root)),)))
    if node.op == "acosh":
        root = Apply("sqrt", (Apply("-", (Apply("^", (u, two)), one)),))
        return Apply("log", (Apply("+", (u, root)),))
    if node.op == "atanh":
        ratio = apply("/", Apply("+", (one, u)), Apply("-", (one, u)))
        return apply("/", Apply("log", (ratio,)), two)
    return None


def text(node: Node, name: Callable[[str], str]) -> str:
    """A formula as text; `name` gives what an id is called in the model file."""
    return _text(node, name)[0]


def _text(node: Node, name: Callable[[str], str]) -> tuple[str, int]:
    """Text and how strongly it holds together."""
    if isinstance(node, Number):
        written = number(node.value)
        return written, _SUM if written.startswith("-") else _ATOM
    if isinstance(node, Name):
        return name(node.id), _ATOM
    op, args = node.op, node.args
    if (other := rewritten(node)) is not None:
        return _text(other, name)

    def part(k: int, least: int) -> str:
        inner, holds = _text(args[k], name)
        return inner if holds >= least else f"({inner})"

    every = range(len(args))
    if op in ("and", "or"):
        level = _AND if op == "and" else _OR
        return f" {op} ".join(part(k, level + 1) for k in every), level
    if op == "not":
        return f"not {part(0, _COMPARE)}" if not is_not(args[0]) else f"not ({part(0, _OR)})", _NOT
    if op in COMPARE:
        return f"{part(0, _SUM)} {op} {part(1, _SUM)}", _COMPARE
    if op == "+":
        out = part(0, _SUM)
        for k in every[1:]:
            term = args[k]
            negative = isinstance(term, Number) and term.value < 0
            if isinstance(term, Apply) and term.op == "neg":
                inner, holds = _text(term.args[0], name)
                out += f" - {inner if holds >= _PRODUCT else f'({inner})'}"
            elif negative:
                out += f" - {number(-term.value)}"  # type: ignore[union-attr]
            else:
                inner, holds = _text(term, name)
                out += f" + ({inner})" if inner.startswith("-") or holds < _SUM else f" + {inner}"
        return out, _SUM
    if op == "-":
        return f"{part(0, _SUM)} - {part(1, _PRODUCT)}", _SUM
    if op == "neg":
        return f"-{part(0, _PRODUCT)}", _SUM
    if op == "*":
        return "*".join(part(k, _PRODUCT) for k in every), _PRODUCT
    if op == "/":
        return f"{part(0, _PRODUCT)}/{part(1, _POWER)}", _PRODUCT
    if op == "^":
        return f"{part(0, _ATOM)}^{part(1, _ATOM)}", _POWER
    if op in ("true", "false"):
        return "0 < 1" if op == "true" else "0 > 1", _COMPARE
    return f"{op}({', '.join(_text(a, name)[0] for a in args)})", _ATOM


def is_not(node: Node) -> bool:
    return isinstance(node, Apply) and node.op == "not"


def expressible(node: Node) -> bool:
    """Whether a model file has words for this operator or function (its arguments apart)."""
    if not isinstance(node, Apply) or is_condition(node) or rewritten(node) is not None:
        return True
    return node.op in ("+", "-", "*", "/", "^", "neg", *FUNCTIONS)
