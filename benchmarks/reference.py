# SPDX-License-Identifier: LGPL-3.0-or-later
"""Reference solutions: CVODE at tight tolerances, which shares no time integration with osteofield.

A reference is kept with the `benchmarks.identity.signature` of its equations and with the state it starts
from; it is computed again where either has changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from osteofield.tissue import Tissue

from . import cvode, identity
from .error import Solution, relative_errors
from .method import Settings
from .workload import Start, Workload, measures

SETTINGS = {
    "relative": 1.0, "order": 5, "krylov": "gmres", "krylov_dim": 20, "product": "exact", "side": "left",
}  # fmt: skip
LOOSER = 10.0  # times its tolerance: the solution that a reference is checked with

Log = Callable[[str], None]


def path_of(workload: Workload) -> Path:
    """Where the reference of a workload is kept."""
    return identity.path_of("reference", workload, f"-{workload.exactness:g}")


def make(workload: Workload, tissue: Tissue, start: Start, log: Log = lambda line: None) -> Path:
    """Compute the reference unless it is there already."""
    path = path_of(workload)
    about = {"signature": identity.signature(tissue), "start": _means(tissue, start)}
    if _is_there(path, about):
        return path
    log(f"reference of {workload.title}: CVODE at tolerance {workload.exactness:g} ...")
    found = cvode.run(workload, start, _settings(workload), scales(workload))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    solution, signature, mean = found.solution, about["signature"], about["start"]
    np.savez(part, marrow=solution.marrow, surface=solution.surface, signature=signature, start=mean)
    os.replace(part, path)
    log(f"... {found.cpu:.1f} CPU s, {found.facts['right sides']} right sides: {path}")
    return path


def doubt(workload: Workload, tissue: Tissue, start: Start) -> float:
    """Error of CVODE at `LOOSER` times the tolerance of the reference: more than that of the reference."""
    found = cvode.run(workload, start, _settings(workload, LOOSER), scales(workload))
    exact = load(path_of(workload))
    return float(relative_errors(found.solution, exact, *measures(tissue), workload.floor).max())


def load(path: Path | str) -> Solution:
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


def _settings(workload: Workload, looser: float = 1.0) -> Settings:
    return {**SETTINGS, "tolerance": looser * workload.exactness}


def _means(tissue: Tissue, start: Start) -> np.ndarray:
    """Mean square of every population at day 0 and of the fields that belong to it."""
    volumes, areas = measures(tissue)
    fields = np.zeros((0, 0)) if start.fields is None else start.fields
    parts = ((start.marrow, volumes), (start.surface, areas), (fields, areas[: len(fields)]))
    return np.concatenate([w @ (values**2) / w.sum() for values, w in parts if values.size])


def _is_there(path: Path, about: dict[str, np.ndarray]) -> bool:
    if not path.exists():
        return False
    with np.load(path) as kept:
        return all(key in kept and identity.same(kept[key], value) for key, value in about.items())
