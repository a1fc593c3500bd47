# SPDX-License-Identifier: LGPL-3.0-or-later
"""CVODE (SUNDIALS): BDF, Newton, matrix-free Krylov solver with our preconditioner."""

from __future__ import annotations

import importlib.util

import numpy as np

from .elimination import Elimination
from .method import Clock, Failed, Method, Run, Settings
from .semidiscrete import Semidiscrete
from .workload import Start, Workload, collect, place


class _Callbacks:
    """Functions that CVODE calls."""

    def __init__(self, system: Semidiscrete):
        self._system = system
        self._elimination = Elimination(system)
        self._lagged, self._present = system.jacobian_store(), system.jacobian_store()
        self.counts = {"right sides": 0, "set-ups": 0, "preconditioner solves": 0, "products": 0}

    def rate(self, t: float, y: np.ndarray, out: np.ndarray) -> None:
        self.counts["right sides"] += 1
        self._system.rate(t, y, out)

    def prepare(
        self, t: float, y: np.ndarray, f: np.ndarray, jok: bool, jnew: list[int], gamma: float
    ) -> None:
        self.counts["set-ups"] += 1
        jnew[0] = 0 if jok else 1
        if not jok:
            self._system.jacobian(t, y, self._lagged)
        self._elimination.prepare(self._lagged, 1.0 / gamma)

    def solve(
        self,
        t: float,
        y: np.ndarray,
        f: np.ndarray,
        r: np.ndarray,
        z: np.ndarray,
        gamma: float,
        delta: float,
        lr: int,
    ) -> None:
        self.counts["preconditioner solves"] += 1
        self._elimination.solve(r, z)

    def differentiate(self, t: float, y: np.ndarray, f: np.ndarray) -> None:
        self._system.jacobian(t, y, self._present)

    def product(self, t: float, y: np.ndarray, f: np.ndarray, v: np.ndarray, out: np.ndarray) -> None:
        self.counts["products"] += 1
        self._system.product(self._present, v, out)

    def lagged_product(self, t: float, y: np.ndarray, f: np.ndarray, v: np.ndarray, out: np.ndarray) -> None:
        self.counts["products"] += 1
        self._system.product(self._lagged, v, out)


def run(workload: Workload, start: Start, settings: Settings, sizes: np.ndarray) -> Run:
    """Integrate with absolute tolerances ``tolerance * size`` of every population.

    Raises:
        Failed: CVODE gave up.
    """
    from sksundae.cvode import CVODE, CVODEJacTimes, CVODEPrecond

    clock = Clock()
    tissue = workload.tissue()
    system = Semidiscrete(tissue.problem)
    y = place(start, tissue, system)
    calls = _Callbacks(system)
    tolerance, widths = float(settings["tolerance"]), tissue.problem.marrow_width
    jactimes = {
        "exact": CVODEJacTimes(calls.differentiate, calls.product),
        "lagged": CVODEJacTimes(None, calls.lagged_product),
        "difference": None,
    }[settings["product"]]
    solver = CVODE(
        calls.rate,
        method="BDF",
        rtol=max(tolerance * settings["relative"], 1e-14),
        atol=tolerance * system.spread(sizes[:widths], sizes[widths:]),
        linsolver=settings["krylov"],
        krylov_dim=settings["krylov_dim"],
        max_order=settings["order"],
        max_num_steps=1_000_000,
        precond=CVODEPrecond(calls.prepare, calls.solve, settings["side"]),
        jactimes=jactimes,
    )
    setup = clock()
    found = solver.solve(np.array([0.0, *workload.times]), y)
    cpu = clock()
    if not found.success or len(found.t) != len(workload.times) + 1:
        raise Failed(str(found.message))
    return Run(collect(list(found.y[1:]), tissue, system), cpu, setup, calls.counts)


def missing() -> str | None:
    """How to install it, unless it is there."""
    if importlib.util.find_spec("sksundae"):
        return None
    return (
        "CVODE is missing (no module named 'sksundae'); install it with 'pip install scikit-sundae', or with "
        "'pip install osteofield[bench]'."
    )


METHOD = Method(
    "cvode",
    "CVODE with our preconditioner",
    run,
    {
        "order": (5, 4, 3),
        "krylov_dim": (10, 5, 20),
        "product": ("exact", "lagged", "difference"),
        "relative": (0.0, 1.0),
        "side": ("left", "right"),
        "krylov": ("gmres", "bicgstab", "tfqmr"),
    },
    tolerance=2e-5,
    work="preconditioner solves",
    scaling=("krylov_dim", "product"),
    missing=missing,
)
