# SPDX-License-Identifier: LGPL-3.0-or-later
"""The distributed marrow mesh: partition, numbering, stiffness."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from osteofield.geometry import part_of
from osteofield.parallel import load_fem, world
from osteofield.team import ALONE
from osteofield.tissue import lumped
from osteofield.tissue.marrow import marrow_mesh


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
    piece = part_of(s, ALONE)
    m = marrow_mesh(piece, MPI.COMM_SELF)
    element = basix.ufl.element("Lagrange", "tetrahedron" if d == 3 else "triangle", 1, shape=(d,))
    domain = mesh.create_mesh(MPI.COMM_SELF, piece.marrow.astype(np.int64), ufl.Mesh(element), piece.points)
    V = fem.functionspace(domain, ("Lagrange", 1))
    u, v = ufl.TrialFunction(V), ufl.TestFunction(V)
    wanted = fem.assemble_matrix(fem.form(ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx)).to_dense()
    x = V.tabulate_dof_coordinates()[:, :d]
    near, row = cKDTree(x).query(piece.points[m.points])
    assert near.max() < 1e-9
    indptr, indices, values = m.local.indptr, m.local.indices, m.local.values
    K = np.zeros_like(wanted)
    K[np.repeat(np.arange(len(row)), np.diff(indptr)), indices] = values
    assert np.abs(K - wanted[np.ix_(row, row)]).max() < 1e-12 * np.abs(K).max()


@pytest.mark.parametrize("name", ["sphere", "pore", "plate", "disc", "marrow"])
def test_mesh_and_stiffness(sample, name):
    s = sample(name)
    piece = part_of(s, ALONE)
    m = marrow_mesh(piece, world())
    assert np.array_equal(np.sort(m.points), np.arange(piece.own))
    indptr, indices, values = m.local.indptr, m.local.indices, m.local.values
    n = piece.own
    K = np.zeros((n, n))
    K[np.repeat(np.arange(n), np.diff(indptr)), indices] = values
    assert np.abs(K.sum(axis=1)).max() < 1e-9 * np.abs(K).max()
    assert np.abs(K - K.T).max() < 1e-9 * np.abs(K).max()
    # the energy of a linear field is its squared gradient times the volume: rows belong to `owned`
    x = piece.points[m.points]
    volume = lumped(s.points, s.marrow, len(s.points)).sum()
    for axis in range(s.dimension):
        assert x[:, axis] @ K @ x[:, axis] == pytest.approx(volume, rel=1e-9)
    assert abs(x[:, 0] @ K @ x[:, 1]) < 1e-9 * volume


ROWS = """
import numpy as np
from osteofield.parallel import world
comm = world()
from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import build_piece, build_sample, part_of
from osteofield.team import Team
from osteofield.tissue.gather import Gather
from osteofield.tissue.layout import lay_out
from osteofield.tissue import lumped, sizes

team = Team(comm)
sphere = ShapeSpec("sphere", (600.0, 500.0, 400.0), radius=150.0)
plate = ShapeSpec("plate", (800.0, 500.0), thickness=250.0)
for shape in (sphere, plate):
    spec = SampleSpec(shape=shape, cell_size=60.0)
    sample = build_sample(spec)  # on every rank
    in_marrow, at_bone = np.unique(sample.marrow), np.unique(sample.surface)
    volume = lumped(sample.points, sample.marrow, len(sample.points))[in_marrow]
    area = lumped(sample.points, sample.surface, len(sample.points))[at_bone]
    outer = sum(lumped(sample.points, f, len(sample.points)) for f in sample.faces.values())[in_marrow]
    alone = None
    if comm.rank == 0:
        from mpi4py import MPI
        alone = lay_out(sample, MPI.COMM_SELF)
    # cut by all ranks together, and dealt out from a whole
    for where in (lay_out(build_piece(spec, comm), comm), lay_out(sample, comm)):
        rows, d = len(where.owned), sample.dimension
        assert where.marrow_count == len(in_marrow) and where.surface_count == len(at_bone)
        assert np.array_equal(np.sort(team.together(where.owned)), np.arange(len(in_marrow)))
        assert np.array_equal(np.sort(team.together(where.owned_surface)), np.arange(len(at_bone)))
        assert np.array_equal(where.points, sample.points[in_marrow[where.values]])
        assert np.array_equal(where.points[:rows], where.position[:, :d])
        assert np.allclose(where.volumes, volume[where.owned], rtol=1e-12)
        assert np.allclose(where.outer, outer[where.owned], rtol=1e-12)
        assert np.allclose(where.areas, area[where.owned_surface], rtol=1e-12)
        assert np.array_equal(where.half_thickness, sample.half_thickness[at_bone][where.owned_surface])
        cells = where.cells[:where.own_cells]
        assert int(team.sum(len(cells))) == where.cell_count == len(sample.marrow)
        size = sizes(where.points, cells).sum()
        assert abs(team.sum(size) / volume.sum() - 1) < 1e-12
        assert abs(team.sum(where.facet_sizes.sum()) / area.sum() - 1) < 1e-12
        # K x of a known field, collected, is that of one rank: numbering, ghosts and halo are right
        local = where.local
        assert local.rows == rows and rows + local.halo.ghosts == len(where.values)
        field = np.sin(sample.points[in_marrow] @ np.arange(1, d + 1) / 100.0)
        x = np.full((local.rows + local.halo.ghosts, 2), np.nan)
        x[:rows, 0], x[:rows, 1] = field[where.owned], -field[where.owned]
        local.halo(x)
        assert np.array_equal(x[:, 0], field[where.values])
        at = np.repeat(np.arange(rows), np.diff(local.indptr))
        y = np.stack([np.bincount(at, local.values * x[local.indices, k], rows) for k in (0, 1)], axis=1)
        gather = Gather(comm, where.owned, where.marrow_count)
        whole = gather(y)
        back = np.empty_like(y)
        gather.scatter(None if whole is None else lambda a, b: whole[a:b], back)
        assert np.array_equal(back, y)
        if alone is not None:
            k = alone.local
            at = np.repeat(np.arange(k.rows), np.diff(k.indptr))
            y1 = np.zeros(len(field))
            y1[alone.owned] = np.bincount(at, k.values * field[alone.owned][k.indices], k.rows)
            assert np.abs(whole[:, 0] - y1).max() < 1e-11 * np.abs(y1).max()
            assert np.abs(whole[:, 1] + y1).max() < 1e-11 * np.abs(y1).max()
        else:
            assert whole is None
if comm.rank == 0:
    print("fine on", comm.size)
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_rows_of_ranks_are_those_of_the_sample(run_mpi, ranks):
    assert f"fine on {ranks}" in run_mpi(ranks, ROWS)
