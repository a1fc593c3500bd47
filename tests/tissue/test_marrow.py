# SPDX-License-Identifier: LGPL-3.0-or-later
"""The distributed marrow mesh: partition, numbering, stiffness."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from osteofield.parallel import load_fem, world
from osteofield.tissue import lumped
from osteofield.tissue.marrow import _bisect, marrow_mesh


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 16])
def test_partition_is_balanced_and_deterministic(sample, parts):
    s = sample("sphere")
    part = _bisect(s.points, parts)
    counts = np.bincount(part, minlength=parts)
    assert len(counts) == parts
    assert counts.max() - counts.min() <= 2
    assert np.array_equal(part, _bisect(s.points, parts))


def test_partition_cuts_the_longest_side_first(sample):
    s = sample("sphere")  # 600 x 500 x 400 um
    part = _bisect(s.points, 2)
    x = s.points[:, 0]
    assert x[part == 0].max() <= x[part == 1].min()


def test_partition_of_fewer_vertices_than_parts():
    part = _bisect(np.array([[0.0, 0], [1, 0], [0, 1]]), 4)
    assert part.shape == (3,) and len(set(part)) == 3 and part.max() < 4


@pytest.mark.parametrize("name", ["sphere", "disc"])
def test_stiffness_is_that_of_dolfinx(sample, name):
    """Entry by entry, on a mesh cut along curved bone."""
    load_fem()
    import basix.ufl
    import ufl
    from dolfinx import fem, mesh
    from mpi4py import MPI

    s = sample(name)
    d = s.dimension
    m = marrow_mesh(s, MPI.COMM_SELF)
    place = np.full(len(s.points), -1)
    place[m.vertices] = np.arange(len(m.vertices))
    element = basix.ufl.element("Lagrange", "tetrahedron" if d == 3 else "triangle", 1, shape=(d,))
    domain = mesh.create_mesh(MPI.COMM_SELF, place[s.marrow], ufl.Mesh(element), s.points[m.vertices])
    V = fem.functionspace(domain, ("Lagrange", 1))
    u, v = ufl.TrialFunction(V), ufl.TestFunction(V)
    wanted = fem.assemble_matrix(fem.form(ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx)).to_dense()
    x = V.tabulate_dof_coordinates()[:, :d]
    near, row = cKDTree(x).query(s.points[m.vertices][m.owned])
    assert near.max() < 1e-9
    indptr, indices, values = m.stiffness.getValuesCSR()
    K = np.zeros_like(wanted)
    K[np.repeat(np.arange(len(row)), np.diff(indptr)), indices] = values
    assert np.abs(K - wanted[np.ix_(row, row)]).max() < 1e-12 * np.abs(K).max()


@pytest.mark.parametrize("name", ["sphere", "pore", "plate", "disc", "marrow"])
def test_mesh_and_stiffness(sample, name):
    s = sample(name)
    m = marrow_mesh(s, world())
    assert np.array_equal(m.vertices, np.unique(s.marrow))
    assert np.array_equal(np.sort(m.owned), np.arange(len(m.vertices)))
    assert m.cells == len(s.marrow)
    indptr, indices, values = m.stiffness.getValuesCSR()
    n = len(m.vertices)
    K = np.zeros((n, n))
    K[np.repeat(np.arange(n), np.diff(indptr)), indices] = values
    assert np.abs(K.sum(axis=1)).max() < 1e-9 * np.abs(K).max()
    assert np.abs(K - K.T).max() < 1e-9 * np.abs(K).max()
    # the energy of a linear field is its squared gradient times the volume: rows belong to `owned`
    x = s.points[m.vertices][m.owned]
    volume = lumped(s.points, s.marrow, len(s.points)).sum()
    for axis in range(s.dimension):
        assert x[:, axis] @ K @ x[:, axis] == pytest.approx(volume, rel=1e-9)
    assert abs(x[:, 0] @ K @ x[:, 1]) < 1e-9 * volume


OWNED = """
import numpy as np
from osteofield.parallel import world
comm = world()
from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import build_sample
from osteofield.integrator import LocalMatrix
from osteofield.tissue.marrow import marrow_mesh
from osteofield.tissue.gather import Gather

sphere = ShapeSpec("sphere", (600.0, 500.0, 400.0), radius=150.0)
plate = ShapeSpec("plate", (800.0, 500.0), thickness=250.0)
for shape in (sphere, plate):
    sample = build_sample(SampleSpec(shape=shape, cell_size=60.0))
    m = marrow_mesh(sample, comm)
    parts = comm.allgather(m.owned)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(m.vertices)))
    assert all(len(p) for p in parts)
    # K x of a known field, collected, is that of one rank: numbering, ghosts and halo are right
    local = LocalMatrix.from_petsc(m.stiffness, comm)
    field = np.sin(sample.points[m.vertices] @ np.arange(1, sample.dimension + 1) / 100.0)
    x = np.full((local.rows + local.halo.ghosts, 2), np.nan)
    x[: local.rows, 0], x[: local.rows, 1] = field[m.owned], -field[m.owned]
    local.halo(x)
    rows = np.repeat(np.arange(local.rows), np.diff(local.indptr))
    y = np.stack([np.bincount(rows, local.values * x[local.indices, k], local.rows) for k in (0, 1)], axis=1)
    gather = Gather(comm, m.owned, len(m.vertices))
    whole = gather(y)
    back = np.empty_like(y)
    gather.scatter(None if whole is None else lambda a, b: whole[a:b], back)
    assert np.array_equal(back, y)
    if comm.rank == 0:
        from mpi4py import MPI
        alone = marrow_mesh(sample, MPI.COMM_SELF)
        ip, ix, values = alone.stiffness.getValuesCSR()
        n = len(alone.vertices)
        y1 = np.zeros(n)
        rows = np.repeat(np.arange(n), np.diff(ip))
        y1[alone.owned] = np.bincount(rows, values * field[alone.owned][ix], n)
        assert np.abs(whole[:, 0] - y1).max() < 1e-11 * np.abs(y1).max()
        assert np.abs(whole[:, 1] + y1).max() < 1e-11 * np.abs(y1).max()
    else:
        assert whole is None
if comm.rank == 0:
    print("fine on", comm.size)
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_every_vertex_is_owned_once(run_mpi, ranks):
    assert f"fine on {ranks}" in run_mpi(ranks, OWNED)
