# SPDX-License-Identifier: LGPL-3.0-or-later
"""The semi-discrete system M dy/dt = -K D y + M r(t, y): rates, and solves with c I - J."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .blocks import padded_rows
from .elimination import Couplings, Elimination
from .hierarchy import Hierarchy
from .krylov import Krylov, Solve
from .pattern import Pattern
from .pointwise import Pointwise
from .problem import Problem
from .rates import Rates
from .rescue import Rescue
from .reuse import Reuse
from .states import Extent

SINGULAR = "solve: a local block is singular"
DIVERGED = "solve: the linear solver did not converge"


@dataclass(frozen=True)
class Correction:
    """What one iteration of Newton's method came to.

    Attributes:
        failure: Why there is none, or None.
        extent: Of the new state.
        flows: (populations,) this rank's totals of f + J d: the reactions that belong to the new state.
    """

    failure: str | None
    extent: Extent | None = None
    flows: np.ndarray | None = None


class System(Rates):
    """Rates and linear solves of a `Problem` on flat state vectors."""

    def __init__(self, problem: Problem):
        super().__init__(problem)
        p, nd = problem, problem.diffusing
        self.hierarchy: Hierarchy | None = None  # nothing diffuses: every point is solved for by itself
        self._krylov: Krylov | None = None
        if self._stiffness is not None:
            self.hierarchy = Hierarchy(p.local, self._stiffness, self._D, self._c, p.comm)
            self._krylov = Krylov(
                self._rows, p.local.halo.ghosts, self._c, p.comm, self._apply, self.hierarchy
            )
        self._b, self._xd = np.zeros((self._rows, nd)), np.zeros((self._rows, nd))
        self._single = padded_rows(self._rows, 0) if self.hierarchy is None else self.hierarchy.operator
        self._whole: np.ndarray | None = None  # node blocks in double precision, where they are asked for
        self._whole_is_used = False
        self._shift = 0.0
        kinds = (p.inside, p.marrow_width), (p.surface, self.populations)
        patterns = [Pattern(q.kernel.jac_rows, q.kernel.jac_cols, nd, width) for q, width in kinds]
        self._kinds = tuple(
            (points, Elimination(pattern, points.node, self._c))
            for (points, _), pattern in zip(kinds, patterns, strict=True)
            if len(points.node)
        )
        self.pointwise: tuple[Pointwise, ...] = ()  # of every kind, or of none
        if nd and all(Pointwise.possible(q, e) for (q, _), e in zip(kinds, patterns, strict=True)):
            self.pointwise = tuple(Pointwise(q, e.pattern, p.marrow_width) for q, e in self._kinds)
        self._at: tuple[float, np.ndarray, np.ndarray] | None = None  # what they look at
        self.iterations = 0
        self.solves = 0
        self.rescued = 0  # solves for which a stronger solver was needed
        self.reuse = Reuse(self.hierarchy)  # of the node blocks of the preconditioner
        self.rescue: Rescue | None = None
        if self.hierarchy is not None:
            self.rescue = Rescue(p.local, self._D, self._blocks, self._apply, self.hierarchy, p.comm)

    def set_diffusivity(self, values: np.ndarray) -> None:
        """Change the diffusivities (um^2/day) of the diffusing populations."""
        self._D[:] = values
        self.reuse.forget()
        if self.hierarchy is not None:
            self.hierarchy.set_diffusivity(values)

    # ---------------------------------------------------------------- linear algebra
    def prepare(self, t: float, y: np.ndarray, c: float) -> bool:
        """Collective: factor ``c I - J(t, y)``; False if a local block is singular or not finite."""
        self.reuse.forget()
        good = self._everywhere(self._factor(t, y, c))
        self.reuse.forget()
        return good

    def _everywhere(self, good: bool) -> bool:
        """Collective: whether all is good on every rank."""
        return bool(self.reduce(np.array([float(not good)]))[0] == 0)

    def _factor(self, t: float, y: np.ndarray, c: float) -> bool:
        """Collective: as `_prepare`, with factors that stay."""
        self._at = None
        for points, elimination in self._kinds:
            points.kernel.jacobian(t, *self._arguments(points, y), elimination.J)
        return self._prepare(c, None)

    def _prepare(self, c: float, right: tuple[np.ndarray, np.ndarray] | None) -> bool:
        """Collective: node blocks, and all that the preconditioner needs; whether this rank's are good."""
        if self._krylov is not None:
            self._krylov.reset()
        if not self._whole_is_used:
            self._whole = None
        self._whole_is_used, self._shift = False, c
        older = self.reuse.serves(c)
        found = Couplings(self.problem.diffusing, pairs=not older)
        good = self._eliminate(found, right) == 0
        if not older:
            good &= self.reuse.make(c, found)
        return good

    def _renew(self) -> bool:
        """Collective: new blocks for the preconditioner of a step that was begun with older ones."""
        found = Couplings(self.problem.diffusing)
        self._eliminate(found)
        self.reuse.renewed += 1
        return self._everywhere(self.reuse.make(self._shift, found))

    def _eliminate(self, found: Couplings, right: tuple[np.ndarray, np.ndarray] | None = None) -> int:
        """Eliminate at every point of this rank; returns how many are singular."""
        p, bad = self.problem, 0
        for k, (points, elimination) in enumerate(self._kinds):
            if self._at is None:
                bad += elimination.factor(self._shift, p.volumes, self._single, self._whole, found)
                continue
            t, y, d = self._at
            bad += self.pointwise[k].eliminate(
                (t, *self._arguments(points, y)), self._shift, p.volumes,
                (self.marrow(d), self.surface(d)), right, self._single, self._whole, found,
            )  # fmt: skip
        if len(p.open_rows):
            through = p.open_area[:, None] * p.exchange
            found.total[np.diag_indices(p.diffusing)] += through.sum(axis=0)
            at = p.open_rows[:, None], np.arange(p.diffusing) * (p.diffusing + 1)
            self._single[at] += through
            if self._whole is not None:
                self._whole[at] += through
        return bad

    def release(self) -> None:
        """Give back the memory of the factors that `prepare` made, and of its Jacobian."""
        for _, elimination in self._kinds:
            elimination.release()

    def _blocks(self) -> np.ndarray:
        """(rows, nd^2) node blocks in double precision, which most solves do without."""
        self._whole_is_used = True
        if self._whole is None:
            self._whole = np.zeros(self._single.shape)
            self._eliminate(Couplings(self.problem.diffusing, pairs=False))
        return self._whole

    def _apply(self, x: np.ndarray, y: np.ndarray) -> None:
        k = self.problem.local
        k.halo(x)
        self._c.apply(self._entries, self._D, self._blocks(), x, y)

    def solve(
        self, r: np.ndarray, out: np.ndarray, scale: np.ndarray, tolerance: float, share: float = 1.0
    ) -> Solve:
        """Collective: ``(c I - J) out = r`` with the last prepared c and J.

        Args:
            r: Right side.
            out: Solution.
            scale: Magnitude of every population; the residual is measured relative to it.
            tolerance: Root-mean-square residual allowed, relative to `scale`, in units of `r`.
            share: Largest part of the right side that may be left, however small that is.
        """
        p = self.problem
        if out is not r:
            out[:] = r
        om, os_ = self.marrow(out), self.surface(out)
        for _, elimination in self._kinds:
            elimination.reduce(p.volumes, om, os_, self._b)
        done = self._solve_diffusing(scale, tolerance, share)
        for _, elimination in self._kinds:
            elimination.expand(self._xd, om, os_)
        return done

    def _solve_diffusing(self, scale: np.ndarray, tolerance: float, share: float) -> Solve:
        """Collective: what diffuses, from right sides times volume."""
        nd, done = self.problem.diffusing, Solve(0, 0.0, True)
        if self._krylov is not None:
            weights = 1.0 / np.maximum(scale[:nd], 1e-300) ** 2
            target = tolerance * self.marrow_volume / np.sqrt(self.rows_global)
            done = self._krylov.solve(self._b, self._xd, weights, target, share)
            if done.converged:
                self.reuse.solved(done.iterations)
            elif self._everywhere(bool(np.isfinite(self._b).all())):
                done = self._solve_again(done, weights, target, share)
        self.iterations += done.iterations
        self.solves += 1
        return done

    def _solve_again(self, done: Solve, weights: np.ndarray, target: float, share: float) -> Solve:
        """Collective: a solve that failed, once more with new node blocks if there are, or a stronger one."""
        before = done.iterations
        if self._krylov is not None and self.reuse.older and self._renew():
            self._krylov.reset()
            done = self._krylov.solve(self._b, self._xd, weights, target, share)
            done = replace(done, iterations=before + done.iterations)
        self.reuse.forget()
        if done.converged or self.rescue is None:
            return done
        self.rescued += 1
        before, done = done.iterations, self.rescue.solve(self._b, self._xd, weights, target, share)
        return replace(done, iterations=before + done.iterations)

    def reaction_along(self, v: np.ndarray) -> np.ndarray:
        """This rank's part of the totals of (reaction Jacobian) v at the last prepared state."""
        p, out = self.problem, np.zeros(self.populations)
        vm, vs = self.marrow(v), self.surface(v)
        for points, elimination in self._kinds:
            elimination.along(p.volumes, points.weight, vm, vs, out)
        if len(p.open_rows):
            out[: p.diffusing] -= p.exchange * (p.open_area[:, None] * vm[p.open_rows, : p.diffusing]).sum(0)
        return out

    # ---------------------------------------------------------------- one iteration of Newton's method
    def correct(
        self,
        t: float,
        y: np.ndarray,
        d: np.ndarray,
        c: float,
        scale: np.ndarray,
        tolerance: float,
        share: float,
    ) -> Correction:
        """Collective: add to `y` the solution e of ``(c I - J(t, y)) e = f(t, y) + d``.

        Args:
            t: day.
            y: State; the new one comes out.
            d: Is worked in.
            c: 1/day.
            scale, tolerance, share: As in `solve`.
        """
        if not self.pointwise:
            if not self._everywhere(self._factor(t, y, c)):
                return Correction(SINGULAR)
            self.add_rate(t, y, d)
            if not self.solve(d, d, scale, tolerance, share).converged:
                return Correction(DIVERGED)
            flows = self.reaction + self.reaction_along(d)
            return Correction(None, self.advance(y, d), flows)
        self.release()
        self._at = t, y, d
        good = self._prepare(c, (self._b, self._x))
        self._move(y)
        if not good:  # the first norm tells all other ranks
            self._b[:] = np.nan
        if not self._solve_diffusing(scale, tolerance, share).converged:
            return Correction(DIVERGED if self._everywhere(good) else SINGULAR)
        return self._finish(t, y, d)

    def _move(self, y: np.ndarray) -> None:
        """Collective: what diffuses, and what comes through faces, into the right sides."""
        p, k = self.problem, self.problem.local
        if len(p.open_rows):
            there = self.marrow(y)[p.open_rows, : p.diffusing]
            self._b[p.open_rows] += p.open_area[:, None] * p.exchange * (p.far - there)
        if len(p.source_rows):
            self._b[p.source_rows] += p.volumes[p.source_rows, None] * p.source
        moving = k.halo.begin(self._x)
        for first, last in ((self._edge, self._rows), (0, self._edge)):
            self._c.diffuse(first, last, self._entries, self._D, self._x, self._b)
            moving.end()

    def _finish(self, t: float, y: np.ndarray, d: np.ndarray) -> Correction:
        """Collective: the new state, once the correction of what diffuses is known."""
        p, nd = self.problem, self.problem.diffusing
        flows = np.zeros(self.populations)
        sums, ends = np.zeros((2, self.populations)), np.zeros((2, self.populations))
        ends[0] = np.inf
        for passes, (points, _) in zip(self.pointwise, self._kinds, strict=True):
            mine, extent = passes.finish(
                (t, *self._arguments(points, y)), self._shift, p.volumes,
                (self.marrow(d), self.surface(d)), self._xd,
            )  # fmt: skip
            n = len(mine)
            flows[:n] += mine
            sums[:, :n] += extent[:2]
            ends[0, :n], ends[1, :n] = np.minimum(ends[0, :n], extent[2]), np.maximum(ends[1, :n], extent[3])
        self._at = None  # the state has moved on
        if len(p.open_rows):
            there = self.marrow(y)[p.open_rows, :nd]
            flows[:nd] += p.exchange * (p.open_area @ (p.far - there))
        if len(p.source_rows):
            flows[:nd] += p.volumes[p.source_rows] @ p.source
        return Correction(None, self._extent(sums, ends), flows)
