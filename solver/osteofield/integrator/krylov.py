# SPDX-License-Identifier: LGPL-3.0-or-later
"""Preconditioned minimal residuals over interleaved populations, weighted per population."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .blocks import Blocks, padded_rows
from .reduction import reduced

if TYPE_CHECKING:
    from mpi4py import MPI

    from .hierarchy import Hierarchy


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

    Vectors and operator are single precision; what is asked beyond `SINGLE`, or beyond where progress
    ends, is reached by starting again from the residual in double precision (iterative refinement). One
    iteration is one cycle, one pass that applies the operator and takes all inner products, one that
    orthogonalises and updates the residual, which the last iteration of a solve leaves to the next one,
    and one reduction: the norm of what is left follows from the inner products.

    Args:
        rows: Owned rows.
        ghosts: Ghost rows of x.
        blocks: Compiled functions.
        comm: Reductions go over it.
        apply: ``apply(x, y)``: y = A x in double precision for owned rows; fills x's ghosts itself.
        operator: The same and the preconditioner in single precision.
        basis: Directions kept at most; when they are used up, the basis starts anew.
        limit: Iterations after which a solve has failed.
    """

    SINGLE = 1e-5  # reduction of the residual that single precision delivers reliably
    PATIENCE = 8  # iterations without progress, of which a chain of couplings may need some
    SURE = 0.03  # part of a norm, below which Pythagoras in single precision no longer tells what is left

    def __init__(
        self,
        rows: int,
        ghosts: int,
        blocks: Blocks,
        comm: MPI.Comm,
        apply: Callable[[np.ndarray, np.ndarray], None],
        operator: Hierarchy,
        basis: int = 10,
        limit: int = 80,
    ):
        self._c, self._comm, self._apply, self._operator = blocks, comm, apply, operator
        self.basis, self.limit = basis, limit
        self._rows, self._stride = rows, rows * blocks.nd
        self._C = padded_rows(basis, self._stride)
        self._Z = padded_rows(basis, (rows + ghosts) * blocks.nd)
        self._R = np.zeros((basis, basis))
        self._r = padded_rows(rows, blocks.nd)
        self._x = np.zeros((rows + ghosts, blocks.nd))
        self._left = np.zeros((rows, blocks.nd))
        self._kept = 0
        self._fresh = True  # nothing has been written to the solution
        self._open: tuple[np.ndarray, float] | None = None  # how to orthonormalise the last direction kept

    def reset(self) -> None:
        """Forget the basis: the matrix or the weights have changed."""
        self._kept, self._open = 0, None

    def solve(
        self, b: np.ndarray, x: np.ndarray, weights: np.ndarray, target: float, share: float = 1.0
    ) -> Solve:
        """Collective: solve A x = b from x = 0 until the weighted residual norm is below `target`.

        Args:
            b: (rows, nd).
            x: (rows, nd), the solution.
            weights: Squared weight of every population in the norm; the same until `reset`.
            target: Absolute.
            share: Part of the norm of `b` that may be left at most.
        """
        largest = float(weights.max(initial=0.0)) or 1.0
        w64 = weights / largest  # weights may span many decades: keep them in the range of single precision
        w32, unit = w64.astype(np.float32), float(np.sqrt(largest))
        target /= unit
        self._fresh = True
        done = self._solve(b, x, w64, w32, target, share)
        if self._fresh:
            x[:] = 0.0
        return Solve(done.iterations, unit * done.residual, done.converged)

    def _solve(
        self, b: np.ndarray, x: np.ndarray, w64: np.ndarray, w32: np.ndarray, target: float, share: float
    ) -> Solve:
        n, total, left = self._rows, 0, b
        beta = self._root(self._c.square(n, w64, b))
        target = min(target, share * beta)
        while np.isfinite(beta) and beta > target:
            goal = target / beta
            used, size = self._descend(left, beta, x, w32, max(goal, self.SINGLE), self.limit - total)
            total += used
            if not np.isfinite(size) or size > max(goal, 0.5):
                return Solve(total, beta * size, False)
            if goal >= self.SINGLE and size <= goal:
                return Solve(total, beta * size, True)
            self._x[:n] = 0.0 if self._fresh else x
            self._apply(self._x, self._left)
            left = np.subtract(b, self._left, out=self._left)
            before, beta = beta, self._root(self._c.square(n, w64, left))
            if beta > target and (beta > 0.5 * before or total >= self.limit):
                return Solve(total, beta, False)
        return Solve(total, beta, bool(beta <= target))

    def _descend(
        self, b: np.ndarray, beta: float, x: np.ndarray, weights: np.ndarray, goal: float, budget: int
    ) -> tuple[int, float]:
        """Add to `x` until the residual of `b` over `beta` is below `goal`: iterations, and what is left."""
        c, n, C, Z, R, r = self._c, self._rows, self._C, self._Z, self._R, self._r
        stride, y, out = self._stride, np.zeros(self.basis), np.zeros(self.basis + 2)
        k = self._kept
        self._close(k)
        c.begin(n, 1.0 / beta, weights, b, r)
        size = known = 1.0  # the latter was summed, the former follows from it and what was taken out since
        if k:
            c.dots(n, k, weights, C, stride, r, r, out)
            dots = reduced(self._comm, out[: k + 2])
            y[:k] = dots[:k]
            size = float(np.sqrt(max(dots[k] - y[:k] @ y[:k], 0.0)))
            mine = c.project(n, k, weights, y, C, stride, r)
            if not size > self.SURE * known:
                size = known = self._root(mine)
        used, stalled = 0, 0
        while size > goal and used < budget and stalled < self.PATIENCE:
            if k == self.basis:
                self._add(beta, x, y, k)
                y[:], k = 0.0, 0
            z, w = Z[k].reshape(-1, c.nd), C[k].reshape(n, c.nd)
            dots = reduced(self._comm, self._operator.direction(r, z, k, weights, C, w))
            h, along = dots[:k].copy(), dots[k + 1]
            square = dots[k] - h @ h
            R[:, k] = 0.0
            R[:k, k] = h
            if not square > 0.01 * dots[k]:  # much cancels: orthogonalise twice
                c.orthogonalise(n, k, weights, h, C, stride, 1.0, 0.0, w, r)
                c.dots(n, k, weights, C, stride, w, r, out)
                dots = reduced(self._comm, out[: k + 2])
                h, along = dots[:k].copy(), dots[k + 1]
                square = dots[k] - h @ h
                R[:k, k] += h
            if not (np.isfinite(square) and square > 0.0):
                self._kept = 0
                return used, float("nan")
            R[k, k] = length = float(np.sqrt(square))
            y[k] = along / length
            before, size = size, float(np.sqrt(max(size**2 - y[k] ** 2, 0.0)))
            most = float(np.hypot(size, 0.1 * self.SURE * known))
            if most <= goal:
                self._open, size = (h, length), most
            else:
                mine = c.orthogonalise(n, k, weights, h, C, stride, 1.0 / length, y[k], w, r)
                if not size > self.SURE * known:
                    size = known = self._root(mine)
            stalled = stalled + 1 if size > 0.99 * before else 0
            k += 1
            used += 1
        self._add(beta, x, y, k)
        self._kept = k
        return used, size

    def _close(self, k: int) -> None:
        """Orthonormalise the last direction of `k`, which the solve that found it had no more need of."""
        if self._open is not None and k:
            (h, length), w = self._open, self._C[k - 1].reshape(self._rows, self._c.nd)
            self._c.orthogonalise(
                self._rows, k - 1, np.ones(self._c.nd, np.float32), h, self._C, self._stride, 1.0 / length,
                0.0, w, self._r,
            )  # fmt: skip
        self._open = None

    def _add(self, beta: float, x: np.ndarray, y: np.ndarray, k: int) -> None:
        """``x += beta Z R^-1 y``, from zero if `x` is still fresh."""
        if k:
            R, coefficients = self._R, beta * y[:k]
            for j in range(k - 1, -1, -1):
                coefficients[j] = (coefficients[j] - R[j, j + 1 : k] @ coefficients[j + 1 :]) / R[j, j]
            self._c.combine(self._rows, k, coefficients, self._Z, self._Z.shape[1], self._fresh, x)
            self._fresh = False

    def _root(self, mine: float) -> float:
        """Collective: square root of a sum over ranks."""
        value = float(reduced(self._comm, np.array([mine]))[0])
        return float(np.sqrt(value)) if value >= 0 else float("nan")
