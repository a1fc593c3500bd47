# SPDX-License-Identifier: LGPL-3.0-or-later
"""Columns of ``history.csv`` that the model derives from its populations, such as Oc.S/BS."""

from __future__ import annotations

import numpy as np

from ..integrator import System
from ..tissue import Tissue


def derived_columns(tissue: Tissue, system: System, t: float, y: np.ndarray) -> dict[str, float]:
    """Collective: the mean of every quantity that the model file gives a ``column``, the same on every rank.

    Over the bone surface by lumped areas where it contains something that lives there, else over the
    marrow by lumped volumes; 0 where there is no such place.

    Args:
        tissue, system: The sample.
        t: day.
        y: State.
    """
    network, problem = tissue.network, system.problem
    out: dict[str, float] = {}
    for q in network.model.quantities.values():
        if not q.column:
            continue
        on_surface = q.name in network.structure.surface
        total = np.zeros(2)
        for points in (problem.surface,) if on_surface else (problem.inside, problem.surface):
            if not len(points.node):
                continue
            ys = system.surface(y) if points is problem.surface else None
            values = points.kernel.quantity(
                q.name, t, points.node, system.marrow(y), ys, points.a, points.g, problem.position
            )
            weight = points.weight if on_surface else problem.volumes[points.node]
            total += values @ weight, weight.sum()
        total = system.reduce(total)
        unit, factor = (str(q.unit), q.unit.factor) if q.unit else ("1", 1.0)
        out[f"{q.column} [{unit}]"] = float(total[0] / total[1]) / factor if total[1] > 0 else 0.0
    return out
