# SPDX-License-Identifier: LGPL-3.0-or-later
"""The last states of a run and polynomials through them."""

from __future__ import annotations

import numpy as np

from .system import System

WORK = 2  # vectors that a step works in besides the states


def area(times: list[float]) -> np.ndarray:
    """(points,) weights of the integral, from the second time to the first, of the polynomial through all.

    Args:
        times: Descending.
    """
    h = times[0] - times[1]
    nodes = (np.array(times) - times[1]) / h  # 1, 0, then below
    powers = np.arange(len(times))
    return h * np.linalg.solve(nodes ** powers[:, None], 1.0 / (powers + 1.0))


class History:
    """States at past times, newest first, and this rank's integrals of the reactions that belong to them.

    Everything is linear in the states, and the same is done to the integrals, so that amounts and
    integrals stay comparable to round-off.

    Args:
        system: Whose states.
        length: States kept at most.

    Attributes:
        times: Descending.
        states, ledgers: At these times.
    """

    def __init__(self, system: System, length: int):
        self._system, self._length = system, length
        self.times: list[float] = []
        self.states: list[np.ndarray] = []
        self.ledgers: list[np.ndarray] = []
        self._spare: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self.times)

    def room(self) -> np.ndarray:
        """A vector to write a state into; hand it back with `push` or `give_back`."""
        return self._spare.pop() if self._spare else self._system.vector()

    def give_back(self, vector: np.ndarray) -> None:
        """Return what `room` gave; kept is no more than a step has need of."""
        if len(self.states) + len(self._spare) < self._length + WORK:
            self._spare.append(vector)

    def push(self, t: float, y: np.ndarray, ledger: np.ndarray) -> None:
        """A new newest state, which is kept and not copied."""
        self.times.insert(0, t)
        self.states.insert(0, y)
        self.ledgers.insert(0, ledger)
        if len(self.times) > self._length:
            self._forget(self._length)

    def pop(self) -> None:
        """Forget the newest state."""
        self._spare.append(self.states.pop(0))
        del self.times[0], self.ledgers[0]

    def clear(self) -> None:
        """Forget all but the newest state."""
        self._forget(1)

    def _forget(self, kept: int) -> None:
        self._spare += self.states[kept:]
        del self.times[kept:], self.states[kept:], self.ledgers[kept:]

    def value(self, t: float, points: int, first: int = 0) -> np.ndarray:
        """(points,) weights at `t` of the polynomial through the newest states, from `first` on."""
        nodes = np.array(self.times[first : first + points])
        gaps = nodes[:, None] - nodes
        np.fill_diagonal(gaps, 1.0)
        ratios = (t - nodes) / gaps
        np.fill_diagonal(ratios, 1.0)
        return np.asarray(ratios.prod(axis=1))

    def slope(self, t: float, points: int) -> np.ndarray:
        """(points,) weights of its derivative at a time that is none of theirs."""
        inverse = 1.0 / (t - np.array(self.times[:points]))
        return self.value(t, points) * (inverse.sum() - inverse)

    def slope_now(self, points: int) -> np.ndarray:
        """(points,) weights of the derivative at the newest time."""
        nodes = np.array(self.times[:points])
        gaps = nodes[:, None] - nodes
        np.fill_diagonal(gaps, 1.0)
        scale = gaps.prod(axis=1)
        out = np.append(0.0, scale[0] / (scale[1:] * gaps[0, 1:]))
        out[0] = -out.sum()
        return out

    def combine(self, weights: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Combination of the newest states into `out`; returns that of their integrals."""
        k = len(weights)
        self._system.linear(list(weights), self.states[:k], out)
        return self.integral(weights)

    def integral(self, weights: np.ndarray) -> np.ndarray:
        """Combination of the newest integrals."""
        return np.asarray(weights @ np.array(self.ledgers[: len(weights)]))
