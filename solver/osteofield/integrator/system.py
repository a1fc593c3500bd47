# SPDX-License-Identifier: LGPL-3.0-or-later
"""The semi-discrete system M dy/dt = -K D y + M r(t, y): rates, norms, and solves with c I - J."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .blocks import blocks, padded_rows
from .elimination import Couplings, Elimination
from .hierarchy import Hierarchy
from .krylov import Krylov, Solve
from .problem import Points, Problem
from .reduction import reduced
from .rescue import Rescue


@dataclass(frozen=True)
class Extent:
    """How large the populations of a state are, over all ranks.

    Attributes:
        norms: Root mean square of every population over its domain.
        change: The same of the change that led to the state.
        lowest, largest: Smallest value, and largest absolute value.
    """

    norms: np.ndarray
    change: np.ndarray
    lowest: np.ndarray
    largest: np.ndarray


class System:
    """Rates, norms and linear solves of a `Problem` on a flat state vector.

    The flat vector holds the marrow rows (populations interleaved, diffusing ones first) and after
    them the surface rows; `marrow` and `surface` give the two as 2-D views.
    """

    def __init__(self, problem: Problem):
        p = self.problem = problem
        self.comm = p.comm
        self._c = blocks(p.diffusing, p.marrow_width, p.surface_width)
        self._rows, self._points = len(p.volumes), len(p.surface.node)
        self._split = self._rows * p.marrow_width
        self.size = self._split + self._points * p.surface_width
        self.populations = p.marrow_width + p.surface_width
        self._D = np.ascontiguousarray(p.diffusivity, dtype=np.float64)
        nd = p.diffusing
        self.hierarchy: Hierarchy | None = None  # nothing diffuses: every point is solved for by itself
        self._krylov: Krylov | None = None
        # K is kept in single precision and applied to differences between nodes: rounding moves each flux
        # by 6e-8 of itself, and what leaves one node still arrives at the other
        self._stiffness = np.zeros(0, np.float32)
        if nd:
            self.hierarchy = Hierarchy(p.local, self._D, self._c, p.comm)
            self._krylov = Krylov(
                self._rows, p.local.halo.ghosts, self._c, p.comm, self._apply, self.hierarchy
            )
            self._stiffness = self.hierarchy.levels[0].values
        rows, self._edge = self._rows + p.local.halo.ghosts, p.local.edge
        self._x = np.zeros(rows * nd + 32)[: rows * nd].reshape(rows, nd)  # vector loads touch what follows
        self._f = self.vector()
        self._b, self._xd = np.zeros((self._rows, nd)), np.zeros((self._rows, nd))
        self._single = padded_rows(self._rows, 0) if self.hierarchy is None else self.hierarchy.operator
        self._whole: np.ndarray | None = None  # node blocks in double precision, where they are asked for
        self._whole_is_used = False
        self._shift = 0.0
        self._kinds = tuple(
            (points, Elimination(points.kernel.jac_rows, points.kernel.jac_cols, points.node, width, self._c))
            for points, width in ((p.inside, p.marrow_width), (p.surface, self.populations))
            if len(points.node)
        )
        measure = np.zeros(2)
        measure[:] = p.volumes.sum(), p.surface.weight.sum()
        count = np.array([self._rows])
        self.marrow_volume, self.surface_area = self.reduce(measure)
        self._measure = np.full(self.populations, self.marrow_volume)
        self._measure[p.marrow_width :] = max(self.surface_area, 1e-300)
        self.rows_global = int(self.reduce(count)[0])
        self.reaction = np.zeros(self.populations)
        self.iterations = 0
        self.solves = 0
        self.rescued = 0  # solves for which a stronger solver was needed
        self.rescue: Rescue | None = None
        if self.hierarchy is not None:
            self.rescue = Rescue(
                p.local, self._stiffness, self._D, self._blocks, self._apply, self.hierarchy, p.comm
            )

    # ---------------------------------------------------------------- views
    def vector(self) -> np.ndarray:
        """A zero state."""
        return np.zeros(self.size)

    def marrow(self, y: np.ndarray) -> np.ndarray:
        """(rows, marrow populations) view of a state."""
        return y[: self._split].reshape(self._rows, self.problem.marrow_width)

    def surface(self, y: np.ndarray) -> np.ndarray:
        """(surface points, surface populations) view of a state."""
        return y[self._split :].reshape(self._points, self.problem.surface_width)

    def set_diffusivity(self, values: np.ndarray) -> None:
        """Change the diffusivities (um^2/day) of the diffusing populations."""
        self._D[:] = values
        if self.hierarchy is not None:
            self.hierarchy.set_diffusivity(values)

    def linear(self, coefficients: list[float], vectors: list[np.ndarray], out: np.ndarray) -> None:
        """``out = sum c_j x_j``."""
        self._c.linear(coefficients, vectors, out)

    def linear2(
        self,
        first: list[float],
        second: list[float],
        vectors: list[np.ndarray],
        out: np.ndarray,
        other: np.ndarray,
    ) -> None:
        """``out = sum first_j x_j`` and ``other = sum second_j x_j``."""
        self._c.linear2(first, second, vectors, out, other)

    def reduce(self, values: np.ndarray, op: str = "SUM") -> np.ndarray:
        """Collective: combine an array over all ranks; `op` is ``SUM``, ``MIN`` or ``MAX``."""
        return reduced(self.comm, values, op)

    # ---------------------------------------------------------------- reductions
    def norms(self, v: np.ndarray) -> np.ndarray:
        """Collective: root mean square of every population over its domain."""
        p, out = self.problem, np.zeros(self.populations)
        self._c.squares(self._rows, p.marrow_width, p.volumes, v[: self._split], out)
        if self._points:
            self._c.squares(
                self._points, p.surface_width, p.surface.weight, v[self._split :], out[p.marrow_width :]
            )
        return np.sqrt(self.reduce(out) / self._measure)

    def combined_norms(
        self, first: np.ndarray, second: np.ndarray, vectors: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Collective: `norms` of two combinations of the same vectors."""
        both = np.zeros((2, self.populations))
        for weight, part, columns in self._parts():
            out = np.zeros(2 * (columns.stop - columns.start))
            self._c.gaps(weight, list(first), list(second), [v[part] for v in vectors], out)
            both[:, columns] = out.reshape(2, -1)
        one, two = np.sqrt(self.reduce(both) / self._measure)
        return one, two

    def advance(self, v: np.ndarray, change: np.ndarray) -> Extent:
        """Collective: ``v += change``, and what comes out."""
        sums, ends = np.zeros((2, self.populations)), np.zeros((2, self.populations))
        ends[0] = np.inf
        for weight, part, columns in self._parts():
            width = columns.stop - columns.start
            out = np.concatenate([sums[:, columns].ravel(), ends[:, columns].ravel()])
            self._c.advance(len(weight), width, weight, 1.0, change[part], v[part], out)
            sums[:, columns] = out[: 2 * width].reshape(2, width)
            ends[:, columns] = out[2 * width :].reshape(2, width)
        norms, changes = np.sqrt(self.reduce(sums) / self._measure)
        ends[0] *= -1.0
        lowest, largest = self.reduce(ends, "MAX")
        return Extent(norms, changes, -lowest, largest)

    def _parts(self) -> list[tuple[np.ndarray, slice, slice]]:
        """(weights, part of a flat state, populations) of marrow and surface rows."""
        p = self.problem
        width = p.marrow_width
        parts = [(p.volumes, slice(0, self._split), slice(0, width))]
        if self._points:
            parts.append((p.surface.weight, slice(self._split, None), slice(width, self.populations)))
        return parts

    def totals(self, v: np.ndarray) -> np.ndarray:
        """This rank's part of the integral of every population over its domain (not reduced)."""
        p, out = self.problem, np.zeros(self.populations)
        self._c.totals(self._rows, p.marrow_width, p.volumes, v[: self._split], out)
        if self._points:
            self._c.totals(
                self._points, p.surface_width, p.surface.weight, v[self._split :], out[p.marrow_width :]
            )
        return out

    def lowest(self, v: np.ndarray) -> np.ndarray:
        """Collective: smallest value of every population (NaN if there is one)."""
        p, out = self.problem, np.full(self.populations, np.inf)
        self._c.lowest(self._rows, p.marrow_width, v[: self._split], out)
        if self._points:
            self._c.lowest(self._points, p.surface_width, v[self._split :], out[p.marrow_width :])
        out[np.isnan(out)] = -np.inf  # MPI_MIN may drop a NaN
        return self.reduce(out, "MIN")

    def largest(self, v: np.ndarray) -> np.ndarray:
        """Collective: largest absolute value of every population."""
        p, out = self.problem, np.zeros(self.populations)
        self._c.largest(self._rows, p.marrow_width, v[: self._split], out)
        if self._points:
            self._c.largest(self._points, p.surface_width, v[self._split :], out[p.marrow_width :])
        return self.reduce(out, "MAX")

    def roundoff(self, y: np.ndarray) -> float:
        """Collective: rate, over the scale of its population, that round-off of diffusion alone makes."""
        p = self.problem
        fastest = np.zeros(1)
        if self._rows:
            fastest[0] = (p.local.diagonal() / p.volumes).max()
        nd = p.diffusing
        rates = self._D * self.reduce(fastest, "MAX")[0] * self.largest(y)[:nd]
        return 8.0 * float(np.finfo(float).eps * (rates / p.scale[:nd]).max(initial=0.0))

    # ---------------------------------------------------------------- rates
    def _arguments(self, points: Points, y: np.ndarray) -> tuple[Any, ...]:
        surface = self.surface(y) if points is self.problem.surface else None
        return points.node, self.marrow(y), surface, points.a, points.g, self.problem.position

    def rate(self, t: float, y: np.ndarray, out: np.ndarray) -> None:
        """Collective: dy/dt. Leaves this rank's reaction totals in `reaction`."""
        self._react(t, y, out)
        self._spread(y, out, 0.0, out)

    def add_rate(self, t: float, y: np.ndarray, out: np.ndarray) -> None:
        """Collective: ``out += dy/dt``. Leaves this rank's reaction totals in `reaction`."""
        self._react(t, y, self._f)
        self._spread(y, self._f, 1.0, out)

    def _react(self, t: float, y: np.ndarray, out: np.ndarray) -> None:
        """Rates of the reactions and of what comes through faces."""
        p = self.problem
        fm, fs = self.marrow(out), self.surface(out)
        for points, _ in self._kinds:
            points.kernel.rates(t, *self._arguments(points, y), fm, fs if points is p.surface else None)
        if len(p.open_rows):
            nd, rows = p.diffusing, p.open_rows
            flux = p.exchange * (p.far - self.marrow(y)[rows, :nd])
            fm[rows, :nd] += flux * (p.open_area / p.volumes[rows])[:, None]
        if len(p.source_rows):
            fm[p.source_rows, : p.diffusing] += p.source

    def _spread(self, y: np.ndarray, f: np.ndarray, share: float, out: np.ndarray) -> None:
        """Collective: ``out = share out + f + diffusion``; the totals of `f` are `reaction`."""
        p, k = self.problem, self.problem.local
        marrow, surface = slice(0, self._split), slice(self._split, None)
        self.reaction = totals = np.zeros(self.populations)
        if self._points:
            self._c.totals(
                self._points, p.surface_width, p.surface.weight, f[surface], totals[p.marrow_width :]
            )
            if share:
                self._c.linear([1.0, share], [f[surface], out[surface]], out[surface])
        if not p.diffusing:
            self._c.totals(self._rows, p.marrow_width, p.volumes, f[marrow], totals)
            if share:
                self._c.linear([1.0, share], [f[marrow], out[marrow]], out[marrow])
            return
        self._c.pack(self._rows, y, self._x)
        moving = k.halo.begin(self._x)
        for first, last in ((self._edge, self._rows), (0, self._edge)):
            self._c.gain(
                first, last, self._rows, k.indptr, k.indices, self._stiffness, self._D, p.volumes, self._x,
                f[marrow], share, out[marrow], totals,
            )  # fmt: skip
            moving.end()

    def time_derivative(self, t: float, y: np.ndarray, out: np.ndarray) -> None:
        """Partial derivative of the rates with respect to time."""
        fm, fs = self.marrow(out), self.surface(out)
        for points, _ in self._kinds:
            on_surface = points is self.problem.surface
            points.kernel.dfdt(t, *self._arguments(points, y), fm, fs if on_surface else None)

    # ---------------------------------------------------------------- linear algebra
    def prepare(self, t: float, y: np.ndarray, c: float) -> bool:
        """Collective: factor ``c I - J(t, y)``; False if a local block is singular or not finite."""
        if self._krylov is not None:
            self._krylov.reset()
        if not self._whole_is_used:
            self._whole = None
        self._whole_is_used, self._shift = False, c
        for points, elimination in self._kinds:
            points.kernel.jacobian(t, *self._arguments(points, y), elimination.J)
        found = Couplings(self.problem.diffusing)
        bad, good = self._eliminate(found), True
        if self.hierarchy is not None:
            good = self.hierarchy.set_blocks(found)
        return bool(self.reduce(np.array([float(bad or not good)]))[0] == 0)

    def _eliminate(self, found: Couplings) -> int:
        """Factor at every point of this rank with the present Jacobian; returns how many are singular."""
        p, bad = self.problem, 0
        for _, elimination in self._kinds:
            bad += elimination.factor(self._shift, p.volumes, self._single, self._whole, found)
        if len(p.open_rows):
            through = p.open_area[:, None] * p.exchange
            found.total[np.diag_indices(p.diffusing)] += through.sum(axis=0)
            at = p.open_rows[:, None], np.arange(p.diffusing) * (p.diffusing + 1)
            self._single[at] += through
            if self._whole is not None:
                self._whole[at] += through
        return bad

    def _blocks(self) -> np.ndarray:
        """(rows, nd^2) node blocks in double precision, which most solves do without."""
        self._whole_is_used = True
        if self._whole is None:
            self._whole = np.zeros(self._single.shape)
            self._eliminate(Couplings(self.problem.diffusing))
        return self._whole

    def _apply(self, x: np.ndarray, y: np.ndarray) -> None:
        k = self.problem.local
        k.halo(x)
        self._c.apply(self._rows, k.indptr, k.indices, self._stiffness, self._D, self._blocks(), x, y)

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
        p, nd = self.problem, self.problem.diffusing
        if out is not r:
            out[:] = r
        om, os_ = self.marrow(out), self.surface(out)
        for _, elimination in self._kinds:
            elimination.reduce(p.volumes, om, os_, self._b)
        done = Solve(0, 0.0, True)
        if self._krylov is not None:
            weights = 1.0 / np.maximum(scale[:nd], 1e-300) ** 2
            target = tolerance * self.marrow_volume / np.sqrt(self.rows_global)
            done = self._krylov.solve(self._b, self._xd, weights, target, share)
            if not done.converged and self.rescue is not None:
                self.rescued += 1
                first, done = done, self.rescue.solve(self._b, self._xd, weights, target)
                done = replace(done, iterations=first.iterations + done.iterations)
        self.iterations += done.iterations
        self.solves += 1
        for _, elimination in self._kinds:
            elimination.expand(self._xd, om, os_)
        return done

    def reaction_along(self, v: np.ndarray) -> np.ndarray:
        """This rank's part of the totals of (reaction Jacobian) v at the last prepared state."""
        p, out = self.problem, np.zeros(self.populations)
        vm, vs = self.marrow(v), self.surface(v)
        for points, elimination in self._kinds:
            elimination.along(p.volumes, points.weight, vm, vs, out)
        if len(p.open_rows):
            out[: p.diffusing] -= p.exchange * (p.open_area[:, None] * vm[p.open_rows, : p.diffusing]).sum(0)
        return out
