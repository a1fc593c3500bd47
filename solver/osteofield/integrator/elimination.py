# SPDX-License-Identifier: LGPL-3.0-or-later
"""Exact elimination of local unknowns, point by point, and the reaction Jacobian that it starts from."""

from __future__ import annotations

import numpy as np

from .blocks import Blocks, aligned
from .pattern import Pattern

LANES = 8  # points side by side in points.c


class Couplings:
    """What an elimination leaves of all points of this rank, besides the node blocks themselves.

    Args:
        diffusing: Populations.
        pairs: Whether `strongest` is asked for.

    Attributes:
        pairs: See there.
        total: (nd, nd) sum of the node blocks.
        strongest: (nd, nd), symmetric: largest |S_ij S_ji| / |S_ii S_jj| at any point, whatever the units.
    """

    def __init__(self, diffusing: int, pairs: bool = True):
        self.pairs = pairs
        self.total = np.zeros((diffusing, diffusing))
        self.strongest = np.zeros((diffusing, diffusing))

    def add(self, total: np.ndarray, pairs: np.ndarray, strongest: np.ndarray) -> None:
        """Take in some points: the sum of their blocks, column major, and the strongest of each pair."""
        self.total += total.reshape(self.total.shape).T
        for (i, j), v in zip(pairs, strongest, strict=True):
            self.strongest[i, j] = self.strongest[j, i] = max(self.strongest[i, j], v)


class Elimination:
    """Factors of W = c I - J at points of one kind, as far as local unknowns go.

    Args:
        pattern: Which unknowns are eliminated in which order.
        node: int32 marrow row of every point.
        blocks: Compiled functions.
    """

    def __init__(self, pattern: Pattern, node: np.ndarray, blocks: Blocks):
        self._c, self._node, self.pattern = blocks, node, pattern
        self._rows, self._cols = (
            np.ascontiguousarray(a, dtype=np.int32) for a in (pattern.rows, pattern.cols)
        )
        self._to = pattern.slots[self._rows, self._cols]
        self._slots, self._local = int(pattern.slots.max(initial=-1)) + 1, pattern.local
        self._program, self._down, self._up = pattern.program(), pattern.downwards(), pattern.upwards()
        self._places = pattern.places()
        self._pairs, self._of_pair = pattern.pairs()
        self._J: np.ndarray | None = None
        self._lower = self._upper = aligned(0)

    @property
    def J(self) -> np.ndarray:
        """(points, non-zeros), to be filled, or given, before `factor`."""
        if self._J is None:
            self._J = np.zeros((len(self._node), len(self._rows)))
        return self._J

    @J.setter
    def J(self, values: np.ndarray) -> None:
        self._J = values

    def release(self) -> None:
        """Give the memory back: the next Jacobian makes new room."""
        self._J, self._lower, self._upper = None, aligned(0), aligned(0)

    def factor(
        self, c: float, volumes: np.ndarray, single: np.ndarray, whole: np.ndarray | None, found: Couplings
    ) -> int:
        """Factor c I - J.

        Args:
            c: 1/day.
            volumes: (rows,) of all marrow rows.
            single: (rows, nd^2) float32, column major: the rows of these points get the Schur complement
                of the local unknowns times their volume.
            whole: The same in double precision, or None.
            found: Grows by what these points have.

        Returns:
            Points whose local unknowns could not be eliminated.
        """
        if not len(self._upper):
            count = -(-len(self._node) // LANES) * LANES
            self._lower, self._upper = (
                aligned(count * self.pattern.lowers),
                aligned(count * self.pattern.uppers),
            )
        total, strongest = np.zeros(found.total.size), np.zeros(len(self._pairs))
        bad = self._c.eliminate(
            len(self._node), self._node, volumes, self.J.shape[1], self.J, self._to, c, self._slots,
            self._local, self._program, self.pattern.lowers, self._lower, self.pattern.uppers, self._upper,
            len(self._places), self._places, single, 0 if whole is None else 1,
            total if whole is None else whole, total, len(self._pairs) if found.pairs else 0, self._pairs,
            strongest,
        )  # fmt: skip
        found.add(total, self._of_pair, strongest)
        return int(bad)

    def reduce(self, volumes: np.ndarray, marrow: np.ndarray, surface: np.ndarray, b: np.ndarray) -> None:
        """Right sides of diffusing unknowns times volume into `b` (rows, nd); local ones are half solved."""
        self._c.reduce(
            len(self._node), self._node, volumes, self._local, self._down, self.pattern.lowers, self._lower,
            marrow, surface, b,
        )  # fmt: skip

    def expand(self, x: np.ndarray, marrow: np.ndarray, surface: np.ndarray) -> None:
        """All unknowns, once the diffusing ones `x` (rows, nd) are known."""
        self._c.expand(
            len(self._node), self._node, self._local, self._up, self.pattern.uppers, self._upper, x, marrow,
            surface,
        )  # fmt: skip

    def along(
        self,
        volumes: np.ndarray,
        areas: np.ndarray,
        marrow: np.ndarray,
        surface: np.ndarray,
        out: np.ndarray,
    ) -> None:
        """Add to `out` (populations,) this rank's totals of J times a vector of state."""
        self._c.along(
            len(self._node), self._node, self._local, self.J.shape[1], self._rows, self._cols, self.J,
            volumes, areas, marrow, surface, out,
        )  # fmt: skip
