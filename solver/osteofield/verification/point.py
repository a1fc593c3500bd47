# SPDX-License-Identifier: LGPL-3.0-or-later
"""The compiled rates of a network at one well-mixed point: states of rest and their eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..kinetics import Kernels, Network
from ..kinetics.evaluation import Evaluation
from ..kinetics.rest import Map, find_rest, newton

_SEEDS = 400
_SAME = 1e-6  # roots nearer to each other than this, in scales of the populations, are one


class Point:
    """Marrow in contact with bone, without space.

    Args:
        network: Bound to the sample it stands for; inputs are at their defaults.

    Attributes:
        names: Populations, in the order of rows and columns.
        free: Indices of the populations that `[steady.fixed]` does not hold.
    """

    def __init__(self, network: Network):
        self.network = network
        self._kernel = Kernels(network).surface
        self.names = self._kernel.names
        by_name = {p.name: p for p in network.populations}
        self.scale = np.array([by_name[n].scale for n in self.names])
        steady = network.model.steady
        self.held = {n: v.number for n, v in steady.fixed.items()} if steady else {}
        self._guess = {n: v.number for n, v in steady.guess.items()} if steady else {}
        self.free = np.array([k for k, n in enumerate(self.names) if n not in self.held])
        self._marrow = len(network.marrow)
        self._fields = np.array([[f.initial for f in network.fields]])
        self._node, self._ones, self._origin = np.zeros(1, np.int32), np.ones(1), np.zeros((1, 3))

    def rates(self, y: np.ndarray) -> np.ndarray:
        """(populations,) per day, at t = 0."""
        marrow, surface = self._parts(y)
        fm, fs = np.zeros_like(marrow), np.zeros_like(surface)
        self._kernel.rates(
            0.0, self._node, marrow, surface, self._ones, self._fields, self._origin, fm, fs
        )  # fmt: skip
        return np.concatenate([fm[0], fs[0]])

    def jacobian(self, y: np.ndarray) -> np.ndarray:
        """(populations, populations), 1/day, at t = 0."""
        marrow, surface = self._parts(y)
        entries = np.zeros((1, len(self._kernel.jac_rows)))
        self._kernel.jacobian(
            0.0, self._node, marrow, surface, self._ones, self._fields, self._origin, entries
        )  # fmt: skip
        full = np.zeros((len(y), len(y)))
        full[self._kernel.jac_rows, self._kernel.jac_cols] = entries[0]
        return full

    def _parts(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return y[None, : self._marrow].copy(), y[None, self._marrow :].copy()

    def start(self, guess: Mapping[str, float]) -> np.ndarray:
        """Where the search for a state of rest begins: a guess, `[steady.guess]`, or the state at day 0."""
        network = self.network
        known = network.healthy if network.model.steady else network.initial
        known = {**known, **self._guess, **guess, **self.held}
        return np.array([known[n] for n in self.names])

    def rest(self, guess: Mapping[str, float]) -> np.ndarray | None:
        """A root of the rates, to round-off, or None."""
        return self._whole(find_rest(*self._scaled(), self.start(guess)[self.free] / self.scale[self.free]))

    def value(self, name: str, y: np.ndarray) -> float:
        """A population or quantity in a state."""
        known = {**self.network.constants, **dict(zip(self.names, y, strict=True))}
        known |= {f.name: f.initial for f in self.network.fields}
        known |= dict.fromkeys("txyz", 0.0)
        return float(Evaluation(self.network.definitions, known)(name))

    def rests(self, within: Mapping[str, tuple[float, float]]) -> list[np.ndarray]:
        """All different roots without negative populations that seeded starts in a box lead to."""
        random = np.random.default_rng(1)
        found: list[np.ndarray] = []
        rates, jacobian = self._scaled()
        with np.errstate(all="ignore"):
            for i in range(_SEEDS):
                share = random.random(len(within)) ** (1 if i % 2 else 4)  # half of them near the lower end
                guess = {
                    n: low + s * (high - low)
                    for s, (n, (low, high)) in zip(share, within.items(), strict=True)
                }
                start = self.start(guess)[self.free] / self.scale[self.free]
                root = self._whole(newton(rates, jacobian, start))
                if root is None or (root < -1e-9 * self.scale).any():
                    continue
                if not any(np.max(np.abs(root - other) / self.scale) < _SAME for other in found):
                    found.append(root)
        return sorted(found, key=lambda y: tuple(y))

    def eigenvalues(self, y: np.ndarray, of: Sequence[int] | None = None) -> np.ndarray:
        """Of the Jacobian of the free populations, or of some; 1/day, in falling order."""
        rows = self.free if of is None else np.array(of)
        scaled = self.jacobian(y)[np.ix_(rows, rows)] * self.scale[rows] / self.scale[rows, None]
        return in_order(np.linalg.eigvals(scaled))

    def _scaled(self) -> tuple[Map, Map]:
        """Rates and Jacobian of the free populations in units of their scales; the others are held."""
        size, rows = self.scale[self.free], self.free

        def rates(u: np.ndarray) -> np.ndarray:
            return self.rates(self._with(u))[rows] / size

        def jacobian(u: np.ndarray) -> np.ndarray:
            return self.jacobian(self._with(u))[np.ix_(rows, rows)] * size / size[:, None]

        return rates, jacobian

    def _with(self, u: np.ndarray) -> np.ndarray:
        y = np.array([self.held.get(n, 0.0) for n in self.names])
        y[self.free] = u * self.scale[self.free]
        return y

    def _whole(self, u: np.ndarray | None) -> np.ndarray | None:
        return None if u is None else self._with(u)


def in_order(values: np.ndarray) -> np.ndarray:
    """Complex numbers in falling order of the real, then of the imaginary part."""
    real = np.round(values.real, 12)
    return values[np.lexsort((-values.imag, -real))]


def paired(wanted: Sequence[complex], got: np.ndarray) -> list[complex]:
    """The `got` values in the order of `wanted`, so that the distances are least."""
    from scipy.optimize import linear_sum_assignment

    distance = np.abs(np.array(wanted)[:, None] - got[None, :])
    _, columns = linear_sum_assignment(distance)
    return [complex(got[c]) for c in columns]
