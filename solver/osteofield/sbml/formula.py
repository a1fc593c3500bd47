# SPDX-License-Identifier: LGPL-3.0-or-later
"""Formulas of an SBML file as small immutable trees: built, searched, put into one another, evaluated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A number in a formula; `unit` is what the file says of its unit (``sbml:units``)."""

    value: float
    unit: str = ""


@dataclass(frozen=True)
class Name:
    """Whatever the file calls by this id; ids of local parameters read ``reaction:id``."""

    id: str


@dataclass(frozen=True)
class Apply:
    """An operator or function with its arguments.

    Attributes:
        op: ``+ *`` (any number of arguments), ``- / ^``, ``neg``, ``where`` (condition, value, otherwise),
            ``< <= > >= == !=``, ``and or not true false``, or the name of a function.
    """

    op: str
    args: tuple[Node, ...]


type Node = Number | Name | Apply

TIME = Name("<time>")
"""Time in the time unit of the file."""

COMPARE = ("<", "<=", ">", ">=", "==", "!=")
CONDITIONS = (*COMPARE, "and", "or", "not", "true", "false")


def apply(op: str, *args: Node) -> Node:
    """An `Apply` without the trivial parts: factors of one, sums and products of one thing."""
    if op == "*":
        flat: list[Node] = []
        for a in args:
            flat += a.args if isinstance(a, Apply) and a.op == "*" else (a,)
        args = tuple(a for a in flat if not (isinstance(a, Number) and a.value == 1 and not a.unit))
        if not args:
            return Number(1.0)
    if op in ("+", "*", "and", "or") and len(args) == 1:
        return args[0]
    if op == "+" and not args:
        return Number(0.0)
    if op in ("and", "or") and not args:
        return Apply("true" if op == "and" else "false", ())
    if op == "/" and args[1] == Number(1.0):
        return args[0]
    if op == "^" and (args[0] == Number(1.0) or args[1] == Number(1.0)):
        return args[0]
    if op == "neg" and isinstance(args[0], Number) and not args[0].unit:
        return Number(-args[0].value)
    return Apply(op, args)


def walk(node: Node) -> Iterator[Node]:
    """A formula and every part of it."""
    yield node
    if isinstance(node, Apply):
        for a in node.args:
            yield from walk(a)


def names(node: Node) -> set[str]:
    """Ids used in a formula."""
    return {n.id for n in walk(node) if isinstance(n, Name)}


def replaced(node: Node, by: Callable[[Node], Node | None]) -> Node:
    """The formula with every part for which `by` gives something replaced, outermost first."""
    new = by(node)
    if new is not None:
        return new
    if isinstance(node, Apply):
        return Apply(node.op, tuple(replaced(a, by) for a in node.args))
    return node


def is_condition(node: Node) -> bool:
    """Whether a formula is true or false instead of a number."""
    return isinstance(node, Apply) and node.op in CONDITIONS


_UNARY: Mapping[str, Callable[[float], float]] = {
    "neg": lambda u: -u, "abs": abs, "exp": math.exp, "log": math.log, "sqrt": math.sqrt,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "tanh": math.tanh, "sinh": math.sinh,
    "cosh": math.cosh, "asin": math.asin, "acos": math.acos, "atan": math.atan, "asinh": math.asinh,
    "acosh": math.acosh, "atanh": math.atanh, "floor": math.floor, "ceil": math.ceil,
    "factorial": lambda u: math.gamma(u + 1),
}  # fmt: skip

_BINARY: Mapping[str, Callable[[float, float], float]] = {
    "-": lambda a, b: a - b, "/": lambda a, b: a / b, "^": lambda a, b: a**b, "rem": math.fmod,
    "quotient": lambda a, b: math.trunc(a / b), "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip


def evaluate(node: Node, lookup: Callable[[str], float]) -> float:
    """Value of a formula; conditions count 1 and 0, and what has no value is not a number."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return lookup(node.id)
    if node.op == "where":
        return evaluate(node.args[1 if evaluate(node.args[0], lookup) else 2], lookup)
    if node.op in ("true", "false"):
        return float(node.op == "true")
    args = [evaluate(a, lookup) for a in node.args]
    try:
        if node.op == "+":
            return math.fsum(args) if all(map(math.isfinite, args)) else sum(args)
        if node.op == "*":
            return math.prod(args)
        if node.op in ("min", "max"):
            return min(args) if node.op == "min" else max(args)
        if node.op in ("and", "or"):
            return float(all(args) if node.op == "and" else any(args))
        if node.op == "not":
            return float(not args[0])
        value = _BINARY[node.op](*args) if len(args) == 2 else _UNARY[node.op](*args)
    except (ArithmeticError, ValueError):
        return math.nan
    return float(value) if isinstance(value, int | float) else math.nan  # complex: no real power
