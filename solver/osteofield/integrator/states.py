# SPDX-License-Identifier: LGPL-3.0-or-later
"""States of a problem: flat vectors, their combinations, norms and extremes over all ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .blocks import aligned, blocks
from .problem import Problem
from .reduction import reduced, reduced_both


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


class States:
    """Passes over flat vectors of a `Problem`.

    A flat vector holds the marrow rows (populations interleaved, diffusing ones first) and after
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
        measure = np.zeros(2)
        measure[:] = p.volumes.sum(), p.surface.weight.sum()
        count = np.array([self._rows])
        self.marrow_volume, self.surface_area = self.reduce(measure)
        self._measure = np.full(self.populations, self.marrow_volume)
        self._measure[p.marrow_width :] = max(self.surface_area, 1e-300)
        self.rows_global = int(self.reduce(count)[0])

    def vector(self) -> np.ndarray:
        """A zero state, which begins where a line of the cache does."""
        return aligned(self.size)

    def marrow(self, y: np.ndarray) -> np.ndarray:
        """(rows, marrow populations) view of a state."""
        return y[: self._split].reshape(self._rows, self.problem.marrow_width)

    def surface(self, y: np.ndarray) -> np.ndarray:
        """(surface points, surface populations) view of a state."""
        return y[self._split :].reshape(self._points, self.problem.surface_width)

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
        return self._extent(sums, ends)

    def _extent(self, sums: np.ndarray, ends: np.ndarray) -> Extent:
        """Collective: from this rank's integrals of squares, of state and change, and its extremes."""
        ends[0] *= -1.0
        sums, (lowest, largest) = reduced_both(self.comm, sums, ends)
        norms, changes = np.sqrt(sums / self._measure)
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
