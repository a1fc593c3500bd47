# SPDX-License-Identifier: LGPL-3.0-or-later
"""Problem W as plain UFL with PETSc TS: what a good user of DOLFINx writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from osteofield.geometry import Sample
from osteofield.parallel import load_fem

from ..error import Solution
from ..method import Clock, Method, Run, Settings
from ..petsc_ts import PRECONDITIONERS, options, solve, stepper
from ..workload import Start, Workload

if TYPE_CHECKING:
    from petsc4py import PETSc

DIFFUSIVITIES = (0.9e6, 0.5e6, 0.4e6, 1.7e6)  # um^2/day
FIELDS = 8


class _Forms:
    """Residual ``M u' - f(u)`` of problem W and its Jacobian, eight fields in one blocked P1 space."""

    def __init__(self, sample: Sample):
        load_fem()
        import basix.ufl
        import dolfinx.fem.petsc as fem_petsc
        import ufl
        from dolfinx import default_scalar_type, fem, mesh
        from mpi4py import MPI

        coordinate = ufl.Mesh(basix.ufl.element("Lagrange", "tetrahedron", 1, shape=(3,)))
        domain = mesh.create_mesh(MPI.COMM_SELF, sample.marrow, coordinate, sample.points)
        V = fem.functionspace(domain, ("Lagrange", 1, (FIELDS,)))
        self.u, self._rate = fem.Function(V), fem.Function(V)
        self._shift = fem.Constant(domain, default_scalar_type(1.0))
        v, du = ufl.TestFunction(V), ufl.TrialFunction(V)
        R, O, C, T, OC, OB, M, B = ufl.split(self.u)  # noqa: E741
        bind = 1000 * R * O - 100 * C
        hT, hB, hR, gB = T / (0.5 + T), B**2 / (0.04 + B**2), R**2 / (0.01 + R**2), B / (0.1 + B)
        rates = (
            -bind - 10 * R + 20 * OB * (0.2 + hT),
            -bind - 5 * O + 10 * OB * (1 - 0.8 * hT),
            bind - 5 * C,
            40 * M * hB - 20 * T,
            2 * hR * (1 + 2 * hT) * (1 - OC) - 0.5 * OC,
            0.3 * OB * (1 - OB) - 0.5 * OB * hT + 0.2 * OC * (1 - OB),
            5 * gB * (1 + hT) * (1 - M) - 0.5 * M + 0.05,
            2 * B * (1 - B) - 3 * M * B,
        )
        lumped = ufl.dx(metadata={"quadrature_rule": "vertex", "quadrature_degree": 1})
        mass = ufl.inner(self._rate, v) * lumped
        rest = -ufl.inner(ufl.as_vector(rates), v) * lumped
        for p, d in enumerate(DIFFUSIVITIES):
            rest += d * ufl.inner(ufl.grad(self.u[p]), ufl.grad(v[p])) * ufl.dx
        self._residual = fem.form(mass + rest)
        self._jacobian = fem.form(self._shift * ufl.inner(du, v) * lumped + ufl.derivative(rest, self.u, du))
        self._petsc = fem_petsc
        self.matrix = fem_petsc.create_matrix(self._jacobian)
        index = V.dofmap.index_map
        self.vertex = np.zeros(index.size_local, np.int64)  # sample point of every row
        self.vertex[V.dofmap.list.ravel()] = domain.geometry.input_global_indices[_dofs(domain).ravel()]

    def residual(self, ts: PETSc.TS, t: float, u: PETSc.Vec, du: PETSc.Vec, out: PETSc.Vec) -> None:
        self.u.x.array[:], self._rate.x.array[:] = u.array_r, du.array_r
        with out.localForm() as local:
            local.set(0.0)
        self._petsc.assemble_vector(out, self._residual)

    def jacobian(
        self, ts: PETSc.TS, t: float, u: PETSc.Vec, du: PETSc.Vec, shift: float, J: PETSc.Mat, P: PETSc.Mat
    ) -> None:
        self.u.x.array[:] = u.array_r
        self._shift.value = shift
        P.zeroEntries()
        self._petsc.assemble_matrix(P, self._jacobian)
        P.assemble()


def _dofs(domain: Any) -> np.ndarray:
    """Vertices of every cell, whatever the version of DOLFINx calls them."""
    geometry = domain.geometry
    dofmaps = getattr(geometry, "dofmaps", None)
    dofs = geometry.dofmap if dofmaps is None else dofmaps(0) if callable(dofmaps) else dofmaps[0]
    return np.asarray(dofs)


def run(workload: Workload, start: Start, settings: Settings, sizes: np.ndarray) -> Run:
    """Integrate; where ``settings["steps"]`` is given, only so many steps, and ``facts`` tells their cost."""
    load_fem()
    clock = Clock()
    forms = _Forms(workload.sample)
    u = forms.matrix.createVecRight()
    u.array_w = start.marrow[forms.vertex].ravel()
    atol = u.duplicate()
    atol.array_w = np.tile(settings["tolerance"] * sizes, len(forms.vertex))
    chosen = {
        "ts_rosw_type": settings["scheme"],
        "ts_adapt_type": "basic",
        "ksp_type": "gmres",
        "ksp_rtol": settings["ksp_rtol"],
        **PRECONDITIONERS[settings["preconditioner"]],
    }
    with options(chosen):
        ts = stepper("rosw", workload.times, atol, 0.0)
        ts.setIFunction(forms.residual, u.duplicate())
        ts.setIJacobian(forms.jacobian, forms.matrix, forms.matrix)
        ts.setFromOptions()
        setup = clock()
        if settings.get("steps"):
            ts.setMaxSteps(int(settings["steps"]))
            ts.solve(u)
            cpu = clock()
            facts = {"steps": ts.getStepNumber(), "iterations": ts.getKSPIterations(), "partial": True}
            return Run(Solution(np.zeros((0, 0, 0)), np.zeros((0, 0, 0))), cpu, setup, facts)
        found = solve(ts, u, len(workload.times))
    cpu = clock()
    marrow = np.zeros((len(found), len(forms.vertex), FIELDS))
    for k, state in enumerate(found):
        marrow[k, forms.vertex] = state.array_r.reshape(-1, FIELDS)
    facts = {
        "steps": ts.getStepNumber(), "rejected": ts.getStepRejections(), "iterations": ts.getKSPIterations(),
    }  # fmt: skip
    return Run(Solution(marrow, np.zeros((len(found), 0, 0))), cpu, setup, facts)


METHOD = Method(
    "ufl",
    "plain UFL and PETSc TS rosw",
    run,
    {"scheme": ("rodaspr",), "preconditioner": ("ilu", "sor"), "ksp_rtol": (1e-3, 1e-2)},
    tolerance=5e-4,
    work="iterations",
)
