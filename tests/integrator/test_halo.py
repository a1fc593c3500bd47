# SPDX-License-Identifier: LGPL-3.0-or-later
"""Local rows of a distributed matrix, here on one rank (two ranks: tests/mpi)."""

from __future__ import annotations

import numpy as np

from osteofield.integrator import LocalMatrix
from osteofield.parallel import load_fem, world


def test_rows_of_a_petsc_matrix():
    load_fem()
    from petsc4py import PETSc

    dense = np.array([[4.0, -1.0, 0.0], [-2.0, 5.0, -3.0], [0.0, 0.0, 7.0]])
    matrix = PETSc.Mat().createAIJ((3, 3), comm=world())
    for i, j in zip(*np.nonzero(dense), strict=True):
        matrix.setValue(i, j, dense[i, j])
    matrix.assemble()
    local = LocalMatrix.from_petsc(matrix, world())
    rows = np.repeat(np.arange(3), np.diff(local.indptr))
    found = np.zeros((3, 3))
    found[rows, local.indices] = local.values
    assert np.array_equal(found, dense)
    assert np.array_equal(local.diagonal(), [4.0, 5.0, 7.0])
    assert local.rows == local.halo.owned == 3
    assert local.halo.ghosts == 0
    x = np.ones((3, 2))
    local.halo(x)
    assert (x == 1).all()
