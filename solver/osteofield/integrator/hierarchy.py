# SPDX-License-Identifier: LGPL-3.0-or-later
"""Multigrid on the scalar stiffness, shared by all populations: set up once per mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .aggregation import Prolongator, coarsen
from .blocks import Blocks, padded_rows
from .elimination import Couplings
from .groups import Groups
from .halo import LocalMatrix, Replica
from .reduction import reduced, reduced_both

if TYPE_CHECKING:
    from mpi4py import MPI


OVERLAP = 10_000  # rows of a level whose edge is worth calls of its own


class Level:
    """One level: the stiffness, its node blocks, and the transfer to the next coarser level."""

    def __init__(self, stiffness: LocalMatrix, blocks: Blocks):
        self.indptr, self.indices = stiffness.indptr, stiffness.indices
        self.lower, self.upper, diagonal = stiffness.split()
        self.values = np.ascontiguousarray(stiffness.values, np.float32)
        self.diagonal = diagonal.astype(np.float32)
        self.halo = stiffness.halo
        n, nd = stiffness.rows, blocks.nd
        self.rows = n
        self.edge = stiffness.edge if n >= OVERLAP else n
        self.x = padded_rows(n + self.halo.ghosts, nd)
        self.b = padded_rows(n + self.halo.ghosts, nd)
        self.prolong: Prolongator | None = None
        self._width = -1

    def resize(self, width: int) -> None:
        """Make room for node blocks of `width` numbers: S (ghosts too), and its inverse together with K."""
        if width != self._width:
            self._width = width
            self.schur, self.inverse = padded_rows(len(self.x), width), padded_rows(self.rows, width)


class Hierarchy:
    """V-cycle preconditioner of ``D (x) K + blockdiag(S)`` for all diffusing populations at once.

    The hierarchy is smoothed aggregation on the scalar K (`aggregation`), whose prolongators have
    row sum one so that constants are reproduced; node blocks S are lumped to the coarser levels;
    the smoother is symmetric processor-block Gauss-Seidel. It solves exactly, node by node, for groups
    of populations that bind each other strongly (found in S, whatever the units: |S_ij S_ji| beside
    S_ii S_jj) and for every other population by itself; the couplings it leaves out are the
    operator's business. With few populations, large groups or very fast diffusion it takes whole blocks.
    Where diffusion is so fast that single precision loses S beside D K, the constants, which K does
    not see, are solved for in double precision first.

    Args:
        stiffness: Scalar K (symmetric, rows sum to zero).
        diffusivity: Of every diffusing population, um^2/day.
        blocks: Compiled functions.
        comm: Communicator of the stiffness.

    Attributes:
        operator: (rows, nd^2) float32 node blocks S, column major.
    """

    SWEEPS_COARSEST = 4
    COARSEST = 100  # rows that are not aggregated further
    STALLED = 0.7  # rows left by an aggregation that is not worth a level
    STIFF = 1e5  # diffusion over reaction of a population beyond which its mean is solved for apart

    def __init__(
        self,
        stiffness: LocalMatrix,
        diffusivity: np.ndarray,
        blocks: Blocks,
        comm: MPI.Comm,
    ):
        self._c, self._comm = blocks, comm
        self._D = np.ascontiguousarray(diffusivity, dtype=np.float32)
        self.levels = [Level(stiffness, blocks)]
        self._coarsen(stiffness)
        self._trace = float(reduced(self._comm, np.array([stiffness.diagonal().sum()]))[0])
        self._apart = False  # whether constants are solved for apart
        self._total = np.zeros((blocks.nd, blocks.nd))
        self._rest = padded_rows(stiffness.rows, blocks.nd)
        self.operator = padded_rows(stiffness.rows, blocks.nd**2)
        self.groups: Groups | None = None

    def _coarsen(self, matrix: LocalMatrix) -> None:
        """Collective: all levels below the finest."""
        comm = self._comm
        total = self._total_rows(matrix, comm)
        while total > self.COARSEST:
            prolongator, matrix = coarsen(matrix, comm)
            before, total = total, self._total_rows(matrix, comm)
            if total > self.STALLED * before:
                return
            self.levels[-1].prolong = prolongator
            self.levels.append(Level(matrix, self._c))
            if isinstance(matrix.halo, Replica):
                from mpi4py import MPI

                comm = MPI.COMM_SELF

    @staticmethod
    def _total_rows(matrix: LocalMatrix, comm: MPI.Comm) -> int:
        if isinstance(matrix.halo, Replica):
            return matrix.rows
        return int(reduced(comm, np.array([matrix.rows]))[0])

    @property
    def sizes(self) -> list[int]:
        """Owned rows per level, finest first."""
        return [level.rows for level in self.levels]

    def set_diffusivity(self, values: np.ndarray) -> None:
        """Change the diffusivities; takes effect with the next `set_blocks`."""
        self._D[:] = values

    def set_blocks(self, found: Couplings) -> bool:
        """Collective: refresh every level after the node blocks in `operator` have changed.

        Args:
            found: What there is to know of them on this rank.

        Returns:
            Whether every block on this rank could be inverted.
        """
        self._total, strongest = reduced_both(self._comm, found.total, found.strongest)
        stiff = self._D * self._trace > self.STIFF * np.abs(np.diag(self._total))
        self._apart = bool(len(self.levels) > 1 and stiff.any())
        self._take(g := None if stiff.any() else Groups.found_in(strongest))
        if g is not None:
            self._c.compact(self.levels[0].rows, *g.layout, self.operator, self.levels[0].schur)
        return sum(self._refresh(n) for n in range(len(self.levels))) == 0

    def _take(self, groups: Groups | None) -> None:
        """Room for node blocks of these groups, or for whole ones."""
        self.groups = groups
        for level in self.levels:
            level.resize(self._c.nd**2 if groups is None else groups.width)
        if groups is None:
            self.levels[0].schur = self.operator

    def _refresh(self, n: int) -> int:
        """Collective: blocks of the level below, and inverses of this one; how many there are none of."""
        c, level, g, moving = self._c, self.levels[n], self.groups, None
        if level.prolong is not None:
            p, coarse, width = level.prolong, self.levels[n + 1], level.schur.shape[1]
            coarse.schur.fill(0.0)
            c.lump(0, level.rows, width, p.columns, p.weights, level.schur, coarse.schur)
            moving = coarse.halo.begin_add(coarse.schur)
        if g is None:
            bad = c.invert(level.rows, level.diagonal, self._D, level.schur, level.inverse)
        else:
            bad = c.invert_groups(level.rows, *g.layout, level.diagonal, self._D, level.schur, level.inverse)
        if moving is not None:
            moving.end()
        return int(bad)

    # ---------------------------------------------------------------- blocks that serve several steps
    @property
    def apart(self) -> bool:
        """Whether constants are solved for apart, with the sum of the node blocks of this step."""
        return self._apart

    @property
    def held_rows(self) -> list[int]:
        """Of `held`; of a level that every rank has as a whole, the first one hands out all."""
        return [
            0 if isinstance(level.halo, Replica) and self._comm.rank else level.rows
            for level in self.levels[:2]
        ]

    @property
    def held(self) -> list[np.ndarray]:
        """What a cycle needs of the node blocks, apart from what follows from it: this rank's rows of the
        inverses of the finest level, and of the blocks of the next one.
        """
        fine, *coarser = self.levels
        return [fine.inverse, *(c.schur[:n] for c, n in zip(coarser, self.held_rows[1:], strict=False))]

    def hold(self, groups: Sequence[Sequence[int]] | None, fill: Callable[[], None]) -> None:
        """Collective: take blocks of an earlier step.

        Args:
            groups: Members of the groups of populations that they couple; None for whole blocks.
            fill: Collective; fills what is `held`.
        """
        self._apart = False
        self._take(None if groups is None else Groups.of(groups, self._c.nd))
        fill()
        if len(self.levels) > 1:
            coarse = self.levels[1]
            if isinstance(coarse.halo, Replica):
                self._comm.Bcast(coarse.schur, 0)
            for n in range(1, len(self.levels)):
                self._refresh(n)

    def cycle(self, b: np.ndarray) -> np.ndarray:
        """Collective: one V-cycle from zero for right side `b` (rows, nd) float32.

        Returns:
            The level's own array (owned + ghost rows); ghosts are not up to date.
        """
        if not self._apart:
            return self._cycle(0, b)
        constant = np.linalg.lstsq(self._total, reduced(self._comm, b.sum(axis=0, dtype=np.float64)))[0]
        self._c.subtract_uniform(self.levels[0].rows, self.operator, constant, b, self._rest)
        x = self._cycle(0, self._rest)
        x += constant.astype(np.float32)
        return x

    def apply_dots(
        self,
        x: np.ndarray,
        k: int,
        weights: np.ndarray,
        basis: np.ndarray,
        stride: int,
        r: np.ndarray,
        w: np.ndarray,
        out: np.ndarray,
    ) -> None:
        """Collective: ``w = (D K + S) x``, rounded to single precision, and this rank's weighted products.

        Args:
            x: (owned + ghost rows, nd), ghosts are filled here.
            k: Vectors of the basis.
            weights: (nd,) of the products.
            basis: Its vectors, `stride` numbers apart.
            stride: See `basis`.
            r: (rows, nd).
            w: (rows, nd), the result.
            out: (k + 2,): products of w with the basis, with itself and with `r`.
        """
        fine = self.levels[0]

        def part(first: int, last: int) -> None:
            if first < last:
                self._c.apply_dots(
                    first, last, fine.indptr, fine.indices, fine.values, self._D, self.operator, x, k,
                    weights, basis, stride, r, w, out,
                )  # fmt: skip

        out[:] = 0.0
        moving = fine.halo.begin(x)
        part(fine.edge, fine.rows)
        moving.end()
        part(0, fine.edge)

    def _sweep(self, level: Level, b: np.ndarray, backward: int) -> None:
        g = self.groups
        matrix = level.indptr, level.indices, level.values, level.diagonal
        if g is None:
            self._c.sweep(level.rows, backward, *matrix, self._D, level.inverse, b, level.x)
        else:
            self._c.sweep_groups(level.rows, backward, *matrix, self._D, *g.layout, level.inverse, b, level.x)

    def _sweep_from_zero(self, level: Level, b: np.ndarray, first: int, last: int) -> None:
        if first == last:
            return
        g = self.groups
        matrix = level.indptr, level.lower, level.indices, level.values
        if g is None:
            self._c.sweep_from_zero(first, last, *matrix, self._D, level.inverse, b, level.x)
        else:
            self._c.sweep_groups_from_zero(
                first, last, *matrix, self._D, *g.layout, level.inverse, b, level.x
            )

    def _cycle(self, n: int, b: np.ndarray) -> np.ndarray:
        level = self.levels[n]
        self._sweep_from_zero(level, b, 0, level.edge)
        moving = level.halo.begin(level.x)
        self._sweep_from_zero(level, b, level.edge, level.rows)
        moving.end()
        p = level.prolong
        if p is None:
            self._sweep(level, b, 1)
            sweeps = 1 if len(self.levels) == 1 and level.rows <= 1 else self.SWEEPS_COARSEST
            for _ in range(sweeps - 1):
                level.halo(level.x)
                self._sweep(level, b, 0)
                level.halo(level.x)
                self._sweep(level, b, 1)
            return level.x
        coarse = self.levels[n + 1]
        coarse.b.fill(0.0)
        self._restrict(level, p, 0, level.edge, coarse.b)
        moving = coarse.halo.begin_add(coarse.b)
        self._restrict(level, p, level.edge, level.rows, coarse.b)
        moving.end()
        correction = self._cycle(n + 1, coarse.b)
        moving = coarse.halo.begin(correction)
        self._prolong(level, p, correction, level.edge, level.rows)
        moving.end()
        self._prolong(level, p, correction, 0, level.edge)
        self._prolong(level, p, correction, level.rows, len(level.x))  # ghosts need no exchange
        self._sweep(level, b, 1)
        return level.x

    def _prolong(self, level: Level, p: Prolongator, correction: np.ndarray, first: int, last: int) -> None:
        if first < last:
            self._c.prolong(first, last, p.columns, p.weights, correction, level.x)

    def _restrict(self, level: Level, p: Prolongator, first: int, last: int, out: np.ndarray) -> None:
        if first < last:
            self._c.restrict_after_zero(
                first, last, level.indptr, level.upper, level.indices, level.values, self._D, level.x,
                p.columns, p.weights, out,
            )  # fmt: skip
