# SPDX-License-Identifier: LGPL-3.0-or-later
"""One sparse matrix ``shift I - J`` of all unknowns, made by hand for PETSc and updated in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .semidiscrete import Semidiscrete

if TYPE_CHECKING:
    from petsc4py import PETSc


class SparseMatrix:
    """AIJ matrix of a `Semidiscrete`; the unknowns of a node stay together, local ones first.

    Args:
        system: Whose Jacobian.
        dense: Room for every pair of populations of a node, which incomplete factors then fill;
            otherwise only for the non-zeros of the Jacobian.

    Attributes:
        matrix: For PETSc; it shares `values`.
        place: (size,) matrix row of every entry of the state.
        local, diffusing: Matrix rows of local and of diffusing populations, ascending.
        uniform: Whether all nodes have as many unknowns.
    """

    def __init__(self, system: Semidiscrete, dense: bool):
        from petsc4py import PETSc

        p, k, n = system.problem, system.problem.local, system.rows
        nd, nm, ns = p.diffusing, p.marrow_width, p.surface_width
        self._system = system
        point, order = np.full(n, -1, np.int32), np.zeros(n, np.int32)
        for points in (p.inside, p.surface):
            order[points.node] = np.arange(len(points.node))
        point[p.surface.node] = np.arange(system.points)
        width = np.where(point >= 0, nm + ns, nm)
        place = np.zeros(n + 1, np.int32)
        np.cumsum(width, out=place[1:])
        kernels = p.inside.kernel, p.surface.kernel
        rows = [q.jac_rows.astype(np.int32) for q in kernels]
        cols = [q.jac_cols.astype(np.int32) for q in kernels]
        masks = []
        for nt, r, c in zip((nm, nm + ns), rows, cols, strict=True):
            mask = np.full((nt, nt), dense, np.uint8) | np.eye(nt, dtype=np.uint8)
            mask[r, c] = 1
            masks.append(mask)
        indptr = np.zeros(system.size + 1, np.int32)
        entries = system.routines.pattern(n, k.indptr, k.indices, point, *masks, indptr)
        indices = np.zeros(entries, np.int32)
        self._base, self.values = np.zeros(entries), np.zeros(entries)
        self._slots = [
            np.zeros((len(q.node), len(r)), np.int32)
            for q, r in zip((p.inside, p.surface), rows, strict=True)
        ]
        self._diagonal = np.zeros(system.size, np.int32)
        system.routines.fill(
            n, k.indptr, k.indices, k.values, p.diffusivity, p.volumes, place, point, order, *masks,
            len(rows[0]), rows[0], cols[0], len(rows[1]), rows[1], cols[1], indices, self._base, *self._slots,
            self._diagonal,
        )  # fmt: skip
        self.matrix: PETSc.Mat = PETSc.Mat().createAIJWithArrays(
            (system.size, system.size), (indptr, indices, self.values), comm=p.comm
        )
        self.uniform = not system.points or not ns
        if self.uniform:
            self.matrix.setBlockSize(nm)
        locals_of = width - nd
        marrow = np.empty((n, nm), np.int32)
        marrow[:, :nd] = (place[:-1] + locals_of)[:, None] + np.arange(nd)
        marrow[:, nd:] = place[:-1, None] + np.arange(nm - nd)
        surface = place[p.surface.node, None] + np.arange(nm - nd, nm - nd + ns)
        self.place = np.concatenate([marrow.ravel(), surface.ravel()]).astype(np.int32)
        self._state = np.argsort(self.place)
        self.diffusing = np.sort(marrow[:, :nd].ravel())
        self.local = np.sort(np.concatenate([marrow[:, nd:].ravel(), surface.ravel()])).astype(np.int32)

    def to_state(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``y`` in the order of the state from ``x`` in the order of the matrix."""
        return np.take(x, self.place, out=y, mode="clip")

    def to_matrix(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The other way."""
        return np.take(y, self._state, out=x, mode="clip")

    def update(self, J: dict[str, np.ndarray], shift: float) -> None:
        """Take a Jacobian of the reactions."""
        none = np.zeros((0, 0))
        m, s = J.get("marrow", none), J.get("surface", none)
        self._system.routines.update(
            len(self.values), self._base, len(self._diagonal), self._diagonal, shift,
            m.size, self._slots[0], m, s.size, self._slots[1], s, self.values,
        )  # fmt: skip
        self.matrix.stateIncrease()
