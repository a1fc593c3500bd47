# SPDX-License-Identifier: LGPL-3.0-or-later
"""Flexible GMRES over interleaved populations, residuals weighted per population."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .blocks import Blocks, padded_rows

if TYPE_CHECKING:
    from mpi4py import MPI


@dataclass(frozen=True)
class Solve:
    """Outcome of one linear solve: iterations, weighted residual norm, and whether it is enough."""

    iterations: int
    residual: float
    converged: bool


class Krylov:
    """Right-preconditioned flexible GMRES with restart (Saad 1993, SIAM J Sci Comput 14:461).

    Vectors and the operator are double precision, the preconditioner single, so that any tolerance
    down to round-off can be asked for.

    Args:
        rows: Owned rows.
        blocks: Compiled functions.
        comm: Reductions go over it.
        apply: ``apply(x, y)``: y = A x for owned rows; fills x's ghosts itself.
        precondition: ``precondition(v32) -> z32``: owned rows in, owned rows (a view) out.
        ghosts: Ghost rows of x.
    """

    def __init__(
        self,
        rows: int,
        ghosts: int,
        blocks: Blocks,
        comm: MPI.Comm,
        apply: Callable[[np.ndarray, np.ndarray], None],
        precondition: Callable[[np.ndarray], np.ndarray],
        restart: int = 16,
        limit: int = 60,
    ):
        self._c, self._comm, self._apply, self._precondition = blocks, comm, apply, precondition
        self.restart, self.limit = restart, limit
        self._V = np.zeros((restart + 1, rows, blocks.nd))
        self._Z = np.zeros((restart, rows, blocks.nd), np.float32)
        self._v32 = padded_rows(rows, blocks.nd)
        self._x = np.zeros((rows + ghosts, blocks.nd))
        self._rows = rows

    def _dots(self, weights: np.ndarray, k: int, w: np.ndarray) -> np.ndarray:
        out = np.zeros(k)
        self._c.dots(self._rows, k, weights, self._V, self._V[0].size, w, out)
        return self._sum(out)

    def _sum(self, values: np.ndarray) -> np.ndarray:
        if self._comm.size == 1:
            return values
        out = np.empty_like(values)
        self._comm.Allreduce(values, out)
        return out

    def _norm(self, weights: np.ndarray, w: np.ndarray) -> float:
        out = np.zeros(1)
        self._c.dots(self._rows, 1, weights, w, w.size, w, out)
        value = float(self._sum(out)[0])
        return float(np.sqrt(value)) if value >= 0 else float("nan")

    def solve(self, b: np.ndarray, x: np.ndarray, weights: np.ndarray, target: float) -> Solve:
        """Collective: solve A x = b from x = 0 until the weighted residual norm is below `target`.

        Args:
            b: (rows, nd), overwritten by the residual.
            x: (rows, nd), the solution.
            weights: Squared weight of every population in the norm.
            target: Absolute.
        """
        n = self._rows
        x[:] = 0.0
        beta = self._norm(weights, b)
        total = 0
        while True:
            if not np.isfinite(beta):
                return Solve(total, beta, False)
            if beta <= target:
                return Solve(total, beta, True)
            if total >= self.limit:
                return Solve(total, beta, False)
            used, estimate = self._cycle(b, beta, weights, target, min(self.restart, self.limit - total), x)
            total += used
            # true residual: guards against loss of orthogonality and against a stalled estimate
            if estimate <= target and used < self.restart and target > 1e-9 * beta:
                return Solve(total, estimate, True)
            self._x[:n] = x
            self._apply(self._x, self._V[0])
            if total == used:
                first = b.copy()
            np.subtract(first, self._V[0], out=b)
            beta_new = self._norm(weights, b)
            if beta_new > 0.5 * beta and beta_new > target:
                return Solve(total, beta_new, False)
            beta = beta_new

    def _cycle(
        self, r: np.ndarray, beta: float, weights: np.ndarray, target: float, steps: int, x: np.ndarray
    ) -> tuple[int, float]:
        c, n, V, Z = self._c, self._rows, self._V, self._Z
        stride = V[0].size
        H = np.zeros((steps + 1, steps))
        cs, sn, g = np.zeros(steps), np.zeros(steps), np.zeros(steps + 1)
        g[0] = beta
        c.scale_to(n, 1.0 / beta, r, V[0], self._v32)
        k = 0
        for k in range(steps):
            z = self._precondition(self._v32)
            Z[k] = z[:n]
            c.widen(n, Z[k], self._x)
            w = V[k + 1]
            self._apply(self._x, w)
            for again in range(2):  # classical Gram-Schmidt; a second pass where the first one cancels
                h = self._dots(weights, k + 1, w)
                c.axpys(n, k + 1, h, V, stride, w)
                H[: k + 1, k] += h
                size = self._norm(weights, w)
                if again or size > 0.1 * float(np.sqrt(h @ h + size * size)):
                    break
            H[k + 1, k] = size
            for j in range(k):
                H[j, k], H[j + 1, k] = (
                    cs[j] * H[j, k] + sn[j] * H[j + 1, k],
                    -sn[j] * H[j, k] + cs[j] * H[j + 1, k],
                )
            d = float(np.hypot(H[k, k], H[k + 1, k]))
            if not np.isfinite(d) or d == 0.0:
                return k + 1, float("nan")
            cs[k], sn[k] = H[k, k] / d, H[k + 1, k] / d
            H[k, k], H[k + 1, k] = d, 0.0
            g[k], g[k + 1] = cs[k] * g[k], -sn[k] * g[k]
            if abs(g[k + 1]) <= target or size == 0.0:
                break
            c.scale_to(n, 1.0 / size, w, w, self._v32)
        m = k + 1
        y = np.linalg.solve(np.triu(H[:m, :m]), g[:m])
        c.combine(n, m, y, Z, Z[0].size, x)
        return m, abs(float(g[m]))
