# SPDX-License-Identifier: LGPL-3.0-or-later
"""Preconditioned minimal residuals over interleaved populations, weighted per population."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import solve_triangular

from .blocks import Blocks, padded_rows
from .reduction import reduced

if TYPE_CHECKING:
    from mpi4py import MPI


@dataclass(frozen=True)
class Solve:
    """Outcome of one linear solve: iterations, weighted residual norm, and whether it is enough."""

    iterations: int
    residual: float
    converged: bool


class Krylov:
    """Right-preconditioned GCR with a basis that is kept while the matrix stays the same.

    Every direction z tried for one right side is kept with its image A z, orthonormalised:
    A Z = C R with C orthonormal. A further right side is first projected on C, which costs a few
    passes over vectors and no preconditioner, and only what is left is iterated on (Eisenstat,
    Elman and Schultz 1983, SIAM J Numer Anal 20:345; recycling as in de Sturler 1996, J Comput Appl
    Math 67:15). The six stages of a time step share their matrix.

    C and the operator are double precision, Z and the preconditioner single, so that any tolerance
    down to round-off can be asked for.

    Args:
        rows: Owned rows.
        ghosts: Ghost rows of x.
        blocks: Compiled functions.
        comm: Reductions go over it.
        apply: ``apply(x, y)``: y = A x for owned rows; fills x's ghosts itself.
        precondition: ``precondition(v32) -> z32``: owned rows in, array with owned rows first out.
        basis: Directions kept at most; when they are used up, the basis starts anew.
        limit: Iterations of one solve at most.
    """

    def __init__(
        self,
        rows: int,
        ghosts: int,
        blocks: Blocks,
        comm: MPI.Comm,
        apply: Callable[[np.ndarray, np.ndarray], None],
        precondition: Callable[[np.ndarray], np.ndarray],
        basis: int = 32,
        limit: int = 80,
    ):
        self._c, self._comm, self._apply, self._precondition = blocks, comm, apply, precondition
        self.basis, self.limit = basis, limit
        self._C = np.zeros((basis, rows, blocks.nd))
        self._Z = np.zeros((basis, rows, blocks.nd), np.float32)
        self._R = np.zeros((basis, basis))
        self._v32 = padded_rows(rows, blocks.nd)
        self._x = np.zeros((rows + ghosts, blocks.nd))
        self._rows = rows
        self._kept = 0

    def reset(self) -> None:
        """Forget the basis: the matrix or the weights have changed."""
        self._kept = 0

    def solve(self, b: np.ndarray, x: np.ndarray, weights: np.ndarray, target: float) -> Solve:
        """Collective: solve A x = b from x = 0 until the weighted residual norm is below `target`.

        Args:
            b: (rows, nd), overwritten by the residual.
            x: (rows, nd), the solution.
            weights: Squared weight of every population in the norm; the same until `reset`.
            target: Absolute.
        """
        n, total = self._rows, 0
        x[:] = 0.0
        beta = start = self._norm(weights, b)
        tight = target < 1e-9 * beta  # there, the residual that is carried along drifts from the true one
        original = b.copy() if tight else b
        while np.isfinite(beta) and beta > target:
            used, beta = self._descend(b, x, weights, target, self.limit - total)
            total += used
            if not tight and beta <= target:
                break
            if not np.isfinite(beta) or total >= self.limit or (beta > target and used == 0):
                return Solve(total, beta, False)
            if tight:
                self._x[:n] = x
                self._apply(self._x, b)
                np.subtract(original, b, out=b)
                beta, before = self._norm(weights, b), start
                start = beta
                if beta > target and beta > 0.5 * before:
                    return Solve(total, beta, False)
        return Solve(total, beta, bool(beta <= target))

    def _descend(
        self, r: np.ndarray, x: np.ndarray, weights: np.ndarray, target: float, budget: int
    ) -> tuple[int, float]:
        """Reduce the residual `r` in place and add to `x`: iterations and the norm that is left."""
        c, n, C, Z, R = self._c, self._rows, self._C, self._Z, self._R
        stride = C[0].size
        y = np.zeros(self.basis)
        k = self._kept
        if k:
            y[:k] = self._dots(weights, k, r)
            c.axpys(n, k, y, C, stride, r)
        size = self._norm(weights, r)
        used, stalled = 0, 0
        while size > target and used < budget and stalled < 3:
            if k == self.basis:
                self._add(x, y, k)
                y[:], k = 0.0, 0
            w = C[k]
            c.scale_to(n, 1.0 / size, r, w, self._v32)
            Z[k] = self._precondition(self._v32)[:n]
            c.widen(n, Z[k], self._x)
            self._apply(self._x, w)
            R[:, k] = 0.0
            for again in range(2):  # classical Gram-Schmidt; a second pass where the first one cancels
                h = self._dots(weights, k, w) if k else np.zeros(0)
                if k:
                    c.axpys(n, k, h, C, stride, w)
                    R[:k, k] += h
                length = self._norm(weights, w)
                if again or length > 0.1 * float(np.sqrt(h @ h + length * length)):
                    break
            if not np.isfinite(length) or length == 0.0:
                self._kept = 0
                return used, float("nan")
            R[k, k] = length
            c.scale_to(n, 1.0 / length, w, w, self._v32)
            y[k] = self._dots(weights, 1, r, w)[0]
            c.axpys(n, 1, y[k : k + 1], w, stride, r)
            before, size = size, self._norm(weights, r)
            stalled = stalled + 1 if size > 0.99 * before else 0
            k += 1
            used += 1
        self._add(x, y, k)
        self._kept = k
        return used, size

    def _add(self, x: np.ndarray, y: np.ndarray, k: int) -> None:
        """``x += Z R^-1 y``."""
        if k:
            coefficients = solve_triangular(self._R[:k, :k], y[:k], check_finite=False)
            self._c.combine(self._rows, k, coefficients, self._Z, self._Z[0].size, x)

    def _dots(
        self, weights: np.ndarray, k: int, w: np.ndarray, basis: np.ndarray | None = None
    ) -> np.ndarray:
        out = np.zeros(k)
        self._c.dots(self._rows, k, weights, self._C if basis is None else basis, self._C[0].size, w, out)
        return reduced(self._comm, out)

    def _norm(self, weights: np.ndarray, w: np.ndarray) -> float:
        out = np.zeros(1)
        self._c.dots(self._rows, 1, weights, w, w.size, w, out)
        value = float(reduced(self._comm, out)[0])
        return float(np.sqrt(value)) if value >= 0 else float("nan")
