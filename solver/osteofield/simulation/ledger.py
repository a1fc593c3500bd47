# SPDX-License-Identifier: LGPL-3.0-or-later
"""Book-keeping of amounts: what the numerics failed to conserve, relative to what was turned over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..integrator import System, area
from ..kinetics import Network, conserved


class Ledger:
    """Compares the amount of every population with the time integral of its sources.

    The residual is ``(amount(t) - amount(0) - integral of reactions and boundary fluxes) / turnover``.
    The integral comes from the stages of the integrator, so the residual shows what the linear
    solves, the stiffness, the elimination and the halo exchange lost, not the step error; turnover
    is the time integral of half the sum of the absolute rate terms.

    Flows are taken at the ends of steps and integrated along the polynomial through them, whose degree is
    that of the solution. Where the past is too short for it, a value half-way gives Simpson's rule.

    Attributes:
        integral: Time integral of every flow (`names_of_flows`).
    """

    LENGTH = 6  # flows that are remembered

    def __init__(self, system: System, network: Network, sigma0: float | None = None):
        self._s = system
        self._names = [p.name for p in (*network.marrow, *network.surface)]
        terms = system.problem.surface.kernel.term_names
        self._of_term = np.array([self._names.index(t[0]) for t in terms], dtype=np.int64)
        self._start = self._first = np.zeros(len(self._names))
        self.integral = np.zeros(0)
        self._times: list[float] = []  # descending; since the last jump
        self._flows: list[np.ndarray] = []
        self._turnover = np.zeros(len(self._names))
        self._marrow_of_term = self._match()
        self._sums = {
            n: np.array([weights.get(p, 0.0) for p in self._names])
            for n, weights in conserved(network).items()
        }
        # areal densities are kept in the scale of a well-mixed volume: an amount is X / sigma0 per area
        sigma0 = network.sigma0 if sigma0 is None or sigma0 <= 0 else sigma0
        self._scale = np.array([1.0] * len(network.marrow) + [1.0 / sigma0] * len(network.surface))

    def _match(self) -> np.ndarray:
        """Column of every marrow-kernel term among the surface-kernel terms."""
        surface = list(self._s.problem.surface.kernel.term_names)
        return np.array([surface.index(t) for t in self._s.problem.inside.kernel.term_names], dtype=np.int64)

    def flows(self, t: float, y: np.ndarray) -> np.ndarray:
        """Collective: what every term and then every boundary adds to the whole sample, amount per day.

        The order is that of `names_of_flows`: rate terms, then exchange through open faces and sources on
        faces, each for all diffusing populations.
        """
        p, s = self._s.problem, self._s
        nd, n = p.diffusing, len(self._of_term)
        out = np.zeros(n + 2 * nd)
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
            out[:n][where] += part
        if len(p.open_rows):
            outside = p.open_area @ (p.far - s.marrow(y)[p.open_rows, :nd])
            out[n : n + nd] = p.exchange * outside
        if len(p.source_rows):
            out[n + nd :] = p.volumes[p.source_rows] @ p.source
        return self._s.reduce(out)

    @property
    def names_of_flows(self) -> list[tuple[str, str]]:
        """Population and words of every flow."""
        moving = self._names[: self._s.problem.diffusing]
        terms = [(t[0], t[2]) for t in self._s.problem.surface.kernel.term_names]
        return [*terms, *((n, "through open faces") for n in moving), *((n, "from a face") for n in moving)]

    def gross(self, t: float, y: np.ndarray) -> np.ndarray:
        """Collective: half the sum of absolute term totals of every population, amount per day."""
        return self._gross(np.abs(self.flows(t, y)))

    def _gross(self, sizes: np.ndarray) -> np.ndarray:
        terms = sizes[: len(self._of_term)]
        return 0.5 * np.bincount(self._of_term, weights=terms, minlength=len(self._names))

    def start(self, t: float, y: np.ndarray) -> None:
        """Collective: amounts at the beginning."""
        self._start = self._first = self._s.reduce(self._s.totals(y))
        self.restart(t, y)
        self.integral = np.zeros(len(self._flows[0]))

    def restart(self, t: float, y: np.ndarray) -> None:
        """Collective: rates where inputs, sources or the state have jumped."""
        self._times, self._flows = [t], [self.flows(t, y)]

    def step(
        self, t: float, y: np.ndarray, points: int = 2, half_way: Callable[[], np.ndarray] | None = None
    ) -> None:
        """Collective: add what flowed in a step.

        Args:
            t: Its end, day.
            y: State at the end.
            points: Ends of steps, this one included, whose polynomial is the solution's in the step; 0 if
                there is no such polynomial.
            half_way: State half-way, asked for then, and where there are not so many since the last jump.
        """
        begin = self._times[0]
        self._times.insert(0, t)
        self._flows.insert(0, self.flows(np.nextafter(t, -np.inf), y))
        del self._times[self.LENGTH :], self._flows[self.LENGTH :]
        n = min(max(points, 3), self.LENGTH) if points else 0
        if half_way is not None and not 0 < n <= len(self._times):
            middle = self.flows(0.5 * (begin + t), half_way())
            rates, weights = (
                [self._flows[0], middle, self._flows[1]],
                (t - begin) / 6 * np.array([1.0, 4.0, 1.0]),
            )
        else:
            n = min(n or 2, len(self._times))
            rates, weights = self._flows[:n], area(self._times[:n])
        values = np.array(rates)
        self.integral = self.integral + weights @ values
        self._turnover = self._turnover + self._gross(np.maximum(weights @ np.abs(values), 0.0))

    def jump(self, change: np.ndarray) -> None:
        """An amount per population that was added or taken by an event (already global)."""
        self._start = self._start + change

    @property
    def jumped(self) -> np.ndarray:
        """What events and clearing have put in or taken, per population."""
        return self._start - self._first

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
    def amounts(self) -> tuple[np.ndarray, np.ndarray]:
        """Amounts at the beginning, and turnover so far, of every population."""
        return self._first, self._turnover

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "start": self._start.tolist(),
            "first": self._first.tolist(),
            "turnover": self._turnover.tolist(),
            "times": list(self._times),
            "flows": [flows.tolist() for flows in self._flows],
            "integral": self.integral.tolist(),
        }

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self._start, self._turnover = np.array(values["start"]), np.array(values["turnover"])
        self._first, self._times = np.array(values["first"]), list(values["times"])
        self._flows = [np.array(flows) for flows in values["flows"]]
        self.integral = np.array(values["integral"])
