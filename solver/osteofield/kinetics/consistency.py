# SPDX-License-Identifier: LGPL-3.0-or-later
"""Does a model hold what it says with its numbers: no division by zero at the start, totals conserved."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import Problem
from ..tomlsource import Key
from .evaluation import Evaluation
from .expression import Expression, evaluate, holds, literal, power_parts, show
from .network import Network
from .populations import Term
from .quantities import Conserved

_STATES, _SEED = 6, 20
_STEP = 1e-30  # complex step


def inconsistencies(network: Network) -> list[Problem]:
    """Every formula that divides by zero in the initial state, and every total that is not conserved."""
    return [*_divisions(network), *_totals(network)]


# ---------------------------------------------------------------- divisions
def _divisions(network: Network) -> Iterable[Problem]:
    said: set[tuple[Key, str]] = set()
    for state in (network.healthy, network.initial):
        known = {**network.constants, **{f.name: f.initial for f in network.fields}, **state}
        known |= {"t": 0.0, "x": 0.0, "y": 0.0, "z": 0.0}
        values = Evaluation(network.definitions, known)
        with np.errstate(all="ignore"):
            for key, e in _formulas(network):
                for node, what in _singular(e.tree, values):
                    if (key, what) not in said:
                        said.add((key, what))
                        yield network.model.source.problem(key, _message(network, node, what, values))


def _formulas(network: Network) -> Iterable[tuple[Key, Expression]]:
    m = network.model
    for q in m.quantities.values():
        yield (*q.key, "value") if (*q.key, "value") in m.source.lines else q.key, q.expression
    for n, f in m.fields.items():
        if f.at_homeostasis:
            yield ("field", n, "at_homeostasis"), f.at_homeostasis
    for n, p in m.populations.items():
        if isinstance(p.initial, Expression):
            yield ("population", n, "initial"), p.initial
        yield from ((term.key, term.expression) for term in p.terms)


def _singular(node: ast.AST, values: Evaluation) -> Iterable[tuple[ast.expr, str]]:
    """What is zero and must not be: the expression, and what is done with it."""

    def zero(part: ast.expr) -> bool:
        return bool(np.all(np.real(evaluate(part, values)) == 0.0))

    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "where":
        yield from _singular(node.args[0], values)
        yield from _singular(node.args[1 if holds(node.args[0], values) else 2], values)
        return
    for child in ast.iter_child_nodes(node):
        yield from _singular(child, values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and zero(node.right):
        yield node.right, f"'{show(node)}' divides by '{show(node.right)}'"
    parts = power_parts(node)
    if parts and float(np.real(evaluate(parts[1], values))) < 0 and zero(parts[0]):
        yield parts[0], f"'{show(node)}' raises '{show(parts[0])}' to a negative power"
    logarithm = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log"
    if isinstance(node, ast.Call) and logarithm and zero(node.args[0]):
        yield node.args[0], f"'{show(node)}' takes the logarithm of '{show(node.args[0])}'"


def _message(network: Network, node: ast.expr, what: str, values: Evaluation) -> str:
    m = network.model
    names = sorted({n.id for n in ast.walk(node) if isinstance(n, ast.Name)})
    culprits = [n for n in names if n in (*m.populations, *m.quantities, *m.inputs) and values(n) == 0]
    numbers = [n for n in names if n in (*m.parameters, *m.switches) and values(n) == 0]
    why = ", ".join(f"{n} = 0" for n in culprits or numbers)
    because = f" ({why})" if why and show(node) != why.removesuffix(" = 0") else ""
    guard = show(node) if literal(node) is None else "its value"
    advice = (
        f"give '{culprits[0]}' another initial value, add a constant as in 'K + {guard}', or choose with "
        f"'where({guard} > 0, ..., ...)'."
        if culprits
        else "give it another value, or choose with 'where(condition, ..., ...)'."
    )
    return f"{what}, which is 0 in the initial state{because}; {advice}"


# ---------------------------------------------------------------- conserved totals
def _totals(network: Network) -> Iterable[Problem]:
    m = network.model
    if not m.conserved:
        return
    random = np.random.default_rng(_SEED)
    names = [p.name for p in network.populations]
    scale = {p.name: p.scale for p in network.populations}
    state = {n: scale[n] * random.lognormal(0.0, 1.0, _STATES) for n in names}
    known: dict[str, Any] = {**network.constants, **{f.name: f.initial for f in network.fields}, **state}
    known |= {"t": 0.3, "x": 1.0, "y": 1.0, "z": 1.0}
    with np.errstate(all="ignore"):
        values = Evaluation(network.definitions, known)
        for n, claim in m.conserved.items():
            key: Key = ("conserved", n, "total")
            weights = {s: _slope(claim, s, known) for s in sorted(claim.total.symbols) if s in names}
            if not weights:
                yield m.source.problem(key, "a total needs at least one population.")
            elif any(np.ptp(w) > 1e-12 * np.abs(w).max() for w in weights.values()):
                yield m.source.problem(
                    key, f"'{claim.total.text}' is not a sum of populations with constant weights, so its "
                    "conservation cannot be checked.",
                )  # fmt: skip
            elif left := _left_over(network, weights, values):
                terms = " and ".join(
                    f"'{t.name}' of '{t.population}' ({t.expression.text})" for t in left[:3]
                )
                more = f" and {len(left) - 3} more" if len(left) > 3 else ""
                yield m.source.problem(
                    key, f"'{claim.total.text}' is not conserved: nothing balances {terms}{more}. Add what "
                    "is missing on the other side, or take the populations concerned out of the total.",
                )  # fmt: skip


def _slope(claim: Conserved, population: str, known: Mapping[str, Any]) -> np.ndarray:
    shifted = {**known, population: known[population] + 1j * _STEP}
    return np.broadcast_to(np.imag(Evaluation({}, shifted).of(claim.total)) / _STEP, (_STATES,))


def conserved(network: Network) -> dict[str, dict[str, float]]:
    """Weight of every population in every total that a model claims to be conserved."""
    known = {**network.constants, **{p.name: p.scale for p in network.populations}}
    return {
        n: {s: float(_slope(claim, s, known)[0]) for s in sorted(claim.total.symbols) if s in network.healthy}
        for n, claim in network.model.conserved.items()
    }


def _left_over(network: Network, weights: Mapping[str, np.ndarray], values: Evaluation) -> list[Term]:
    """Terms that change a total and are not balanced; empty if it is conserved."""
    flows: list[tuple[Term, np.ndarray]] = []
    for population, w in weights.items():
        for term in network.model.populations[population].terms:
            flow = np.broadcast_to(w * values.of(term.expression), (_STATES,))
            if np.any(flow != 0):
                flows.append((term, flow))
    gross = sum((np.abs(f) for _, f in flows), np.zeros(_STATES))
    net = sum((f for _, f in flows), np.zeros(_STATES))
    if np.all(np.abs(net) <= 1e-9 * gross):
        return []
    left = list(flows)
    for one in flows:  # what cancels in pairs is not at fault
        for other in left:
            balanced = np.all(np.abs(one[1] + other[1]) <= 1e-9 * np.abs(one[1]))
            if other is not one and balanced and any(f is one for f in left):
                left = [f for f in left if f is not one and f is not other]
                break
    return [term for term, _ in left]
