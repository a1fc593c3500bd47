# SPDX-License-Identifier: LGPL-3.0-or-later
"""Reference solutions: CVODE at tight tolerances, which shares no time integration with osteofield."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from osteofield.cbuild import cache_folder

from . import cvode
from .error import Solution
from .workload import Start, Workload

TOLERANCE = 1e-8  # of every population's scale, and relative
SETTINGS = {
    "tolerance": TOLERANCE, "relative": 1.0, "order": 5, "krylov": "gmres", "krylov_dim": 20,
    "product": "exact", "side": "left",
}  # fmt: skip


def path_of(workload: Workload) -> Path:
    """Where the reference of a workload is kept."""
    return cache_folder() / "benchmarks" / f"reference-{workload.hash}-{TOLERANCE:g}.npz"


def make(workload: Workload, start: Start, log: Callable[[str], None] = lambda line: None) -> Path:
    """Compute the reference unless it is there already."""
    path = path_of(workload)
    if path.exists():
        return path
    log(f"reference of {workload.title}: CVODE at tolerance {TOLERANCE:g} ...")
    found = cvode.run(workload, start, SETTINGS, scales(workload))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    np.savez(part, marrow=found.solution.marrow, surface=found.solution.surface)
    os.replace(part, path)
    log(f"... {found.cpu:.1f} CPU s, {found.facts['right sides']} right sides: {path}")
    return path


def load(path: Path) -> Solution:
    """Read a reference."""
    with np.load(path) as f:
        return Solution(f["marrow"], f["surface"])


def magnitudes(workload: Workload, reference: Solution, volumes: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Largest root mean square of every population over the output times, marrow then surface."""
    parts = []
    for values, weights in ((reference.marrow, volumes), (reference.surface, areas)):
        if values.size:
            mean = np.einsum("i,tip->tp", weights, values**2) / weights.sum()
            parts.append(np.sqrt(mean).max(axis=0))
    return np.maximum(np.concatenate(parts), 1e-3 * scales(workload))


def scales(workload: Workload) -> np.ndarray:
    """Typical magnitude of every population by its model, marrow then surface."""
    return np.array([p.scale for p in (*workload.network.marrow, *workload.network.surface)])
