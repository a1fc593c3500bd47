# SPDX-License-Identifier: LGPL-3.0-or-later
"""Instants written into formulas, such as the t0 of ``step(t - t0)``: time steps must end there."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Iterator

import numpy as np

from .evaluation import Evaluation
from .expression import Expression, comparisons, evaluate
from .network import Network


def instants(network: Network) -> tuple[float, ...]:
    """Times after 0 (day, ascending) at which a ``step`` or a comparison of the time jumps.

    Only where the argument is linear in t and the rest of it is one number for the sample.
    """
    structure, constants = network.structure, network.constants

    def plain(node: ast.expr) -> bool:
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        names -= {
            c.func.id for c in ast.walk(node) if isinstance(c, ast.Call) and isinstance(c.func, ast.Name)
        }
        base = frozenset().union(*(structure.uses.get(n, frozenset()) for n in names))
        return "t" in base and base <= {*constants, "t"}

    def value(node: ast.expr, t: float) -> float:
        with np.errstate(all="ignore"):
            return float(evaluate(node, Evaluation(network.definitions, constants | {"t": t})))

    found = set()
    for e in _formulas(network):
        for node in _jumping(e.tree):
            if plain(node):
                a, b, c = (value(node, t) for t in (0.0, 1.0, 2.0))
                slope = b - a
                if slope and abs((c - b) - slope) < 1e-9 * (abs(a) + abs(b) + abs(c)) and -a / slope > 0:
                    found.add(-a / slope)
    return tuple(sorted(t for t in found if math.isfinite(t)))


def _formulas(network: Network) -> Iterable[Expression]:
    m = network.model
    for p in m.populations.values():
        yield from (term.expression for term in p.terms)
    yield from network.definitions.values()
    yield from (event.when for event in m.events.values())


def _jumping(tree: ast.AST) -> Iterator[ast.expr]:
    """What is compared with 0."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "step":
            yield node.args[0]
        elif isinstance(node, ast.Compare):
            for _, a, b in comparisons(node):
                yield ast.BinOp(a, ast.Sub(), b)
