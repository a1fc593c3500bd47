# SPDX-License-Identifier: LGPL-3.0-or-later
"""The marrow of a sample as a distributed DOLFINx mesh, and its scalar stiffness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import Sample
from ..parallel import load_fem

if TYPE_CHECKING:
    from mpi4py import MPI
    from petsc4py import PETSc


@dataclass(frozen=True)
class MarrowMesh:
    """P1 finite elements on the marrow.

    Attributes:
        comm: Communicator.
        vertices: Sample point of every marrow vertex, ascending: the numbering of marrow fields.
        owned: Position in `vertices` of every row owned by this rank.
        stiffness: Assembled scalar matrix of (grad u, grad v) over the marrow.
        cells: Marrow cells over all ranks.
        space: The P1 function space; its mesh must outlive the stiffness.
    """

    comm: MPI.Comm
    vertices: np.ndarray
    owned: np.ndarray
    stiffness: PETSc.Mat
    cells: int
    space: object


def marrow_mesh(sample: Sample, comm: MPI.Comm) -> MarrowMesh:
    """Collective: distribute the marrow cells and assemble the stiffness.

    Every rank has the whole sample for now; each keeps the cells that recursive bisection gives it.
    """
    load_fem()
    import basix.ufl
    import ufl
    from dolfinx import fem, graph, mesh
    from dolfinx.fem import petsc as fem_petsc

    d = sample.dimension
    vertices, cells = _used(sample.marrow, len(sample.points))
    points = sample.points[vertices]
    mine = np.flatnonzero(_bisect(points, cells, comm.size) == comm.rank)
    chunk = np.array_split(np.arange(len(vertices)), comm.size)[comm.rank]
    element = basix.ufl.element("Lagrange", "tetrahedron" if d == 3 else "triangle", 1, shape=(d,))

    def keep(*_: object) -> object:  # every rank keeps what it brings
        n = len(mine)
        destinations = graph.adjacencylist(np.full(n, comm.rank, np.int32), np.arange(n + 1, dtype=np.int32))
        return destinations._cpp_object

    domain = mesh.create_mesh(
        comm, np.ascontiguousarray(cells[mine]), ufl.Mesh(element), np.ascontiguousarray(points[chunk]), keep
    )
    V = fem.functionspace(domain, ("Lagrange", 1))
    u, v = ufl.TrialFunction(V), ufl.TestFunction(V)
    stiffness = fem_petsc.assemble_matrix(fem.form(ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx))
    stiffness.assemble()
    index = V.dofmap.index_map
    position = np.full(index.size_local + index.num_ghosts, -1, np.int64)
    geometry = domain.geometry
    dofmaps = getattr(geometry, "dofmaps", None)  # none, a method, or a sequence, by version of DOLFINx
    dofs = geometry.dofmap if dofmaps is None else dofmaps(0) if callable(dofmaps) else dofmaps[0]
    position[V.dofmap.list.ravel()] = geometry.input_global_indices[np.asarray(dofs).ravel()]
    return MarrowMesh(comm, vertices, position[: index.size_local], stiffness, len(cells), V)


def _used(cells: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices that occur in cells, ascending, and the cells renumbered to them."""
    used = np.zeros(points, bool)
    used[cells.ravel()] = True
    vertices = np.flatnonzero(used)
    renumber = np.cumsum(used) - 1
    return vertices, renumber[cells]


def _bisect(points: np.ndarray, cells: np.ndarray, parts: int) -> np.ndarray:
    """Part of every cell by recursive coordinate bisection of cell midpoints (deterministic)."""
    part = np.zeros(len(cells), np.int32)
    if parts == 1:
        return part
    middle = points[cells].mean(axis=1)
    stack = [(np.arange(len(cells)), 0, parts)]
    while stack:
        ids, first, count = stack.pop()
        if count == 1:
            part[ids] = first
            continue
        low = count // 2
        axis = int(np.ptp(middle[ids], axis=0).argmax()) if len(ids) else 0
        order = ids[np.argsort(middle[ids, axis], kind="stable")]
        split = len(order) * low // count
        stack += [(order[:split], first, low), (order[split:], first + low, count - low)]
    return part
