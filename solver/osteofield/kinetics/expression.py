# SPDX-License-Identifier: LGPL-3.0-or-later
"""Formulas and conditions of a model file: read through a whitelist, evaluated on numbers or arrays."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import did_you_mean

FUNCTIONS: Mapping[str, tuple[int, int | None]] = {
    "exp": (1, 1), "log": (1, 1), "sqrt": (1, 1), "abs": (1, 1), "tanh": (1, 1), "step": (1, 1),
    "sin": (1, 1), "cos": (1, 1),
    "pow": (2, 2), "min": (2, None), "max": (2, None), "where": (3, 3),
}  # fmt: skip
"""Functions a formula may call, with the least and the largest number of arguments."""

SYMBOLS: Mapping[str, tuple[str, str]] = {
    "t": ("day", "time"),
    "x": ("um", "position"),
    "y": ("um", "position"),
    "z": ("um", "position"),
    "sigma0": ("1/um", "bone surface per marrow volume of the sample"),
    "d0": ("um", "bone volume per bone surface of the sample"),
}
"""Symbols that every formula may use, with unit and meaning."""

_COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}

TINY = 1e-30
"""Below this a base of a non-integer power counts as zero."""

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "^"}


class ExpressionError(ValueError):
    """A formula that cannot be read; the message is a full sentence."""


@dataclass(frozen=True)
class Expression:
    """A formula that passed the whitelist.

    Attributes:
        text: As written in the file.
        tree: Python syntax tree of whitelisted nodes only.
        symbols: Names used, functions left out.
    """

    text: str
    tree: ast.expr = field(repr=False, compare=False)
    symbols: frozenset[str] = field(compare=False)


def parse(text: str, *, condition: bool = False) -> Expression:
    """Read a formula; ``^`` and ``**`` both mean power.

    Args:
        text: The formula.
        condition: Whether it must be true or false (a comparison, or several with and, or, not).

    Raises:
        ExpressionError: It is no formula, or uses something that formulas may not use.
    """
    source = " ".join(text.replace("^", "**").split())
    if not source:
        raise ExpressionError("the formula is empty.")
    try:
        tree = ast.parse(source, mode="eval").body
        symbols = frozenset(_condition(tree) if condition else _check(tree))
    except SyntaxError as e:
        near = source[max(0, (e.offset or 1) - 1) :][:20].replace("**", "^")
        where = f"near '{near}'" if near else "at its end"
        what = "condition" if condition else "formula"
        raise ExpressionError(f"'{text}' is not a {what}: it cannot be read {where}.") from None
    except (RecursionError, MemoryError, ValueError) as e:
        if isinstance(e, ExpressionError):
            raise
        raise ExpressionError("the formula is nested too deeply to be read.") from None
    return Expression(text, tree, symbols)


def _check(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.BinOp):
        if type(node.op) not in _BINARY:
            raise ExpressionError(f"'{show(node)}' uses an operator that is not one of + - * / ^.")
        yield from _check(node.left)
        yield from _check(node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        yield from _check(node.operand)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        if abs(node.value) > 1e300:  # type: ignore[arg-type]
            raise ExpressionError("a number in the formula is too large.")
    elif isinstance(node, ast.Name):
        if node.id in FUNCTIONS:
            raise ExpressionError(f"'{node.id}' is a function and needs its arguments in parentheses.")
        yield node.id
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        name = node.func.id
        if name not in FUNCTIONS:
            hint = did_you_mean(name, FUNCTIONS, otherwise="functions")
            raise ExpressionError(f"there is no function '{name}'{hint}")
        least, most = FUNCTIONS[name]
        if node.keywords or len(node.args) < least or (most is not None and len(node.args) > most):
            wanted = f"{least}" if most == least else f"{least} or more"
            raise ExpressionError(f"'{name}' takes {wanted} argument{'s' * (wanted != '1')}.")
        if name == "where":
            yield from _condition(node.args[0])
        for a in node.args[1 if name == "where" else 0 :]:
            yield from _check(a)
    elif is_condition(node):
        raise ExpressionError(
            f"'{show(node)}' is true or false and may stand only as the first argument of 'where' or as the "
            "'when' of an event."
        )
    else:
        raise ExpressionError(
            f"'{show(node)}' may not stand in a formula: numbers, names, + - * / ^, parentheses and the "
            f"functions {', '.join(FUNCTIONS)} may."
        )


def is_condition(node: ast.AST) -> bool:
    """Whether a node is true or false instead of a number."""
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _condition(node: ast.AST) -> Iterable[str]:
    if isinstance(node, ast.BoolOp):
        for v in node.values:
            yield from _condition(v)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _condition(node.operand)
    elif isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
        for side in (node.left, *node.comparators):
            yield from _check(side)
    else:
        raise ExpressionError(
            f"'{show(node)}' is not a condition: compare two things with < <= > >= == or !=, and join "
            "comparisons with 'and', 'or' and 'not'."
        )


def comparisons(node: ast.Compare) -> list[tuple[str, ast.expr, ast.expr]]:
    """``a < b <= c`` as pairs: operator, left, right."""
    sides = [node.left, *node.comparators]
    return [(_COMPARE[type(op)], a, b) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]


def show(node: ast.AST) -> str:
    """A part of a formula as text, for messages."""
    return re.sub(r"\s*\*\*\s*", "^", ast.unparse(node))


def literal(node: ast.AST) -> float | None:
    """The value of a formula made of plain numbers only, else None."""
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp):
        v = literal(node.operand)
        return None if v is None else -v if isinstance(node.op, ast.USub) else v
    if isinstance(node, ast.BinOp):
        a, b = literal(node.left), literal(node.right)
        if a is None or b is None or (isinstance(node.op, ast.Div) and b == 0):
            return None
        if isinstance(node.op, ast.Pow):
            return None
        return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0.0}[_BINARY[type(node.op)]]
    return None


def integer_exponent(node: ast.AST) -> int | None:
    """The exponent as a small whole number, else None (then the power is guarded at zero)."""
    v = literal(node)
    return int(v) if v is not None and v == int(v) and abs(v) <= 32 else None


def power_parts(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """Base and exponent of ``a^b`` or ``pow(a, b)``, else None."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return node.left, node.right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "pow":
        return node.args[0], node.args[1]
    return None


def evaluate(node: ast.AST, lookup: Callable[[str], Any]) -> Any:
    """Value of a formula on floats or NumPy arrays, real or complex.

    Complex numbers carry derivatives (complex step), so comparisons look at real parts only.
    """
    parts = power_parts(node)
    if parts:
        n = integer_exponent(parts[1])
        base = evaluate(parts[0], lookup)
        return base**n if n is not None else guarded_power(base, evaluate(parts[1], lookup))
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return lookup(node.id)
    if is_condition(node):
        return holds(node, lookup)
    if isinstance(node, ast.UnaryOp):
        v = evaluate(node.operand, lookup)
        return -v if isinstance(node.op, ast.USub) else v
    if isinstance(node, ast.BinOp):
        a, b = evaluate(node.left, lookup), evaluate(node.right, lookup)
        if isinstance(node.op, ast.Add):
            return a + b
        if isinstance(node.op, ast.Sub):
            return a - b
        return a * b if isinstance(node.op, ast.Mult) else a / np.asarray(b)[()]
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    name = node.func.id
    if name == "where":
        chosen = holds(node.args[0], lookup)
        if chosen.ndim == 0:  # the other branch may have no value
            return evaluate(node.args[1 if chosen else 2], lookup)
        with np.errstate(all="ignore"):
            return np.where(chosen, evaluate(node.args[1], lookup), evaluate(node.args[2], lookup))
    args = [evaluate(a, lookup) for a in node.args]
    if name in ("min", "max"):
        out = args[0]
        for a in args[1:]:
            first = np.real(out) <= np.real(a) if name == "min" else np.real(out) >= np.real(a)
            out = np.where(first, out, a)[()]
        return out
    (u,) = args
    if name == "step":
        return np.where(np.real(u) >= 0, 1.0, 0.0)[()]
    if name == "abs":
        return np.where(np.real(u) < 0, -u, u)[()]
    if name == "sqrt":
        return guarded_power(u, 0.5)
    return {"exp": np.exp, "log": np.log, "tanh": np.tanh, "sin": np.sin, "cos": np.cos}[name](u)


_HOLDS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal,
    "!=": np.not_equal,
}  # fmt: skip


def holds(node: ast.AST, lookup: Callable[[str], Any]) -> np.ndarray:
    """Where a condition is true: booleans of the shape of what it compares (real parts)."""
    if isinstance(node, ast.BoolOp):
        parts = [holds(v, lookup) for v in node.values]
        join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        out = parts[0]
        for p in parts[1:]:
            out = join(out, p)
        return np.asarray(out)
    if isinstance(node, ast.UnaryOp):
        return np.logical_not(holds(node.operand, lookup))
    assert isinstance(node, ast.Compare)
    out = np.asarray(True)
    for op, a, b in comparisons(node):
        both = _HOLDS[op](np.real(evaluate(a, lookup)), np.real(evaluate(b, lookup)))
        out = np.asarray(np.logical_and(out, both))
    return out


def guarded_power(base: Any, exponent: Any) -> Any:
    """``base^exponent`` for any real exponent, with a base below `TINY` taken as zero.

    Zero to a negative power is ``TINY^exponent``: large but finite.
    """
    positive = np.real(base) > TINY
    value = np.where(positive, base, 1.0) ** exponent
    at_zero = np.where(np.real(exponent) > 0, 0.0, TINY ** np.minimum(np.real(exponent), 0.0))
    return np.where(positive, value, at_zero)[()]
