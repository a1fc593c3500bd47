# SPDX-License-Identifier: LGPL-3.0-or-later
"""Our preconditioner for peers: exact elimination at every node around one V-cycle of our hierarchy."""

from __future__ import annotations

import numpy as np

from osteofield.integrator.blocks import blocks, padded_rows
from osteofield.integrator.hierarchy import Hierarchy

from .semidiscrete import Semidiscrete


class Elimination:
    """Approximate inverse of ``I - J / c`` for the whole state.

    Args:
        system: Whose Jacobian.
    """

    def __init__(self, system: Semidiscrete):
        p = system.problem
        self._system, nd = system, p.diffusing
        compiled = blocks(nd, p.marrow_width, p.surface_width)
        self._hierarchy = Hierarchy(p.local, p.diffusivity, compiled, p.comm)
        self._schur = np.zeros((system.rows, nd * nd))
        self._b = padded_rows(system.rows, nd)
        self._c = 1.0
        self._parts = {}
        for kind, points in system.kinds:
            n, nl = len(points.node), p.marrow_width - nd + (p.surface_width if kind == "surface" else 0)
            self._parts[kind] = tuple(np.zeros((n, w), np.float32) for w in (nl * nl, nd * nl, nd * nl))
        self._indices = {
            k: (q.kernel.jac_rows.astype(np.int32), q.kernel.jac_cols.astype(np.int32))
            for k, q in system.kinds
        }

    def prepare(self, J: dict[str, np.ndarray], c: float) -> None:
        """Take a Jacobian of the reactions and the factor c.

        Raises:
            ArithmeticError: A block is singular.
        """
        s, self._c, bad = self._system, c, 0
        for kind, points in s.kinds:
            rows, cols = self._indices[kind]
            bad += getattr(s.routines, f"{kind}_factor")(
                len(points.node), points.node, len(rows), rows, cols, J[kind], c, s.problem.volumes,
                *self._parts[kind], self._schur,
            )  # fmt: skip
        if bad or not self._hierarchy.set_blocks(self._schur):
            raise ArithmeticError("a node block of the preconditioner is singular")

    def solve(self, r: np.ndarray, z: np.ndarray) -> None:
        """``z`` is about ``(I - J / c)^-1 r``."""
        s, c = self._system, self._c
        for kind, points in s.kinds:
            _, E, _ = self._parts[kind]
            getattr(s.routines, f"{kind}_reduce")(
                len(points.node), points.node, c, s.problem.volumes, E, s.marrow(r), s.surface(r), self._b
            )
        x = self._hierarchy.cycle(self._b)
        for kind, points in s.kinds:
            Q, _, G = self._parts[kind]
            getattr(s.routines, f"{kind}_expand")(
                len(points.node), points.node, c, Q, G, x, s.marrow(r), s.surface(r), s.marrow(z),
                s.surface(z),
            )  # fmt: skip
