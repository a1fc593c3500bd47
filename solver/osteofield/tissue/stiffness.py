# SPDX-License-Identifier: LGPL-3.0-or-later
"""Stiffness of linear finite elements straight from points and cells, row by row."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from ..cbuild import load

_DECLARATIONS = """
void pairs(long, const int *, const double *, double *);
void around(long, long, const int *, int *, int *);
long rows_of(long, const int *, const int *, const int *, const double *, int *, int *, int *, double *);
"""


@lru_cache(2)
def _library(dimension: int) -> tuple[Any, Any]:
    source = resources.files(__package__).joinpath("stiffness.c").read_text()
    return load(f"#define DIM {dimension}\n{source}", _DECLARATIONS)


def stiffness(points: np.ndarray, cells: np.ndarray, rows: int) -> csr_matrix:
    """Rows of the matrix of (grad u, grad v) for piecewise linear u and v.

    The same matrix as an assembled P1 form, with rows that sum to zero by construction.

    Args:
        points: (n, 2 or 3), um.
        cells: (m, 3 or 4) rows of `points`; all cells that touch one of the first `rows` points.
        rows: How many rows are wanted, those of the first points.

    Returns:
        (rows, n) matrix, um in 3-D; columns ascend in every row.
    """
    ffi, lib = _library(points.shape[1])
    x = np.ascontiguousarray(points, np.float64)
    corner = np.ascontiguousarray(cells, np.int32)
    count, n = len(corner), len(x)
    k = np.empty((count, corner.shape[1] * (corner.shape[1] - 1) // 2))
    begin, mark = np.zeros(rows + 1, np.int32), np.full(n, -1, np.int32)

    def c(array: np.ndarray, kind: str) -> Any:
        return ffi.from_buffer(kind, array)

    at, of = c(corner, "int[]"), c(begin, "int[]")
    lib.pairs(count, at, c(x, "double[]"), c(k, "double[]"))
    lib.around(rows, count, at, of, ffi.NULL)
    around = np.empty(begin[-1], np.int32)
    lib.around(rows, count, at, of, c(around, "int[]"))
    indptr = np.zeros(rows + 1, np.int32)
    shared = rows, of, c(around, "int[]"), at, c(k, "double[]"), c(mark, "int[]"), c(indptr, "int[]")
    if lib.rows_of(*shared, ffi.NULL, ffi.NULL):
        raise ValueError("a vertex of the mesh has more than 1023 neighbours")
    indices, values = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
    lib.rows_of(*shared, c(indices, "int[]"), c(values, "double[]"))
    return csr_matrix((values, indices, indptr), shape=(rows, n))
