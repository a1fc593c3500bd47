# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rates and their exact derivatives as short assignments: the chain rule through named quantities."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from .expression import Expression, comparisons, integer_exponent, is_condition, literal, power_parts


class vmax(sp.Function):
    """Larger of two."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return at_least(a, b) if argindex == 1 else 1 - at_least(a, b)


class vmin(sp.Function):
    """Smaller of two."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        a, b = self.args
        return at_least(b, a) if argindex == 1 else 1 - at_least(b, a)


class at_least(sp.Function):
    """1 where the first is not less than the second, else 0."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.Integer(0)


class vwhere(sp.Function):
    """The second where the first is not 0, else the third; so is its derivative."""

    nargs = 3

    def _eval_derivative(self, s: sp.Symbol) -> sp.Expr:
        c, a, b = self.args
        da, db = a.diff(s), b.diff(s)
        return da if da == db else vwhere(c, da, db)


class vabs(sp.Function):
    """Absolute value."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return 2 * at_least(self.args[0], sp.Integer(0)) - 1


class gpow(sp.Function):
    """Power with any exponent, guarded at a zero base (`expression.guarded_power`)."""

    nargs = 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        b, e = self.args
        if argindex == 1:
            return e * gpow(b, e - 1) * above_tiny(b)
        return gpow(b, e) * glog(b)


class glog(sp.Function):
    """Logarithm of the base of a guarded power; 0 where the base counts as zero."""

    nargs = 1


class above_tiny(sp.Function):
    """1 where a base does not count as zero."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.Integer(0)


class inv(sp.Function):
    """Reciprocal, kept as a function so that value and derivative share one division."""

    nargs = 1


_FUNCTIONS = {"abs": vabs, "exp": sp.exp, "log": sp.log, "tanh": sp.tanh, "sin": sp.sin, "cos": sp.cos}


def to_sympy(node: ast.AST) -> sp.Expr:
    """A whitelisted formula as a SymPy expression; every name becomes a symbol."""
    parts = power_parts(node)
    if parts:
        base, n = to_sympy(parts[0]), integer_exponent(parts[1])
        if n is not None:
            return base**n
        value = literal(parts[1])
        if value is None:
            return gpow(base, to_sympy(parts[1]))
        return gpow(
            base, sp.Rational(int(value * 4), 4) if value * 4 == int(value * 4) else sp.Float(value, 17)
        )
    if isinstance(node, ast.Constant):
        return sp.Integer(node.value) if isinstance(node.value, int) else sp.Float(repr(node.value), 17)
    if isinstance(node, ast.Name):
        return sp.Symbol(node.id)
    if is_condition(node):
        return _condition(node)
    if isinstance(node, ast.UnaryOp):
        v = to_sympy(node.operand)
        return -v if isinstance(node.op, ast.USub) else v
    if isinstance(node, ast.BinOp):
        a, b = to_sympy(node.left), to_sympy(node.right)
        if isinstance(node.op, ast.Add):
            return a + b
        if isinstance(node.op, ast.Sub):
            return a - b
        return a * b if isinstance(node.op, ast.Mult) else a / b
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    name, args = node.func.id, [to_sympy(a) for a in node.args]
    if name in ("min", "max"):
        out = args[0]
        for a in args[1:]:
            out = (vmin if name == "min" else vmax)(out, a)
        return out
    if name == "where":
        return vwhere(*args)
    if name == "step":
        return at_least(args[0], sp.Integer(0))
    if name == "sqrt":
        return gpow(args[0], sp.Rational(1, 2))
    return _FUNCTIONS[name](args[0])


def _condition(node: ast.AST) -> sp.Expr:
    """A condition as 1 or 0."""
    if isinstance(node, ast.UnaryOp):
        return 1 - _condition(node.operand)
    if isinstance(node, ast.BoolOp):
        parts = [_condition(v) for v in node.values]
        if isinstance(node.op, ast.And):
            return sp.Mul(*parts)
        return 1 - sp.Mul(*(1 - p for p in parts))
    assert isinstance(node, ast.Compare)
    out = sp.Integer(1)
    for op, left, right in comparisons(node):
        a, b = to_sympy(left), to_sympy(right)
        out *= {
            ">=": at_least(a, b), "<=": at_least(b, a), ">": 1 - at_least(b, a), "<": 1 - at_least(a, b),
            "==": at_least(a, b) * at_least(b, a), "!=": 1 - at_least(a, b) * at_least(b, a),
        }[op]  # fmt: skip
    return out


@dataclass
class Program:
    """Assignments for one kind of point.

    Attributes:
        states: Names of the states, in the order of rows and columns.
        assigned: Temporary symbol to its expression; each may use others.
        rates: Rate of every state.
        jacobian: ``(row, column)`` to expression, structural non-zeros and the whole diagonal, row-major.
        time: Partial derivative by time of every rate.
        terms: ``(population, kind, name)`` to expression, surface terms without the factor a.
    """

    states: tuple[str, ...]
    assigned: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)
    rates: list[sp.Expr] = field(default_factory=list)
    jacobian: dict[tuple[int, int], sp.Expr] = field(default_factory=dict)
    time: list[sp.Expr] = field(default_factory=list)
    terms: dict[tuple[str, str, str], sp.Expr] = field(default_factory=dict)


def rate_of(name: str) -> str:
    """Name of the time derivative of a one-number symbol."""
    return f"d({name})/d(t)"


SURFACE_FACTOR = sp.Symbol("a[i]")
"""Surface per marrow volume at a node over its mean: multiplies surface terms of marrow populations."""


def derive(
    states: Sequence[str],
    quantities: Mapping[str, Expression],
    terms: Iterable[tuple[str, str, str, Expression]],
    surface_states: frozenset[str],
    driven: Iterable[str] = (),
) -> Program:
    """Differentiate a set of rate terms.

    Args:
        states: Populations at this kind of point.
        quantities: Those that vary from point to point, each after those it uses.
        terms: ``(population, "volume" | "surface", name, formula)``.
        surface_states: Populations whose surface terms are their rate as it stands (no factor a).
        driven: One-number symbols that inputs may move in time, at the rate named by `rate_of`.
    """
    p = Program(tuple(states))
    symbols = {s: sp.Symbol(s) for s in (*states, "t")}
    value = {n: to_sympy(q.tree) for n, q in quantities.items()}
    total: dict[str, dict[str, sp.Expr]] = {s: {s: sp.Integer(1)} for s in symbols}
    total |= {n: {"t": sp.Symbol(rate_of(n))} for n in driven}
    for n, expr in value.items():
        s = sp.Symbol(n)
        p.assigned[s] = expr
        total[n] = {}
        for by, d in _chain(expr, total).items():
            if d.is_Atom:
                total[n][by] = d
            else:
                total[n][by] = sp.Symbol(f"d({n})/d({by})")
                p.assigned[total[n][by]] = d
    index = {s: k for k, s in enumerate(states)}
    p.rates = [sp.Integer(0)] * len(states)
    p.time = [sp.Integer(0)] * len(states)
    for population, kind, name, e in terms:
        expr = to_sympy(e.tree)
        p.terms[population, kind, name] = expr
        factor = SURFACE_FACTOR if kind == "surface" and population not in surface_states else sp.Integer(1)
        row = index[population]
        p.rates[row] += factor * expr
        for by, d in _chain(expr, total).items():
            if by == "t":
                p.time[row] += factor * d
            else:
                at = row, index[by]
                p.jacobian[at] = p.jacobian.get(at, sp.Integer(0)) + factor * d
    for k in range(len(states)):
        p.jacobian.setdefault((k, k), sp.Integer(0))
    p.jacobian = {at: p.jacobian[at] for at in sorted(p.jacobian)}
    return p


def _chain(expr: sp.Expr, total: Mapping[str, Mapping[str, sp.Expr]]) -> dict[str, sp.Expr]:
    """Derivatives of an expression by every state, through the quantities in it."""
    out: dict[str, sp.Expr] = {}
    for s in sorted(expr.free_symbols, key=str):
        if s.name not in total or not total[s.name]:
            continue
        partial = _tidy(sp.diff(expr, s))
        for by, d in total[s.name].items():
            out[by] = out.get(by, sp.Integer(0)) + partial * d
    return {by: d for by, d in out.items() if d != 0}


def _tidy(expr: sp.Expr) -> sp.Expr:
    """The shorter of an expression and its factored form."""
    if expr.is_Atom or expr.has(sp.Float) or expr.atoms(sp.Function):
        return expr
    try:
        short = sp.factor(expr)
    except sp.PolynomialError:
        return expr
    return short if sp.count_ops(short) < sp.count_ops(expr) else expr


def share(p: Program, outputs: Sequence[sp.Expr]) -> tuple[list[tuple[sp.Symbol, sp.Expr]], list[sp.Expr]]:
    """Straight-line code for some outputs of a program: common parts once, nothing that is not needed.

    Returns:
        Assignments in an order in which they can run, and the outputs in terms of them.
    """
    used: dict[sp.Symbol, sp.Expr] = {}
    todo = set().union(*(e.free_symbols for e in outputs)) if outputs else set()
    while todo:
        s = todo.pop()
        if s in p.assigned and s not in used:
            used[s] = p.assigned[s]
            todo |= used[s].free_symbols
    kept = [s for s in p.assigned if s in used]
    exprs = [_reciprocals(used[s]) for s in kept] + [_reciprocals(e) for e in outputs]
    common, exprs = sp.cse(exprs, symbols=sp.numbered_symbols("cse#"), order="none")
    table = dict(common) | dict(zip(kept, exprs[: len(kept)], strict=True))
    done: dict[sp.Symbol, sp.Expr] = {}

    def emit(e: sp.Expr) -> None:
        for s in sorted(e.free_symbols, key=str):
            if s in table and s not in done:
                emit(table[s])
                done[s] = table[s]

    results = exprs[len(kept) :]
    for e in results:
        emit(e)
    return list(done.items()), results


def _reciprocals(expr: sp.Expr) -> sp.Expr:
    """Negative powers as powers of `inv`."""
    if expr.is_Atom:
        return expr
    args = [_reciprocals(a) for a in expr.args]
    if expr.is_Pow and args[1].is_Integer and args[1].is_negative:
        return inv(args[0]) ** -args[1]
    return expr.func(*args)
