# SPDX-License-Identifier: LGPL-3.0-or-later
"""MathML of an SBML file to formulas: functions inlined, what cannot be read collected as problems."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Problem
from .formula import TIME, Apply, Name, Node, Number, apply, evaluate, is_condition, walk
from .package import libsbml
from .writing import expressible


@dataclass(frozen=True)
class Place:
    """Where something stands: in words for messages, its line, and a short key."""

    words: str
    line: int
    key: str


_PLAIN = {
    "AST_PLUS": "+", "AST_TIMES": "*", "AST_DIVIDE": "/", "AST_POWER": "^", "AST_FUNCTION_POWER": "^",
    "AST_FUNCTION_ABS": "abs", "AST_FUNCTION_EXP": "exp", "AST_FUNCTION_LN": "log",
    "AST_FUNCTION_MIN": "min", "AST_FUNCTION_MAX": "max", "AST_FUNCTION_FLOOR": "floor",
    "AST_FUNCTION_CEILING": "ceil", "AST_FUNCTION_FACTORIAL": "factorial", "AST_FUNCTION_REM": "rem",
    "AST_FUNCTION_QUOTIENT": "quotient", "AST_FUNCTION_SIN": "sin", "AST_FUNCTION_COS": "cos",
    "AST_FUNCTION_TAN": "tan", "AST_FUNCTION_SINH": "sinh", "AST_FUNCTION_COSH": "cosh",
    "AST_FUNCTION_TANH": "tanh", "AST_FUNCTION_ARCSIN": "asin", "AST_FUNCTION_ARCCOS": "acos",
    "AST_FUNCTION_ARCTAN": "atan", "AST_FUNCTION_ARCSINH": "asinh", "AST_FUNCTION_ARCCOSH": "acosh",
    "AST_FUNCTION_ARCTANH": "atanh",
}  # fmt: skip

_RECIPROCAL = {
    "AST_FUNCTION_SEC": "cos", "AST_FUNCTION_CSC": "sin", "AST_FUNCTION_COT": "tan",
    "AST_FUNCTION_SECH": "cosh", "AST_FUNCTION_CSCH": "sinh", "AST_FUNCTION_COTH": "tanh",
}  # fmt: skip

_OF_RECIPROCAL = {
    "AST_FUNCTION_ARCSEC": "acos", "AST_FUNCTION_ARCCSC": "asin", "AST_FUNCTION_ARCCOT": "atan",
    "AST_FUNCTION_ARCSECH": "acosh", "AST_FUNCTION_ARCCSCH": "asinh", "AST_FUNCTION_ARCCOTH": "atanh",
}  # fmt: skip

_RELATION = {
    "AST_RELATIONAL_EQ": "==", "AST_RELATIONAL_NEQ": "!=", "AST_RELATIONAL_LT": "<",
    "AST_RELATIONAL_LEQ": "<=", "AST_RELATIONAL_GT": ">", "AST_RELATIONAL_GEQ": ">=",
}  # fmt: skip

_UNKNOWN = Number(math.nan)
"""Stands where something could not be read."""

_CALLED = {
    "floor": "floor", "ceil": "ceiling", "factorial": "factorial", "rem": "rem", "quotient": "quotient",
    "asin": "arcsin", "acos": "arccos", "atan": "arctan",
}  # fmt: skip
"""Names in MathML of functions that model files do not have."""


class MathReader:
    """Reads the formulas of one SBML document.

    Attributes:
        problems: What was found on the way.
    """

    def __init__(self, file: Path, model: Any):
        self._file, self._model, self._sbml = file, model, libsbml()
        self._kinds = {
            getattr(self._sbml, n): n for n in dir(self._sbml) if n.startswith("AST_") and n != "AST_E"
        }
        self._inlining: list[str] = []
        self.problems: list[Problem] = []

    def say(self, place: Place, message: str) -> None:
        """Note a problem at a place."""
        self.problems.append(Problem(message, self._file, place.line or None, place.key))

    def read(self, element: Any, place: Place, local: Mapping[str, Node] | None = None) -> Node:
        """The ``<math>`` of an element.

        Args:
            element: A libsbml object that has one.
            place: For messages.
            local: What ids mean here that mean something else, or nothing, elsewhere.
        """
        if not element.isSetMath():
            self.say(place, f"{place.words} has no <math>, so there is nothing to compute; add it.")
            return _UNKNOWN
        return self._node(element.getMath(), place, local or {})

    def check(self, node: Node, place: Place) -> Node:
        """The formula with functions of plain numbers computed; names what a model file cannot say."""
        node = _folded(node)
        for op in dict.fromkeys(
            n.op for n in walk(node) if isinstance(n, Apply) and not expressible(n)
        ):  # each function once
            self.say(
                place,
                f"<{_CALLED[op]}> in {place.words} is not supported: formulas of a model file have no such "
                "function. Write it with the functions in docs/sbml.md, or with <piecewise>.",
            )
        for n in walk(node):
            if isinstance(n, Number) and n is not _UNKNOWN and not abs(n.value) <= 1e300:
                self.say(place, f"{place.words} contains {n.value}, which is no number to compute with.")
        return node

    def _node(self, ast: Any, place: Place, local: Mapping[str, Node]) -> Node:
        kind = self._kinds.get(ast.getType(), "AST_UNKNOWN")
        children = [ast.getChild(k) for k in range(ast.getNumChildren())]
        if kind in ("AST_INTEGER", "AST_REAL", "AST_REAL_E", "AST_RATIONAL"):
            return Number(float(ast.getValue()), ast.getUnits() if ast.isSetUnits() else "")
        constant = {
            "AST_CONSTANT_PI": math.pi, "AST_CONSTANT_E": math.e, "AST_NAME_AVOGADRO": None,
        }  # fmt: skip
        if kind in constant:
            return Number(constant[kind] or float(ast.getReal()))
        if kind == "AST_NAME_TIME":
            return TIME
        if kind == "AST_NAME":
            return local.get(ast.getName(), Name(ast.getName()))
        if kind in ("AST_CONSTANT_TRUE", "AST_CONSTANT_FALSE"):
            return Apply(kind.rsplit("_", 1)[1].lower(), ())
        if kind == "AST_FUNCTION_DELAY":
            self.say(
                place,
                f"<csymbol> delay in {place.words} is not supported: rates depend on the present only. "
                "Replace the delay by a chain of intermediate species.",
            )
            return _UNKNOWN
        if kind == "AST_FUNCTION_RATE_OF":
            self.say(
                place,
                f"<csymbol> rateOf in {place.words} is not supported. Write out the rate that is meant.",
            )
            return _UNKNOWN
        if kind == "AST_FUNCTION":
            return self._inlined(ast, children, place, local)
        args = [self._node(c, place, local) for c in children]
        if kind.startswith("AST_LOGICAL_"):
            return self._logical(kind, [_condition(a) for a in args], place)
        if kind == "AST_FUNCTION_PIECEWISE":
            return self._piecewise(args, place)
        numbers = [_number(a) for a in args]
        if kind in _RELATION:
            op, pairs = _RELATION[kind], zip(numbers, numbers[1:], strict=False)
            return apply("and", *(Apply(op, pair) for pair in pairs))
        return self._function(kind, numbers, ast, place)

    def _function(self, kind: str, args: list[Node], ast: Any, place: Place) -> Node:
        if kind in _PLAIN:
            op = _PLAIN[kind]
            if op == "^" and args[0] == Number(math.e):
                return Apply("exp", (args[1],))
            if op in ("min", "max") and len(args) == 1:
                return args[0]
            return apply(op, *args)
        if kind == "AST_MINUS":
            return apply("neg", args[0]) if len(args) == 1 else Apply("-", (args[0], args[1]))
        if kind == "AST_FUNCTION_ROOT":
            degree, u = (Number(2.0), args[0]) if len(args) == 1 else (args[0], args[1])
            if degree == Number(2.0):
                return Apply("sqrt", (u,))
            return Apply("^", (u, apply("/", Number(1.0), degree)))
        if kind == "AST_FUNCTION_LOG":
            base, u = (Number(10.0), args[0]) if len(args) == 1 else (args[0], args[1])
            return apply("/", Apply("log", (u,)), Apply("log", (base,)))
        if kind in _RECIPROCAL:
            return apply("/", Number(1.0), Apply(_RECIPROCAL[kind], (args[0],)))
        if kind in _OF_RECIPROCAL:
            return Apply(_OF_RECIPROCAL[kind], (apply("/", Number(1.0), args[0]),))
        self.say(place, f"<{ast.getName() or 'math'}> in {place.words} is not supported.")
        return _UNKNOWN

    def _logical(self, kind: str, args: list[Node], place: Place) -> Node:
        op = kind.removeprefix("AST_LOGICAL_").lower()
        if op in ("and", "or"):
            return apply(op, *args)
        if op == "not":
            return Apply("not", (args[0],))
        if op == "implies":
            return Apply("or", (Apply("not", (args[0],)), args[1]))
        if op != "xor":
            self.say(place, f"<{op}> in {place.words} is not supported.")
            return Apply("false", ())
        out = args[0] if args else Apply("false", ())
        for a in args[1:]:
            either = Apply("and", (out, Apply("not", (a,)))), Apply("and", (Apply("not", (out,)), a))
            out = Apply("or", either)
        return out

    def _piecewise(self, args: list[Node], place: Place) -> Node:
        if len(args) % 2 == 0:
            self.say(
                place,
                f"<piecewise> in {place.words} has no <otherwise>, so it may have no value. Add <otherwise>.",
            )
            return _UNKNOWN
        out = args[-1]
        truth = all(is_condition(a) for a in [out, *args[0:-1:2]])
        for k in range(len(args) - 3, -1, -2):
            value, condition = args[k], _condition(args[k + 1])
            if truth:  # a choice between conditions is a condition
                chosen = Apply("and", (condition, value)), Apply("and", (Apply("not", (condition,)), out))
                out = Apply("or", chosen)
            else:
                out = Apply("where", (condition, _number(value), _number(out)))
        return out

    def _inlined(self, ast: Any, children: list[Any], place: Place, local: Mapping[str, Node]) -> Node:
        name = ast.getName()
        definition = self._model.getFunctionDefinition(name)
        args = [self._node(c, place, local) for c in children]
        if definition is None or not definition.isSetMath() or definition.getBody() is None:
            self.say(place, f"{place.words} uses the function '{name}', which has no <lambda>. Define it.")
            return _UNKNOWN
        if name in self._inlining:
            self.say(place, f"the function '{name}' uses itself. Write it without that.")
            return _UNKNOWN
        variables = [definition.getArgument(k).getName() for k in range(definition.getNumArguments())]
        if len(variables) != len(args):
            self.say(
                place,
                f"{place.words} gives {len(args)} arguments to the function '{name}', which has "
                f"{len(variables)}.",
            )
            return _UNKNOWN
        self._inlining.append(name)
        try:
            return self._node(definition.getBody(), place, dict(zip(variables, args, strict=True)))
        finally:
            self._inlining.pop()


def _condition(node: Node) -> Node:
    return node if is_condition(node) else Apply("!=", (node, Number(0.0)))


def _number(node: Node) -> Node:
    return Apply("where", (node, Number(1.0), Number(0.0))) if is_condition(node) else node


def _folded(node: Node) -> Node:
    """Functions that a model file does not have, of plain numbers only, as their value."""
    if not isinstance(node, Apply):
        return node
    out = Apply(node.op, tuple(_folded(a) for a in node.args))
    if expressible(out) or any(isinstance(n, Name) or n is _UNKNOWN for n in walk(out)):
        return out
    return Number(evaluate(out, lambda name: math.nan))
