# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dimension check of formulas: sums add like to like, functions take plain numbers."""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction

from ..units import Unit, describe, unit
from .expression import comparisons, is_condition, literal, power_parts, show


class DimensionError(ValueError):
    """A formula whose parts do not fit together; the message is a full sentence."""


def dimension(node: ast.AST, lookup: Callable[[str], Unit]) -> Unit | None:
    """Dimension of a formula; None for a literal zero, which fits any dimension.

    Only `Unit.dimension` of the result means anything: sizes are converted when a file is read.

    Raises:
        DimensionError: Unlike things are added or compared, or a plain number is needed.
    """
    one = unit("1")
    parts = power_parts(node)
    if parts:
        base = dimension(parts[0], lookup) or one
        _plain(parts[1], lookup, f"the exponent in '{show(node)}'")
        if base.dimensionless:
            return one
        exponent = literal(parts[1])
        if exponent is None:
            raise DimensionError(
                f"in '{show(node)}' the base is {describe(base)}, so the exponent must be a plain number "
                "written out; divide the base by a reference value if the exponent varies."
            )
        return base ** Fraction(exponent).limit_denominator(1000)
    if isinstance(node, ast.Constant):
        return None if node.value == 0 else one
    if isinstance(node, ast.Name):
        return lookup(node.id)
    if is_condition(node):
        _condition(node, lookup)
        return one
    if isinstance(node, ast.UnaryOp):
        return dimension(node.operand, lookup)
    if isinstance(node, ast.BinOp):
        a, b = dimension(node.left, lookup), dimension(node.right, lookup)
        if isinstance(node.op, ast.Add | ast.Sub):
            return _alike(
                [(node.left, a), (node.right, b)],
                node,
                "adds" if isinstance(node.op, ast.Add) else "subtracts",
            )
        if isinstance(node.op, ast.Mult):
            return None if a is None or b is None else a * b
        return None if a is None else a / (b or one)
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    name = node.func.id
    if name in ("min", "max"):
        return _alike([(a, dimension(a, lookup)) for a in node.args], node, "compares")
    if name == "where":
        _condition(node.args[0], lookup)
        return _alike([(a, dimension(a, lookup)) for a in node.args[1:]], node, "chooses between")
    if name == "abs":
        return dimension(node.args[0], lookup)
    if name == "step":
        dimension(node.args[0], lookup)
        return one
    if name == "sqrt":
        d = dimension(node.args[0], lookup)
        return None if d is None else d ** Fraction(1, 2)
    _plain(node.args[0], lookup, f"the argument of '{show(node)}'")
    return one


def _condition(node: ast.AST, lookup: Callable[[str], Unit]) -> None:
    if isinstance(node, ast.Compare):
        for _, a, b in comparisons(node):
            _alike([(a, dimension(a, lookup)), (b, dimension(b, lookup))], node, "compares")
    for part in node.values if isinstance(node, ast.BoolOp) else ():
        _condition(part, lookup)
    if isinstance(node, ast.UnaryOp):
        _condition(node.operand, lookup)


def _plain(node: ast.AST, lookup: Callable[[str], Unit], what: str) -> None:
    d = dimension(node, lookup)
    if d is not None and not d.dimensionless:
        raise DimensionError(f"{what} is {describe(d)}, but a plain number is needed there.")


def _alike(parts: list[tuple[ast.expr, Unit | None]], node: ast.AST, verb: str) -> Unit | None:
    known = [(n, d) for n, d in parts if d is not None]
    for n, d in known[1:]:
        first, d0 = known[0]
        if not d.same_dimension(d0):
            raise DimensionError(
                f"'{show(node)}' {verb} unlike things: '{show(first)}' is {describe(d0)} and "
                f"'{show(n)}' is {describe(d)}."
            )
    return known[0][1] if known else None
