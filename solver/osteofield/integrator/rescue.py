# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is tried where the usual linear solve fails, before a step is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import bsr_matrix, coo_matrix, csc_matrix
from scipy.sparse.linalg import splu

from .hierarchy import Hierarchy
from .krylov import Solve
from .reduction import reduced

if TYPE_CHECKING:
    from mpi4py import MPI

    from .halo import LocalMatrix


class Rescue:
    """Two stronger solvers of ``(D (x) K + blockdiag(S)) x = b``.

    A small system is factorised as a whole, on every rank (SuperLU). A large one gets minimal residuals
    in double precision throughout, three cycles of the hierarchy per direction and a patience of hundreds
    of iterations. Nothing is allocated before it is needed.

    Args:
        local: Owned rows of K.
        diffusivity: Of every diffusing population; the caller may change the values.
        schur: Gives (rows, nd^2) S, column major, in double precision.
        apply: ``apply(x, y)``: y = A x in double precision; x has owned and ghost rows.
        hierarchy: Preconditioner.
        comm: Communicator.
    """

    SMALL = 20_000  # unknowns that are factorised
    CYCLES = 3
    KEPT = 20  # directions
    LIMIT = 300  # iterations

    def __init__(
        self,
        local: LocalMatrix,
        diffusivity: np.ndarray,
        schur: Callable[[], np.ndarray],
        apply: Callable[[np.ndarray, np.ndarray], None],
        hierarchy: Hierarchy,
        comm: MPI.Comm,
    ):
        self._local, self._D, self._schur = local, diffusivity, schur
        self._apply, self._hierarchy, self._comm = apply, hierarchy, comm
        self._nd = len(diffusivity)

    def solve(
        self, b: np.ndarray, x: np.ndarray, weights: np.ndarray, target: float, share: float = 1.0
    ) -> Solve:
        """Collective: as `Krylov.solve`.

        Args:
            b: (rows, nd).
            x: (rows, nd), the solution.
            weights: Squared weight of every population in the norm.
            target: Absolute, of the weighted norm of the residual.
            share: Part of the norm of `b` that may be left at most.
        """
        finite = np.isfinite(b).all() and np.isfinite(self._schur()).all()
        if reduced(self._comm, np.array([float(not finite)]))[0]:
            return Solve(0, float("nan"), False)
        target = min(target, share * float(np.sqrt(self._product(weights, b, b))))
        if int(reduced(self._comm, np.array([b.size]))[0]) <= self.SMALL:
            return self._direct(b, x, weights, target)
        return self._patient(b, x, weights, target)

    def _product(self, weights: np.ndarray, u: np.ndarray, v: np.ndarray) -> float:
        mine = np.array([float(np.einsum("ip,ip,p->", u, v, weights))])
        return float(reduced(self._comm, mine)[0])

    def _residual(self, b: np.ndarray, x: np.ndarray) -> np.ndarray:
        wide = np.zeros((len(b) + self._local.halo.ghosts, self._nd))
        wide[: len(b)] = x
        out = np.empty_like(b)
        self._apply(wide, out)
        return np.subtract(b, out, out=out)

    # ---------------------------------------------------------------- small systems
    def _direct(self, b: np.ndarray, x: np.ndarray, weights: np.ndarray, target: float) -> Solve:
        whole = np.concatenate(self._comm.allgather(b)).ravel()
        first = sum(self._comm.allgather(len(b))[: self._comm.rank])
        try:
            factors = splu(self._matrix(first, len(whole)))
        except RuntimeError:  # exactly singular
            return Solve(1, float("nan"), False)
        found = factors.solve(whole).reshape(-1, self._nd)
        x[:] = found[first : first + len(b)]
        left = self._residual(b, x)
        again = factors.solve(np.concatenate(self._comm.allgather(left)).ravel()).reshape(-1, self._nd)
        x += again[first : first + len(b)]
        left = self._residual(b, x)
        size = np.sqrt(self._product(weights, left, left))
        return Solve(1, float(size), bool(size <= target))

    def _matrix(self, first: int, size: int) -> csc_matrix:
        """Collective: all rows, on every rank."""
        halo, nd, k = self._local.halo, self._nd, self._hierarchy.levels[0].stiffness
        n, ghosts = k.rows, halo.ghosts
        number = np.zeros((n + ghosts, 1))
        number[:n, 0] = first + np.arange(n)
        halo(number)
        i, j, v = np.repeat(np.arange(n), np.diff(k.start)), k.column, k.value.astype(np.float64)
        diagonal = -np.bincount(i, v, n)  # K acts on differences between nodes
        i, j, v = np.append(i, np.arange(n)), np.append(j, np.arange(n)), np.append(v, diagonal)
        p = np.arange(nd)
        to = (first + i)[:, None] * nd + p
        source = number[j, 0].astype(np.int64)[:, None] * nd + p
        spread = coo_matrix(((v[:, None] * self._D).ravel(), (to.ravel(), source.ravel())), (size, size))
        blocks = self._schur().reshape(n, nd, nd).transpose(0, 2, 1)
        local = bsr_matrix((blocks, np.arange(n), np.arange(n + 1)), (n * nd, n * nd)).tocoo()
        at = first * nd
        react = coo_matrix((local.data, (local.row + at, local.col + at)), (size, size))
        mine = (spread + react).tocsc()
        return sum(self._comm.allgather(mine), csc_matrix((size, size))).tocsc()

    # ---------------------------------------------------------------- large ones
    def _precondition(self, r: np.ndarray, wide: np.ndarray) -> None:
        """Collective: cycles of the hierarchy for `r` into the owned rows of `wide`."""
        n, z = len(r), wide[: len(r)]
        z[:] = 0.0
        for _ in range(self.CYCLES):
            left = self._residual(r, z)
            size = float(reduced(self._comm, np.array([np.abs(left).max(initial=0.0)]), "MAX")[0])
            if not size > 0.0:
                return
            z += size * self._hierarchy.cycle((left / size).astype(np.float32))[:n]

    def _patient(self, b: np.ndarray, x: np.ndarray, weights: np.ndarray, target: float) -> Solve:
        n = len(b)
        wide = np.zeros((n + self._local.halo.ghosts, self._nd))
        directions: list[np.ndarray] = []
        images: list[np.ndarray] = []
        x[:], left = 0.0, b.copy()
        size = np.sqrt(self._product(weights, left, left))
        for used in range(1, self.LIMIT + 1):
            self._precondition(left, wide)
            z, w = wide[:n].copy(), np.empty_like(b)
            self._apply(wide, w)
            for _ in range(2):
                for direction, image in zip(directions, images, strict=True):
                    along = self._product(weights, image, w)
                    w -= along * image
                    z -= along * direction
            length = np.sqrt(self._product(weights, w, w))
            if not (np.isfinite(length) and length > 0.0):
                return Solve(used, float(size), False)
            w, z = w / length, z / length
            step = self._product(weights, w, left)
            x += step * z
            left -= step * w
            size = np.sqrt(self._product(weights, left, left))
            if size <= target:
                return Solve(used, float(size), True)
            directions, images = [*directions, z][-self.KEPT :], [*images, w][-self.KEPT :]
        return Solve(self.LIMIT, float(size), False)
