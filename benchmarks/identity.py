# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which equations a workload has, told by their numbers: what is kept on disk outlives changes of text."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osteofield.cbuild import cache_folder
from osteofield.tissue import Tissue

from .semidiscrete import Semidiscrete

if TYPE_CHECKING:
    from .workload import Workload

SAME = 1e-9  # relative; compilers and the order of sums change less


def path_of(kind: str, workload: Workload, suffix: str = "") -> Path:
    """Where something that belongs to a mesh, a model and output times is kept."""
    about = f"{workload.network.name} {workload.sample.hash} {workload.times}"
    key = hashlib.sha256(about.encode()).hexdigest()[:16]
    return cache_folder() / "benchmarks" / f"{kind}-{key}{suffix}.npz"


def signature(tissue: Tissue) -> np.ndarray:
    """Root mean square of the rate of every population, marrow then surface, in a made-up state.

    Every population varies from point to point between half and one and a half times its scale, so that
    formulas, parameters, diffusivities and the mesh all show.

    Returns:
        (populations,) per day.
    """
    system, problem = Semidiscrete(tissue.problem), tissue.problem
    widths, layout = problem.marrow_width, tissue.layout
    y = system.spread(problem.scale[:widths], problem.scale[widths:])
    for part, numbers in (
        (system.marrow(y), layout.owned),
        (system.surface(y), layout.owned_surface),
    ):
        waves = np.sqrt(2.0 + np.arange(part.shape[1]))
        part *= 1.0 + 0.5 * np.sin(np.multiply.outer(numbers + 1.0, waves))
    fields, problem.surface.g[:] = problem.surface.g.copy(), 1.0
    rates = np.zeros(system.size)
    system.rate(0.0, y, rates)
    problem.surface.g[:] = fields
    parts = [system.marrow(rates), system.surface(rates)]
    return np.concatenate([np.sqrt((p**2).mean(axis=0)) for p in parts if p.size])


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two signatures are those of the same equations on the same mesh."""
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=SAME, atol=0.0))
