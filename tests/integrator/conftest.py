# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small problems with hand-written kinetics, on the unit square and at a single point."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from osteofield.integrator import Halo, LocalMatrix, Points, Problem
from osteofield.parallel import load_fem, world

NONE = np.zeros(0)
END = 2.0
START = np.array([2.0, 0.5, 3.0])


def reference(system, times):
    """``(n, size)`` from `START` at 0 by an explicit method of order 8, at tolerances of round-off."""

    def rate(t, y):
        out = system.vector()
        system.rate(t, np.ascontiguousarray(y), out)
        return out

    done = solve_ivp(rate, (0.0, END), START, "DOP853", times, rtol=1e-13, atol=1e-14)
    assert done.success
    return done.y.T


class Cubic:
    """u' = 1 - 2 u w + a q, w' = b (u - w) (local), on the surface q' = u - q."""

    widths = (1, 2, 1)
    b, loss = 1.0, 2.0

    def __init__(self, on_surface: bool):
        self.on_surface = on_surface
        pairs = [(0, 0), (0, 1), (1, 0), (1, 1)]
        if on_surface:
            pairs = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (2, 2)]
        self.jac_rows = np.array([p[0] for p in pairs], np.int32)
        self.jac_cols = np.array([p[1] for p in pairs], np.int32)

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


class Driven(Cubic):
    """`Cubic` with 3 sin(4 t) u added to u' and t^2 to w'."""

    def rates(self, t, node, ym, ys, a, g, x, fm, fs):
        super().rates(t, node, ym, ys, a, g, x, fm, fs)
        fm[node, 0] += 3.0 * np.sin(4.0 * t) * ym[node, 0]
        fm[node, 1] += t * t

    def jacobian(self, t, node, ym, ys, a, g, x, J):
        super().jacobian(t, node, ym, ys, a, g, x, J)
        J[:, 0] += 3.0 * np.sin(4.0 * t)

    def dfdt(self, t, node, ym, ys, a, g, x, fm, fs):
        fm[node, 0] = 12.0 * np.cos(4.0 * t) * ym[node, 0]
        fm[node, 1] = 2.0 * t
        if fs is not None:
            fs[:] = 0.0


class Constant(Cubic):
    """u' = 0, w' = -1, q' = 0: w runs out."""

    loss, b = 0.0, 0.0

    def rates(self, t, node, ym, ys, a, g, x, fm, fs):
        fm[node, 0], fm[node, 1] = 0.0, -1.0
        if fs is not None:
            fs[:] = 0.0

    def jacobian(self, t, node, ym, ys, a, g, x, J):
        J[:] = 0.0


def linear(inside: np.ndarray, surface: np.ndarray, diffusing: int) -> type:
    """Kernel class with y' = J y: one dense J for marrow points, one for surface points (a not used)."""

    class Linear:
        widths = (diffusing, len(inside), len(surface) - len(inside))

        def __init__(self, on_surface: bool):
            self.matrix = surface if on_surface else inside
            n = len(self.matrix)
            rows, cols = np.divmod(np.arange(n * n), n)
            self.jac_rows, self.jac_cols = rows.astype(np.int32), cols.astype(np.int32)
            self.on_surface = on_surface

        def rates(self, t, node, ym, ys, a, g, x, fm, fs):
            y = np.concatenate([ym[node], ys], axis=1) if self.on_surface else ym[node]
            f = y @ self.matrix.T
            fm[node] = f[:, : len(inside)]
            if self.on_surface:
                fs[:] = f[:, len(inside) :]

        def jacobian(self, t, node, ym, ys, a, g, x, J):
            J[:] = self.matrix.ravel()

    return Linear


def _points(kernel: type, on_surface: bool, node: np.ndarray, a: np.ndarray, weight: np.ndarray) -> Points:
    return Points(kernel(on_surface), node.astype(np.int32), a, np.zeros((len(node), 0)), weight)


def square(
    n: int,
    kernel: type = Cubic,
    diffusivity: float | np.ndarray = 0.3,
    *,
    comm=None,
    exchange: float | None = None,
    far: float = 0.0,
    stretch: float = 1.0,
) -> Problem:
    """P1 on the unit square; its left edge is bone surface; all edges are open if `exchange` is given.

    Cells are `stretch` times as long as wide in every other column.
    """
    load_fem()
    import ufl
    from dolfinx import fem, mesh
    from dolfinx.fem import petsc as fem_petsc
    from dolfinx.la import InsertMode

    comm = comm or world()
    domain = mesh.create_unit_square(comm, n, n)
    x = domain.geometry.x[:, 0]
    column = np.floor(x * n + 1e-9)
    x[:] = (np.ceil(column / 2) + np.floor(column / 2) / stretch) / (
        np.ceil(n / 2) + np.floor(n / 2) / stretch
    )
    V = fem.functionspace(domain, ("Lagrange", 1))
    u, v = ufl.TrialFunction(V), ufl.TestFunction(V)
    K = fem_petsc.assemble_matrix(fem.form(ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx))
    K.assemble()
    facets = mesh.locate_entities_boundary(domain, 1, lambda x: np.isclose(x[0], 0.0))
    tags = mesh.meshtags(domain, 1, np.sort(facets), np.ones(len(facets), np.int32))
    ds = ufl.Measure("ds", domain=domain, subdomain_data=tags)

    def vector(form):
        b = fem.assemble_vector(fem.form(form))
        b.scatter_reverse(InsertMode.add)
        return b.array[: V.dofmap.index_map.size_local].copy()

    volumes, areas, outer = vector(v * ufl.dx), vector(v * ds(1)), vector(v * ufl.ds)
    rows, inside = np.flatnonzero(areas > 0), np.flatnonzero(areas == 0)
    nd, nm, ns = kernel.widths
    open_rows = np.flatnonzero(outer > 0) if exchange is not None else np.zeros(0, np.int64)
    return Problem(
        comm=comm, diffusing=nd, marrow_width=nm, surface_width=ns,
        local=LocalMatrix.from_petsc(K, comm), diffusivity=np.broadcast_to(diffusivity, (nd,)).astype(float),
        volumes=volumes,
        inside=_points(kernel, False, inside, np.zeros(len(inside)), np.zeros(len(inside))),
        surface=_points(kernel, True, rows, areas[rows] / volumes[rows], areas[rows]),
        position=None, open_rows=open_rows, open_area=outer[open_rows],
        exchange=np.full(nd, exchange or 0.0), far=np.full(nd, far),
        scale=np.ones(nm + ns), signed=np.zeros(nm + ns, bool),
        explicit_time=hasattr(kernel, "dfdt"), keep=V,
    )  # fmt: skip


def single(kernel: type = Cubic) -> Problem:
    """One surface point without space, a = 1."""
    comm = world()
    halo = Halo(np.zeros(0, np.int64), (0, 1), comm)
    nd, nm, ns = kernel.widths
    return Problem(
        comm=comm, diffusing=nd, marrow_width=nm, surface_width=ns,
        local=LocalMatrix(np.zeros(2, np.int32), np.zeros(0, np.int32), NONE, halo),
        diffusivity=np.zeros(nd), volumes=np.ones(1),
        inside=_points(kernel, False, np.zeros(0, np.int32), NONE, NONE),
        surface=_points(kernel, True, np.zeros(1, np.int32), np.ones(1), np.ones(1)),
        position=None, open_rows=np.zeros(0, np.int64), open_area=NONE,
        exchange=np.zeros(nd), far=np.zeros(nd),
        scale=np.ones(nm + ns), signed=np.zeros(nm + ns, bool), explicit_time=hasattr(kernel, "dfdt"),
    )  # fmt: skip


@pytest.fixture(scope="session")
def problems() -> SimpleNamespace:
    """The kernels, and where to put one: ``problems.square(...)``, ``problems.single(...)``."""
    return SimpleNamespace(
        square=square, single=single, linear=linear, Cubic=Cubic, Driven=Driven, Constant=Constant
    )


@pytest.fixture
def jacobian() -> Callable[..., np.ndarray]:
    """``jacobian(system, y, t=0)``: the dense d(rate)/d(state) of a system by central differences."""

    def dense(system, y, t=0.0, step=1e-6):
        columns = []
        for k in range(system.size):
            e = np.zeros(system.size)
            e[k] = step
            up, down = system.vector(), system.vector()
            system.rate(t, y + e, up)
            system.rate(t, y - e, down)
            columns.append((up - down) / (2 * step))
        return np.array(columns).T

    return dense
