# SPDX-License-Identifier: LGPL-3.0-or-later
"""PETSc TS, BDF or Rosenbrock, with one sparse matrix of all unknowns made by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from osteofield.parallel import load_fem

from .matrix import SparseMatrix
from .method import Clock, Failed, Method, Run, Settings
from .semidiscrete import Semidiscrete
from .workload import Start, Workload, collect, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from petsc4py import PETSc

FIRST_STEP = 1e-4  # day, as osteofield's


class _Callbacks:
    """``F = u' - f(t, u)`` and ``shift I - J``."""

    def __init__(self, system: Semidiscrete, matrix: SparseMatrix):
        self._system, self._matrix = system, matrix
        self._y, self._f = np.zeros(system.size), np.zeros(system.size)
        self._J = system.jacobian_store()
        self.jacobians = 0

    def residual(self, ts: PETSc.TS, t: float, u: PETSc.Vec, du: PETSc.Vec, out: PETSc.Vec) -> None:
        m = self._matrix
        self._system.rate(t, m.to_state(u.array_r, self._y), self._f)
        array = out.array_w
        m.to_matrix(self._f, array)
        np.subtract(du.array_r, array, out=array)

    def jacobian(
        self, ts: PETSc.TS, t: float, u: PETSc.Vec, du: PETSc.Vec, shift: float, J: PETSc.Mat, P: PETSc.Mat
    ) -> None:
        self.jacobians += 1
        self._system.jacobian(t, self._matrix.to_state(u.array_r, self._y), self._J)
        self._matrix.update(self._J, shift)


def runner(kind: str) -> Callable[[Workload, Start, Settings, np.ndarray], Run]:
    """``bdf`` or ``rosw`` as a function for a `Method`."""

    def run(workload: Workload, start: Start, settings: Settings, sizes: np.ndarray) -> Run:
        load_fem()
        clock = Clock()
        tissue = workload.tissue()
        system = Semidiscrete(tissue.problem)
        y = place(start, tissue, system)
        matrix = SparseMatrix(system, settings["pattern"] == "dense")
        calls = _Callbacks(system, matrix)
        u = matrix.matrix.createVecRight()
        matrix.to_matrix(y, u.array_w)
        widths = tissue.problem.marrow_width
        atol = u.duplicate()
        matrix.to_matrix(system.spread(sizes[:widths], sizes[widths:]), atol.array_w)
        atol.scale(float(settings["tolerance"]))
        with options(_options(kind, settings)):
            ts = stepper(kind, workload.times, atol, float(settings["tolerance"] * settings["relative"]))
            ts.setIFunction(calls.residual, u.duplicate())
            ts.setIJacobian(calls.jacobian, matrix.matrix, matrix.matrix)
            pc = ts.getSNES().getKSP().getPC()
            if settings["preconditioner"] == "split":
                _split(pc, matrix)
            ts.setFromOptions()
            setup = clock()
            found = solve(ts, u, len(workload.times))
            states = []
            for v in found:
                states.append(matrix.to_state(v.array_r, np.zeros(system.size)))
        cpu = clock()
        facts = {
            "steps": ts.getStepNumber(),
            "rejected": ts.getStepRejections(),
            "iterations": ts.getKSPIterations(),
            "right sides": system.calls,
            "matrices": calls.jacobians,
            "entries per row": round(len(matrix.values) / system.size, 1),
        }
        return Run(collect(states, tissue, system), cpu, setup, facts)

    return run


def stepper(kind: str, times: tuple[float, ...], atol: PETSc.Vec, rtol: float) -> PETSc.TS:
    """A TS of that kind that stops at the output times."""
    from petsc4py import PETSc

    ts = PETSc.TS().create(comm=atol.comm)
    ts.setProblemType(PETSc.TS.ProblemType.NONLINEAR)
    ts.setType(kind)
    ts.setTolerances(rtol=rtol, atol=atol)
    ts.setTime(0.0)
    ts.setTimeStep(FIRST_STEP)
    ts.setMaxTime(times[-1])
    ts.setMaxSteps(1_000_000)
    ts.setExactFinalTime(PETSc.TS.ExactFinalTime.MATCHSTEP)
    ts.setTimeSpan([0.0, *times])
    return ts


def solve(ts: PETSc.TS, u: PETSc.Vec, count: int) -> list[PETSc.Vec]:
    """Integrate; the states at the output times.

    Raises:
        Failed: TS gave up.
    """
    from petsc4py import PETSc

    try:
        ts.solve(u)
    except PETSc.Error as e:
        raise Failed(
            f"PETSc error {e.ierr} at day {ts.getTime():.4g} after {ts.getStepNumber()} steps"
        ) from None
    found = ts.getTimeSpanSolutions()[1:]
    if len(found) != count:
        raise Failed(f"TS ended at day {ts.getTime():.4g}: {ts.getConvergedReason()}")
    return found


@contextmanager
def options(values: dict[str, Any]) -> Iterator[None]:
    """Put values into PETSc's options and take them out again."""
    from petsc4py import PETSc

    database = PETSc.Options()
    for key, value in values.items():
        database[key] = value
    try:
        yield
    finally:
        for key in values:
            database.delValue(key)


PRECONDITIONERS: dict[str, dict[str, Any]] = {
    "ilu": {"pc_type": "ilu"},
    "ilu1": {"pc_type": "ilu", "pc_factor_levels": 1},
    "sor": {"pc_type": "sor"},
    "gamg": {
        "pc_type": "gamg",
        "pc_gamg_reuse_interpolation": True,
        "mg_levels_ksp_type": "richardson",
        "mg_levels_ksp_max_it": 1,
        "mg_levels_pc_type": "sor",
    },
    "split": {
        "pc_type": "fieldsplit",
        "pc_fieldsplit_type": "symmetric_multiplicative",
        "fieldsplit_local_ksp_type": "preonly",
        "fieldsplit_local_pc_type": "ilu",
        "fieldsplit_diffusing_ksp_type": "preonly",
        "fieldsplit_diffusing_pc_type": "gamg",
        "fieldsplit_diffusing_pc_gamg_reuse_interpolation": True,
        "fieldsplit_diffusing_mg_levels_ksp_type": "richardson",
        "fieldsplit_diffusing_mg_levels_ksp_max_it": 1,
        "fieldsplit_diffusing_mg_levels_pc_type": "sor",
    },
}


def _split(pc: PETSc.PC, matrix: SparseMatrix) -> None:
    from petsc4py import PETSc

    comm = matrix.matrix.comm
    nd = len(matrix.diffusing) * matrix.matrix.getBlockSize() // len(matrix.place) if matrix.uniform else 1
    parts = []
    for name, rows, width in (("local", matrix.local, 1), ("diffusing", matrix.diffusing, max(nd, 1))):
        part = PETSc.IS().createGeneral(rows.astype(np.int32), comm=comm)
        part.setBlockSize(width)
        parts.append((name, part))
    pc.setType("fieldsplit")
    pc.setFieldSplitIS(*parts)


def _options(kind: str, settings: Settings) -> dict[str, Any]:
    out = {
        "ts_adapt_type": "basic",
        "ts_adapt_wnormtype": "2",
        "ts_max_snes_failures": -1,
        "ksp_type": settings["krylov"],
        "ksp_rtol": settings["ksp_rtol"],
        "ksp_max_it": 500,
        **PRECONDITIONERS[settings["preconditioner"]],
    }
    if kind == "rosw":
        return {**out, "ts_rosw_type": settings["scheme"]}
    newton: dict[str, dict[str, Any]] = {
        "once": {"snes_type": "ksponly"},
        "full": {
            "snes_type": "newtonls",
            "snes_rtol": 1e-2,
            "snes_max_it": 4,
            "snes_linesearch_type": "basic",
        },
        "lagged": {
            "snes_type": "newtonls",
            "snes_rtol": 1e-2,
            "snes_max_it": 8,
            "snes_linesearch_type": "basic",
            "snes_lag_jacobian": 4,
            "snes_lag_jacobian_persists": True,
            "snes_lag_preconditioner": 4,
            "snes_lag_preconditioner_persists": True,
        },
    }
    return {**out, **newton[settings["newton"]], "ts_bdf_order": settings["order"]}


_LINEAR: dict[str, tuple[Any, ...]] = {
    "pattern": ("dense", "sparse"),
    "preconditioner": ("ilu", "gamg", "split", "ilu1", "sor"),
    "ksp_rtol": (1e-3, 1e-2, 1e-4),
    "krylov": ("gmres", "bcgs"),
    "relative": (0.0, 1.0),
}

BDF = Method(
    "petsc-bdf",
    "PETSc TS bdf, sparse matrix made by hand",
    runner("bdf"),
    {"order": (5, 4, 3), "newton": ("full", "once", "lagged"), **_LINEAR},
    tolerance=3e-5,
    work="iterations",
    scaling=("preconditioner", "pattern"),
)
ROSW = Method(
    "petsc-rosw",
    "PETSc TS rosw, sparse matrix made by hand",
    runner("rosw"),
    {"scheme": ("rodaspr", "rodaspr2", "ra34pw2", "r34prw"), **_LINEAR},
    tolerance=5e-4,
    work="iterations",
    scaling=("preconditioner", "pattern"),
)
