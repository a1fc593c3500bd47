# SPDX-License-Identifier: LGPL-3.0-or-later
"""Multigrid on the scalar stiffness, shared by all populations: set up once per mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..compiled import Record
from .aggregation import coarsen
from .blocks import Blocks, padded_rows
from .elimination import Couplings
from .groups import Groups
from .halo import LocalMatrix, Replica, Transfer
from .level import Level
from .reduction import reduced, reduced_both
from .stiffness import Stiffness

if TYPE_CHECKING:
    from mpi4py import MPI


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
        matrix: Scalar K (symmetric, rows sum to zero).
        stiffness: The same in the form of cycles and rates.
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
        matrix: LocalMatrix,
        stiffness: Stiffness,
        diffusivity: np.ndarray,
        blocks: Blocks,
        comm: MPI.Comm,
    ):
        self._c, self._comm = blocks, comm
        self._D = np.ascontiguousarray(diffusivity, dtype=np.float32)
        self._trace = float(reduced(self._comm, np.array([matrix.diagonal().sum()]))[0])
        self.levels = [Level(matrix, stiffness, blocks, comm.size == 1)]
        self._coarsen(matrix)
        self._smoother: Record = blocks.record("smoother", D=self._D)
        self._image: Record = blocks.record("image")
        self._apart = False  # whether constants are solved for apart
        self._total = np.zeros((blocks.nd, blocks.nd))
        self._rest = padded_rows(stiffness.rows, blocks.nd)
        self.operator = padded_rows(stiffness.rows, blocks.nd**2)
        self._image.set(S=self.operator)
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
            if isinstance(matrix.halo, Replica):
                from mpi4py import MPI

                comm = MPI.COMM_SELF
            self.levels.append(Level(matrix, Stiffness(matrix, self._c), self._c, comm.size == 1))
            self.levels[-2].continue_with(prolongator, self.levels[-1])

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
        blocks = [level.inverse for level in self.levels]  # until they are inverted in place
        if g is None:
            blocks[0] = self.operator
        else:
            self._c.compact(self.levels[0].rows, *g.layout, self.operator, blocks[0])
        return sum(self._refresh(n, S) for n, S in enumerate(blocks)) == 0

    def _take(self, groups: Groups | None) -> None:
        """Room for node blocks of these groups, or for whole ones."""
        self.groups = groups
        width = self._c.nd**2 if groups is None else groups.width
        for n, level in enumerate(self.levels):
            level.resize(width, ghosts=n > 0)
        if groups is None:
            self._smoother.set(whole=1, groups=0, size=None, index=None, width=width)
        else:
            count, size, index, _ = groups.layout
            self._smoother.set(whole=0, groups=count, size=size, index=index, width=width)

    def _refresh(self, n: int, S: np.ndarray) -> int:
        """Collective: blocks of the level below, and inverses of this one; how many there are none of."""
        c, level, g, moving = self._c, self.levels[n], self.groups, None
        if level.prolong is not None:
            p, coarse = level.prolong, self.levels[n + 1]
            coarse.inverse.fill(0.0)
            c.lump(0, level.rows, S.shape[1], p.columns, p.weights, S, coarse.inverse)
            moving = coarse.halo.begin_add(coarse.inverse)
        if g is None:
            bad = c.invert(level.rows, level.diagonal, self._D, S, level.inverse)
        else:
            bad = c.invert_groups(level.rows, *g.layout, level.diagonal, self._D, S, level.inverse)
        if moving is not None:
            moving.end()
        return int(bad)

    # ---------------------------------------------------------------- blocks that serve several steps
    @property
    def apart(self) -> bool:
        """Whether constants are solved for apart, with the sum of the node blocks of this step."""
        return self._apart

    @property
    def held(self) -> list[np.ndarray]:
        """What a cycle needs of the node blocks, level by level: inverses that this rank hands out, which are
        those of its own rows; of a level that every rank has as a whole the first one hands out all.
        """
        first = self._comm.rank == 0
        return [v.inverse[: v.rows if first or not v.alone else 0] for v in self.levels]

    def hold(self, groups: Sequence[Sequence[int]] | None, fill: Callable[[], None]) -> None:
        """Collective: take blocks of an earlier step.

        Args:
            groups: Members of the groups of populations that they couple; None for whole blocks.
            fill: Collective; fills what is `held`.
        """
        self._apart = False
        self._take(None if groups is None else Groups.of(groups, self._c.nd))
        fill()
        for level in self.levels:
            if level.alone:
                self._comm.Bcast(level.inverse, 0)

    def cycle(self, b: np.ndarray) -> np.ndarray:
        """Collective: one V-cycle from zero for right side `b` (rows, nd) float32.

        Returns:
            The level's own array (owned + ghost rows); ghosts are not up to date.
        """
        x = self.levels[0].x
        if not self._apart:
            self._cycle(0, b, x)
            return x
        constant = np.linalg.lstsq(self._total, reduced(self._comm, b.sum(axis=0, dtype=np.float64)))[0]
        self._c.subtract_uniform(self.levels[0].rows, self.operator, constant, b, self._rest)
        self._cycle(0, self._rest, x)
        x += constant.astype(np.float32)
        return x

    def direction(
        self, r: np.ndarray, z: np.ndarray, k: int, weights: np.ndarray, basis: np.ndarray, w: np.ndarray
    ) -> np.ndarray:
        """Collective: a cycle for `r` into `z`, and ``w = (D K + S) z``, rounded to single precision.

        Args:
            r: (rows, nd).
            z: (owned + ghost rows, nd), the cycle.
            k: Vectors of the basis.
            weights: (nd,) of the products.
            basis: (at least k, rows * nd), its vectors.
            w: (rows, nd).

        Returns:
            (k + 2,) this rank's weighted products of w with the basis, with itself and with `r`.
        """
        out = np.zeros(k + 2)
        self._image.set(weights=weights, V=basis[:k], r=r, stride=basis.shape[1], k=k, w=w, out=out)
        if self._apart:
            z[:] = self.cycle(r)
            self._apply(z, self.levels[0].rows)
        else:
            self._cycle(0, r, z, self._image)
        return out

    def _apply(self, z: np.ndarray, left: int) -> None:
        """Collective: the operator and its products in rows before `left`, which is no edge row."""
        fine = self.levels[0]
        moving = fine.halo.begin(z)
        self._c.apply_rows(fine.record, self._smoother, self._image, z, fine.edge, left)
        moving.end()
        self._c.apply_rows(fine.record, self._smoother, self._image, z, 0, min(fine.edge, left))

    def _cycle(self, n: int, b: np.ndarray, x: np.ndarray, image: Record | None = None) -> None:
        """Collective: a cycle of level `n` and below, and the operator on it where there is an `image`."""
        level, c, smoother = self.levels[n], self._c, self._smoother
        if level.alone:
            single = len(self.levels) == 1 and level.rows <= 1
            c.cycle(level.record, smoother, 1 if single else self.SWEEPS_COARSEST, b, x, image)
            return
        c.sweep_from_zero(level.record, smoother, b, x, 0, level.edge)
        ghosts = level.halo.begin(x)
        p = level.prolong
        if p is None:
            self._solve_coarsest(level, b, x, ghosts)
            if image is not None:
                self._apply(x, level.rows)
            return
        coarse = self.levels[n + 1]
        coarse.b.fill(0.0)
        done = c.descend(level.record, smoother, b, x, coarse.b, level.edge, level.beyond, level.edge)
        c.restrict_edge(level.record, smoother, x, coarse.b, level.edge)
        moving = coarse.halo.begin_add(coarse.b)
        c.descend(level.record, smoother, b, x, coarse.b, level.beyond, level.rows, done)
        moving.end()
        self._cycle(n + 1, coarse.b, coarse.x)
        ghosts.end()
        # Coarse values of others are those from before their last sweep: the loss is hardly an iteration in
        # a hundred, and nobody waits.
        c.prolong(level.record, coarse.x, x, level.rows, len(x))
        at = np.full(3, level.rows)
        c.ascend(level.record, smoother, b, x, coarse.x, image, level.edge, at)
        if image is not None:
            self._apply(x, int(at[2]))

    def _solve_coarsest(self, level: Level, b: np.ndarray, x: np.ndarray, moving: Transfer) -> None:
        """Collective: sweeps, the first of which has come to the edge."""
        self._c.sweep_from_zero(level.record, self._smoother, b, x, level.edge, level.rows)
        moving.end()
        for k in range(self.SWEEPS_COARSEST):
            if k:
                level.halo(x)
                self._c.sweep(level.record, self._smoother, 0, b, x)
                level.halo(x)
            self._c.sweep(level.record, self._smoother, 1, b, x)
