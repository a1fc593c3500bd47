# SPDX-License-Identifier: LGPL-3.0-or-later
"""The budget of a run: where every molecule and cell came from and where it went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..integrator import System
from ..tissue import Tissue
from .ledger import Ledger
from .measures import AMOUNT, MM2, MM3, SLICE

Row = dict[str, str | float]

_BOUNDARY = ("through open faces", "from a face")


def budget_rows(tissue: Tissue, system: System, ledger: Ledger, t: float, y: np.ndarray) -> list[Row]:
    """Collective: rows of ``budget.csv``.

    Per population: the amount at the beginning, every rate term integrated over time and sample (a gain
    is positive), what crossed the faces, what events put in or took, the amount at the end, and what of
    the change none of these explains (``residual``, last column relative to the turnover). Shares that
    are bound stand below: they are parts of the amount at the end.

    Args:
        tissue, system: The sample.
        ledger: What flowed.
        t: day.
        y: State at the end.
    """
    end = system.reduce(system.totals(y))
    start, turnover = ledger.amounts
    jumped, names = ledger.jumped, list(tissue.names)
    flows = list(zip(ledger.names_of_flows, ledger.integral, strict=True))
    bound = _bound(tissue, system, t, y)
    rows: list[Row] = []
    for k, name in enumerate(names):
        unit, size = _size(tissue, k)
        entries = [("start", "at the beginning", start[k])]
        explained = jumped[k]
        for (population, what), value in flows:
            if population != name or (what in _BOUNDARY and value == 0.0):
                continue
            explained += value
            kind = "boundary" if what in _BOUNDARY else "gain" if value > 0 else "loss"
            entries.append((kind if value else "none", what, value))
        if jumped[k]:
            entries.append(("event", "events and clearing", jumped[k]))
        entries.append(("end", "at the end", end[k]))
        entries.append(("residual", "explained by nothing", end[k] - start[k] - explained))
        entries += [("part of the end", what, value) for what, value in bound.get(name, [])]
        whole = turnover[k] if turnover[k] > 0 else np.inf
        rows += [
            {"population": name, "kind": kind, "what": what, "amount": float(v * size), "unit": unit,
             "share of turnover": float(v / whole)}
            for kind, what, v in entries
        ]  # fmt: skip
    return rows


def closure(rows: Sequence[Row]) -> str:
    """One line on how well the budget closes."""
    residuals = {str(r["population"]): float(r["share of turnover"]) for r in rows if r["kind"] == "residual"}
    if not any(residuals.values()):
        return "budget: closed to the last digit"
    worst = max(residuals, key=lambda n: abs(residuals[n]))
    return (
        f"budget: of the turnover of every population all but {abs(residuals[worst]):.1e} is explained "
        f"({worst} closes worst)"
    )


def _size(tissue: Tissue, k: int) -> tuple[str, float]:
    """Unit of the amounts of a population, and an internal amount in it."""
    network, sample = tissue.network, tissue.sample
    thick = SLICE if sample.dimension == 2 else 1.0
    p = network.populations[k]
    if k < len(network.marrow):
        return AMOUNT.get(p.unit, f"{p.unit} mm^3"), thick * MM3 / p.factor
    if p.name == network.roles.depth or p.unit == "um":
        return "mm^3", thick * MM3
    if p.unit in AMOUNT and sample.sigma0 > 0:
        return AMOUNT[p.unit], thick * MM3 / p.factor / sample.sigma0
    return f"{p.unit} mm^2", thick * MM2 / p.factor


def _bound(tissue: Tissue, system: System, t: float, y: np.ndarray) -> dict[str, list[tuple[str, float]]]:
    """Collective: of every population the amounts that quantities of the model call part of it."""
    out: dict[str, list[tuple[str, float]]] = {}
    p = system.problem
    for q in tissue.network.model.quantities.values():
        if q.part_of is None:
            continue
        total = np.zeros(1)
        for points in (p.inside, p.surface):
            if len(points.node):
                ys = system.surface(y) if points is p.surface else None
                values = points.kernel.quantity(
                    q.name, t, points.node, system.marrow(y), ys, points.a, points.g, p.position
                )
                total += values @ p.volumes[points.node]
        out.setdefault(q.part_of, []).append((q.meaning, float(system.reduce(total)[0])))
    return out
