# SPDX-License-Identifier: LGPL-3.0-or-later
"""Book-keeping of amounts: what the numerics failed to conserve, relative to what was turned over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..integrator import System
from ..kinetics import Network


class Ledger:
    """Compares the amount of every population with the time integral of its sources.

    The residual is ``(amount(t) - amount(0) - integral of reactions and boundary fluxes) / turnover``.
    The integral comes from the stages of the integrator, so the residual shows what the linear
    solves, the stiffness, the elimination and the halo exchange lost, not the step error; turnover
    is the time integral of half the sum of the absolute rate terms.
    """

    def __init__(self, system: System, network: Network, sigma0: float | None = None):
        self._s = system
        self._names = [p.name for p in (*network.marrow, *network.surface)]
        terms = system.problem.surface.kernel.term_names
        self._of_term = np.array([self._names.index(t[0]) for t in terms], dtype=np.int64)
        self._start = np.zeros(len(self._names))
        self._turnover = np.zeros(len(self._names))
        self._rate = np.zeros(len(self._names))
        self._marrow_of_term = self._match()
        self._sums = {
            n: np.array([weights.get(p, 0.0) for p in self._names])
            for n, weights in network.conserved.items()
        }
        # areal densities are kept in the scale of a well-mixed volume: an amount is X / sigma0 per area
        sigma0 = network.sigma0 if sigma0 is None or sigma0 <= 0 else sigma0
        self._scale = np.array([1.0] * len(network.marrow) + [1.0 / sigma0] * len(network.surface))

    def _match(self) -> np.ndarray:
        """Column of every marrow-kernel term among the surface-kernel terms."""
        surface = list(self._s.problem.surface.kernel.term_names)
        return np.array([surface.index(t) for t in self._s.problem.inside.kernel.term_names], dtype=np.int64)

    def gross(self, t: float, y: np.ndarray) -> np.ndarray:
        """Collective: half the sum of absolute term totals of every population, amount per day."""
        p, s = self._s.problem, self._s
        terms = np.zeros(len(self._of_term))
        for points, where in ((p.surface, slice(None)), (p.inside, self._marrow_of_term)):
            if not len(points.node):
                continue
            part = np.zeros(len(points.kernel.term_names))
            ys = s.surface(y) if points is p.surface else None
            points.kernel.terms(
                t,
                points.node,
                s.marrow(y),
                ys,
                points.a,
                points.g,
                p.position,
                p.volumes,
                points.weight,
                part,
            )
            terms[where] += part
        terms = self._s.reduce(terms)
        return 0.5 * np.bincount(self._of_term, weights=np.abs(terms), minlength=len(self._names))

    def start(self, t: float, y: np.ndarray) -> None:
        """Collective: amounts at the beginning."""
        self._start = self._s.reduce(self._s.totals(y))
        self._rate = self.gross(t, y)

    def step(self, h: float, t: float, y: np.ndarray) -> None:
        """Collective: add the turnover of a step of length `h` that ended at `t`."""
        rate = self.gross(t, y)
        self._turnover += 0.5 * h * (self._rate + rate)
        self._rate = rate

    def jump(self, change: np.ndarray) -> None:
        """An amount per population that was added or taken by an event (already global)."""
        self._start = self._start + change

    def residuals(self, y: np.ndarray, integral: np.ndarray) -> np.ndarray:
        """Collective: relative residual of every population.

        Args:
            y: State.
            integral: This rank's part of the integrated reaction totals up to `y`.
        """
        missing = self._s.reduce(self._s.totals(y) - integral) - self._start
        return np.divide(missing, self._turnover, out=np.zeros_like(missing), where=self._turnover > 0)

    def conserved(self, y: np.ndarray) -> dict[str, float]:
        """Collective: relative change of every sum that the model says is conserved."""
        if not self._sums:
            return {}
        now, start = self._s.reduce(self._s.totals(y)) * self._scale, self._start * self._scale
        gross = {n: float(np.abs(w) @ np.abs(start)) or 1.0 for n, w in self._sums.items()}
        return {n: float(w @ (now - start)) / gross[n] for n, w in self._sums.items()}

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "start": self._start.tolist(),
            "turnover": self._turnover.tolist(),
            "rate": self._rate.tolist(),
        }

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self._start, self._turnover = np.array(values["start"]), np.array(values["turnover"])
        self._rate = np.array(values["rate"])
