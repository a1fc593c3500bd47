# SPDX-License-Identifier: LGPL-3.0-or-later
"""Multigrid on the scalar stiffness, shared by all populations: set up once per mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from .blocks import Blocks, padded_rows
from .halo import LocalMatrix
from .reduction import reduced

if TYPE_CHECKING:
    from mpi4py import MPI
    from petsc4py import PETSc


class Level:
    """One level: the stiffness, its node blocks, and the transfer to the next coarser level."""

    def __init__(self, stiffness: LocalMatrix, blocks: Blocks):
        self.indptr, self.indices = stiffness.indptr, stiffness.indices
        self.lower, self.upper = stiffness.split()
        self.values = np.ascontiguousarray(stiffness.values, np.float32)
        self.diagonal = stiffness.diagonal().astype(np.float32)
        self.halo = stiffness.halo
        n, nd = stiffness.rows, blocks.nd
        self.rows = n
        self.x = padded_rows(n + self.halo.ghosts, nd)
        self.b = padded_rows(n, nd)
        self.prolong: Transfer | None = None
        self.restrict: Transfer | None = None
        self._width = -1

    def resize(self, width: int) -> None:
        """Make room for node blocks of `width` numbers: S, and its inverse together with K."""
        if width != self._width:
            self._width = width
            self.schur, self.inverse = padded_rows(self.reach, width), padded_rows(self.rows, width)

    @property
    def reach(self) -> int:
        """Rows that node blocks must have: owned ones, then the ghosts of the restriction."""
        return self.rows if self.restrict is None else self.restrict.input.shape[0]


@dataclass(frozen=True)
class Groups:
    """Populations that react so strongly with each other that the smoother must couple them.

    Attributes:
        size: int32, populations of each group.
        index: int32, those of the first group, then of the second, ...
        width: Numbers of a row that holds the diagonal and every group's block.
    """

    size: np.ndarray
    index: np.ndarray
    width: int


class Transfer:
    """A rectangular scalar matrix applied to interleaved rows, with its own input buffer."""

    def __init__(self, matrix: LocalMatrix, width: int):
        self.indptr, self.indices = matrix.indptr, matrix.indices
        self.values = matrix.values.astype(np.float32)
        self.halo = matrix.halo
        self.rows = matrix.rows
        self.input = padded_rows(self.halo.owned + self.halo.ghosts, width)


class Hierarchy:
    """V-cycle preconditioner of ``D (x) K + blockdiag(S)`` for all diffusing populations at once.

    The hierarchy is smoothed aggregation on the scalar K (PETSc GAMG), with prolongators scaled to
    row sum one so that constants are reproduced; node blocks S are lumped to the coarser levels;
    the smoother is symmetric processor-block Gauss-Seidel. It solves exactly, node by node, for groups
    of populations that bind each other strongly (found in S, whatever the units: |S_ij S_ji| beside
    S_ii S_jj) and for every other population by itself; the couplings it leaves out are the
    operator's business. With few populations, large groups or very fast diffusion it takes whole blocks.
    Where diffusion is so fast that single precision loses S beside D K, the constants, which K does
    not see, are solved for in double precision first.

    Args:
        stiffness: Assembled scalar K (symmetric, rows sum to zero), or None for a single point.
        local: The same as local rows.
        diffusivity: Of every diffusing population, um^2/day.
        blocks: Compiled functions.
        comm: Communicator of the stiffness.
    """

    SWEEPS_COARSEST = 4
    BOUND = 0.02  # coupling beyond which populations form a group
    LARGEST_GROUP = 4
    STIFF = 1e5  # diffusion over reaction of a population beyond which its mean is solved for apart

    def __init__(
        self,
        stiffness: PETSc.Mat | None,
        local: LocalMatrix,
        diffusivity: np.ndarray,
        blocks: Blocks,
        comm: MPI.Comm,
    ):
        self._c, self._comm = blocks, comm
        self._D = np.ascontiguousarray(diffusivity, dtype=np.float32)
        self.levels: list[Level] = []
        matrices, prolongators = ([], []) if stiffness is None else _aggregate(stiffness, comm)
        self.levels.append(Level(local, blocks))
        for matrix, prolongator in zip(matrices[1:], prolongators, strict=True):
            fine = self.levels[-1]
            fine.prolong = Transfer(LocalMatrix.from_petsc(prolongator, comm), blocks.nd)
            transposed = prolongator.copy()
            transposed.transpose()
            fine.restrict = Transfer(LocalMatrix.from_petsc(transposed, comm), blocks.nd)
            self.levels.append(Level(LocalMatrix.from_petsc(matrix, comm), blocks))
            for m in (matrix, prolongator, transposed):
                m.destroy()
        if matrices:
            matrices[0].destroy()
        self._trace = float(reduced(self._comm, np.array([local.diagonal().sum()]))[0])
        self._schur: np.ndarray | None = None  # node blocks, where constants are solved for apart
        self._total = np.zeros((blocks.nd, blocks.nd))
        self._rest = padded_rows(local.rows, blocks.nd)
        self._operator = padded_rows(self.levels[0].reach, blocks.nd**2)  # S in single precision
        self.groups: Groups | None = None

    @property
    def sizes(self) -> list[int]:
        """Owned rows per level, finest first."""
        return [level.rows for level in self.levels]

    def set_diffusivity(self, values: np.ndarray) -> None:
        """Change the diffusivities; takes effect with the next `set_blocks`."""
        self._D[:] = values

    def set_blocks(self, schur: np.ndarray) -> bool:
        """Collective: take new node blocks (rows, nd*nd) float64 and refresh every level.

        Returns:
            Whether every block on this rank could be inverted.
        """
        c = self._c
        total = np.zeros(c.nd**2)
        c.narrow(len(schur), schur, self._operator, total)
        self._total = reduced(self._comm, total).reshape(c.nd, c.nd).T
        stiff = self._D * self._trace > self.STIFF * np.abs(np.diag(self._total))
        self._schur = schur if len(self.levels) > 1 and stiff.any() else None
        g = self.groups = None if stiff.any() else self._find_groups(schur)
        width, bad = c.nd**2 if g is None else g.width, 0
        for level in self.levels:
            level.resize(width)
        for n, level in enumerate(self.levels):
            if g is None:
                if n == 0:
                    level.schur = self._operator
                bad += c.invert(level.rows, level.diagonal, self._D, level.schur, level.inverse)
            else:
                if n == 0:
                    c.compact(level.rows, len(g.size), g.size, g.index, width, schur, level.schur)
                bad += c.invert_groups(
                    level.rows, len(g.size), g.size, g.index, width, level.diagonal, self._D, level.schur,
                    level.inverse,
                )  # fmt: skip
            if level.restrict is not None:
                t, coarse = level.restrict, self.levels[n + 1]
                t.halo(level.schur)
                c.transfer_rows(t.rows, width, t.indptr, t.indices, t.values, level.schur, coarse.schur)
        return bad == 0

    def _find_groups(self, schur: np.ndarray) -> Groups | None:
        """Collective: groups of populations to couple in the smoother; None for whole blocks."""
        nd = self._c.nd
        if nd <= self.LARGEST_GROUP:
            return None
        found = np.zeros(nd * nd)
        self._c.coupling(self.levels[0].rows, schur, found)
        strong = reduced(self._comm, found, "MAX").reshape(nd, nd) > self.BOUND
        count, label = connected_components(csr_matrix(strong), directed=False)
        members = [np.flatnonzero(label == k) for k in range(count)]
        groups = [m for m in members if len(m) > 1]
        if any(len(m) > self.LARGEST_GROUP for m in groups):
            return None
        sizes = np.array([len(m) for m in groups], np.int32)
        index = np.concatenate([*groups, np.zeros(0, np.int64)]).astype(np.int32)
        return Groups(sizes, index, nd + int((sizes**2).sum()))

    def cycle(self, b: np.ndarray) -> np.ndarray:
        """Collective: one V-cycle from zero for right side `b` (rows, nd) float32.

        Returns:
            The level's own array (owned + ghost rows); ghosts are not up to date.
        """
        if self._schur is None:
            return self._cycle(0, b)
        constant = np.linalg.lstsq(self._total, reduced(self._comm, b.sum(axis=0, dtype=np.float64)))[0]
        self._c.subtract_uniform(self.levels[0].rows, self._schur, constant, b, self._rest)
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
        fine.halo(x)
        self._c.apply_dots(
            fine.rows, fine.indptr, fine.indices, fine.values, self._D, self._operator, x, k, weights, basis,
            stride, r, w, out,
        )  # fmt: skip

    def _sweep(self, level: Level, b: np.ndarray, backward: int) -> None:
        g = self.groups
        matrix = level.indptr, level.indices, level.values, level.diagonal
        if g is None:
            self._c.sweep(level.rows, backward, *matrix, self._D, level.inverse, b, level.x)
        else:
            block = len(g.size), g.size, g.index, g.width
            self._c.sweep_groups(level.rows, backward, *matrix, self._D, *block, level.inverse, b, level.x)

    def _sweep_from_zero(self, level: Level, b: np.ndarray) -> None:
        g = self.groups
        matrix = level.indptr, level.lower, level.indices, level.values
        if g is None:
            self._c.sweep_from_zero(level.rows, *matrix, self._D, level.inverse, b, level.x)
        else:
            block = len(g.size), g.size, g.index, g.width
            self._c.sweep_groups_from_zero(level.rows, *matrix, self._D, *block, level.inverse, b, level.x)

    def _cycle(self, n: int, b: np.ndarray) -> np.ndarray:
        c, level = self._c, self.levels[n]
        self._sweep_from_zero(level, b)
        level.halo(level.x)
        if level.restrict is None:
            self._sweep(level, b, 1)
            sweeps = 1 if len(self.levels) == 1 and level.rows <= 1 else self.SWEEPS_COARSEST
            for _ in range(sweeps - 1):
                level.halo(level.x)
                self._sweep(level, b, 0)
                level.halo(level.x)
                self._sweep(level, b, 1)
            return level.x
        down, up, coarse = level.restrict, level.prolong, self.levels[n + 1]
        assert up is not None
        c.residual_after_zero(
            level.rows, level.indptr, level.upper, level.indices, level.values, self._D, level.x, down.input
        )
        down.halo(down.input)
        c.transfer(down.rows, 0, down.indptr, down.indices, down.values, down.input, coarse.b)
        correction = self._cycle(n + 1, coarse.b)
        up.input[: coarse.rows] = correction[: coarse.rows]
        up.halo(up.input)
        c.transfer(up.rows, 1, up.indptr, up.indices, up.values, up.input, level.x)
        level.halo(level.x)
        self._sweep(level, b, 1)
        return level.x


def _aggregate(stiffness: PETSc.Mat, comm: MPI.Comm) -> tuple[list[PETSc.Mat], list[PETSc.Mat]]:
    """Collective: GAMG's matrices and prolongators, finest first, prolongators with row sum one.

    GAMG represents its near-null space by an orthonormalised basis, so the coarse image of the
    constant is some vector B; scaling prolongator columns by B makes constants constant again.
    """
    from petsc4py import PETSc

    prefix = "osteofield_hierarchy_"
    options = PETSc.Options()
    settings = {
        "pc_gamg_agg_nsmooths": 1,
        "pc_gamg_threshold": 0.0,
        "pc_gamg_coarse_eq_limit": 200,
        "pc_gamg_aggressive_coarsening": 0,
    }
    for key, value in settings.items():
        options[prefix + key] = value
    shifted = stiffness.copy()
    d = shifted.getDiagonal()
    d.scale(1.0 + 1e-6)  # K is singular: GAMG's smoother estimates and the coarse factor need it regular
    shifted.setDiagonal(d)
    pc = PETSc.PC().create(comm)
    pc.setOptionsPrefix(prefix)
    pc.setType("gamg")
    pc.setOperators(shifted)
    pc.setFromOptions()
    pc.setUp()
    for key in settings:
        options.delValue(prefix + key)
    count = pc.getMGLevels()
    prolongators: list[PETSc.Mat] = []
    matrices = [stiffness.copy()]
    fine_constant: PETSc.Vec | None = None
    for n in range(count - 1, 0, -1):
        prolongator = pc.getMGInterpolation(n).copy()
        if fine_constant is not None:
            inverse = fine_constant.copy()
            inverse.reciprocal()
            prolongator.diagonalScale(inverse, None)
        constant = _coarse_constant(prolongator, comm)
        prolongator.diagonalScale(None, constant)
        ones, sums = prolongator.createVecRight(), prolongator.createVecLeft()
        ones.set(1.0)
        prolongator.mult(ones, sums)
        sums.reciprocal()
        prolongator.diagonalScale(sums, None)
        prolongators.append(prolongator)
        coarse = pc.getMGSmoother(n - 1).getOperators()[1].copy()  # the Galerkin product, up to that scaling
        coarse.diagonalScale(constant, constant)
        ones, sums = coarse.createVecs()
        ones.set(1.0)
        coarse.mult(ones, sums)  # what the shift has left
        sums.scale(-1.0)
        coarse.setDiagonal(sums, addv=True)
        matrices.append(coarse)
        fine_constant = constant
    pc.destroy()
    shifted.destroy()
    return matrices, prolongators


def _coarse_constant(prolongator: PETSc.Mat, comm: MPI.Comm) -> PETSc.Vec:
    """Collective: least-squares solution B of P B = 1."""
    from petsc4py import PETSc

    ones = prolongator.createVecLeft()
    ones.set(1.0)
    ksp = PETSc.KSP().create(comm)
    ksp.setType("lsqr")
    ksp.getPC().setType("none")
    ksp.setOperators(prolongator)
    ksp.setTolerances(rtol=1e-8, max_it=100)
    x = prolongator.createVecRight()
    ksp.solve(ones, x)
    ksp.destroy()
    return x
