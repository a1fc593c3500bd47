# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small problems with hand-written kinetics for the integrator's tests."""

from __future__ import annotations

import numpy as np

from osteofield.integrator import Halo, LocalMatrix, Points, Problem
from osteofield.parallel import load_fem


class Kernel:
    """u' = a - u w + s, w' = b (u - w) (w local), surface: q' = u - q, source a_i q into u."""

    def __init__(self, on_surface: bool, rate: float = 1.0, loss: float = 2.0):
        self.on_surface, self.b, self.loss = on_surface, rate, loss
        pairs = [(0, 0), (0, 1), (1, 0), (1, 1)]
        if on_surface:
            pairs = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (2, 2)]
        self.jac_rows = np.array([p[0] for p in pairs], np.int32)
        self.jac_cols = np.array([p[1] for p in pairs], np.int32)
        self.term_names = ()

    def rates(self, t, node, ym, ys, a, g, x, fm, fs):
        u, w = ym[node, 0], ym[node, 1]
        fm[node, 0] = 1.0 - self.loss * u * w
        fm[node, 1] = self.b * (u - w)
        if self.on_surface:
            fm[node, 0] += a * ys[:, 0]
            fs[:, 0] = u - ys[:, 0]

    def jacobian(self, t, node, ym, ys, a, g, x, J):
        u, w = ym[node, 0], ym[node, 1]
        columns = [-self.loss * w, -self.loss * u]
        if self.on_surface:
            columns.append(a)
        columns += [np.full(len(u), self.b), np.full(len(u), -self.b)]
        if self.on_surface:
            columns += [np.ones(len(u)), np.full(len(u), -1.0)]
        J[:] = np.stack(columns, axis=1)


def square(n: int, comm, kernel: type = Kernel, diffusivity: float = 0.3, **options) -> tuple[Problem, np.ndarray]:
    """P1 on the unit square; its left edge is bone surface. Returns the problem and coordinates."""
    load_fem()
    import ufl
    from dolfinx import fem, mesh
    from dolfinx.fem import petsc as fem_petsc

    domain = mesh.create_unit_square(comm, n, n)
    V = fem.functionspace(domain, ("Lagrange", 1))
    u, v = ufl.TrialFunction(V), ufl.TestFunction(V)
    K = fem_petsc.assemble_matrix(fem.form(ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx))
    K.assemble()
    facets = mesh.locate_entities_boundary(domain, 1, lambda x: np.isclose(x[0], 0.0))
    tags = mesh.meshtags(domain, 1, np.sort(facets), np.ones(len(facets), np.int32))
    ds = ufl.Measure("ds", domain=domain, subdomain_data=tags)

    def vector(form):
        b = fem.assemble_vector(fem.form(form))
        from dolfinx.la import InsertMode

        b.scatter_reverse(InsertMode.add)
        return b.array[: V.dofmap.index_map.size_local].copy()

    volumes, areas = vector(v * ufl.dx), vector(v * ds(1))
    rows = np.flatnonzero(areas > 0).astype(np.int32)
    inside = np.flatnonzero(areas == 0).astype(np.int32)
    none = np.zeros(0)
    problem = Problem(
        comm=comm, diffusing=1, marrow_width=2, surface_width=1, stiffness=K,
        local=LocalMatrix.from_petsc(K, comm), diffusivity=np.array([diffusivity]), volumes=volumes,
        inside=Points(kernel(False, **options), inside, np.zeros(len(inside)), np.zeros((len(inside), 0)), np.zeros(len(inside))),
        surface=Points(kernel(True, **options), rows, areas[rows] / volumes[rows], np.zeros((len(rows), 0)), areas[rows]),
        position=None, open_rows=np.zeros(0, np.int64), open_area=none, exchange=np.zeros(1), far=np.zeros(1),
        scale=np.ones(3), signed=np.zeros(3, bool), keep=V,
    )  # fmt: skip
    return problem, V.tabulate_dof_coordinates()[: len(volumes)]


def single(comm, kernel: type = Kernel, **options) -> Problem:
    """One surface point without space."""
    local = LocalMatrix(np.zeros(2, np.int32), np.zeros(0, np.int32), np.zeros(0), Halo(np.zeros(0, np.int64), (0, 1), comm))
    return Problem(
        comm=comm, diffusing=1, marrow_width=2, surface_width=1, stiffness=None, local=local,
        diffusivity=np.zeros(1), volumes=np.ones(1),
        inside=Points(kernel(False, **options), np.zeros(0, np.int32), np.zeros(0), np.zeros((0, 0)), np.zeros(0)),
        surface=Points(kernel(True, **options), np.zeros(1, np.int32), np.ones(1), np.zeros((1, 0)), np.ones(1)),
        position=None, open_rows=np.zeros(0, np.int64), open_area=np.zeros(0), exchange=np.zeros(1), far=np.zeros(1),
        scale=np.ones(3), signed=np.zeros(3, bool),
    )  # fmt: skip
