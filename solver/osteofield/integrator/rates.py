# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rates of change of a problem: reactions, diffusion, and what comes through faces."""

from __future__ import annotations

from typing import Any

import numpy as np

from .problem import Points, Problem
from .states import States
from .stiffness import Stiffness


class Rates(States):
    """Rates of a `Problem` on flat state vectors.

    Attributes:
        reaction: (populations,) this rank's totals of the reactions at the last rates asked for.
    """

    def __init__(self, problem: Problem):
        super().__init__(problem)
        p, nd = problem, problem.diffusing
        self._D = np.ascontiguousarray(p.diffusivity, dtype=np.float64)
        self._stiffness = Stiffness(p.local, self._c) if nd else None  # None: nothing diffuses
        self._entries = None if self._stiffness is None else self._stiffness.record
        self._edge = p.local.edge
        rows = self._rows + p.local.halo.ghosts
        self._x = np.zeros(rows * nd + 32)[: rows * nd].reshape(rows, nd)  # vector loads touch what follows
        self._f = self.vector()
        self._present = tuple(q for q in (p.inside, p.surface) if len(q.node))
        self.reaction = np.zeros(self.populations)

    def roundoff(self, y: np.ndarray) -> float:
        """Collective: rate, over the scale of its population, that round-off of diffusion alone makes."""
        p = self.problem
        fastest = np.zeros(1)
        if self._rows and self._stiffness is not None:
            fastest[0] = (self._stiffness.diagonal / p.volumes).max()
        nd = p.diffusing
        rates = self._D * self.reduce(fastest, "MAX")[0] * self.largest(y)[:nd]
        return 8.0 * float(np.finfo(float).eps * (rates / p.scale[:nd]).max(initial=0.0))

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
        for points in self._present:
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
        if self._stiffness is None:
            self._c.totals(self._rows, p.marrow_width, p.volumes, f[marrow], totals)
            if share:
                self._c.linear([1.0, share], [f[marrow], out[marrow]], out[marrow])
            return
        self._c.pack(self._rows, y, self._x)
        moving = k.halo.begin(self._x)
        for first, last in ((self._edge, self._rows), (0, self._edge)):
            self._c.gain(
                first, last, self._rows, self._entries, self._D, p.volumes, self._x,
                f[marrow], share, out[marrow], totals,
            )  # fmt: skip
            moving.end()

    def time_derivative(self, t: float, y: np.ndarray, out: np.ndarray) -> None:
        """Partial derivative of the rates with respect to time."""
        fm, fs = self.marrow(out), self.surface(out)
        for points in self._present:
            on_surface = points is self.problem.surface
            points.kernel.dfdt(t, *self._arguments(points, y), fm, fs if on_surface else None)
