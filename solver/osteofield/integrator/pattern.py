# SPDX-License-Identifier: LGPL-3.0-or-later
"""The order in which local unknowns are eliminated, found once from the non-zeros of the Jacobian."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

CANCELLED = 1e-13  # a pivot of which no more is left is round-off


@dataclass(frozen=True)
class Pivot:
    """One step of the elimination.

    Attributes:
        unknown: Which one is eliminated.
        below: Unknowns left whose equations it is taken out of.
        right: Unknowns left in its own equation.
    """

    unknown: int
    below: tuple[int, ...]
    right: tuple[int, ...]


class Pattern:
    """Sparse elimination of the local unknowns of a point, whose pivots are on the diagonal.

    W = c I - J has a positive shift on its diagonal, and pivots are taken there, as solvers of chemical
    kinetics do (Damian et al. 2002, Comput Chem Eng 26:1567, the Kinetic PreProcessor). The next one is that
    which may fill fewest entries (Markowitz 1957, Manag Sci 3:255).

    Args:
        rows, cols: Non-zeros of J; unknowns count from the `diffusing` ones on, which come first.
        diffusing: Unknowns that stay.
        unknowns: All.

    Attributes:
        pivots: In their order.
        left: (unknowns that stay) squared, bool: entries that may differ from zero afterwards.
    """

    def __init__(self, rows: np.ndarray, cols: np.ndarray, diffusing: int, unknowns: int):
        self.rows, self.cols = np.asarray(rows), np.asarray(cols)
        self.diffusing, self.unknowns = diffusing, unknowns
        filled = np.eye(unknowns, dtype=bool)
        filled[self.rows, self.cols] = True
        open_, pivots = np.ones(unknowns, bool), []
        for _ in range(unknowns - diffusing):
            width, height = (filled & open_).sum(axis=1) - 1, (filled & open_[:, None]).sum(axis=0) - 1
            cost = np.where(open_, width * height, unknowns**2 + 1)
            cost[:diffusing] = unknowns**2 + 1
            k = int(cost.argmin())
            open_[k] = False
            below, right = np.flatnonzero(filled[:, k] & open_), np.flatnonzero(filled[k] & open_)
            filled[np.ix_(below, right)] = True
            pivots.append(Pivot(k, tuple(below.tolist()), tuple(right.tolist())))
        self.pivots = tuple(pivots)
        self.left = filled[:diffusing, :diffusing]
        self._filled = filled

    @property
    def local(self) -> int:
        """Unknowns that are eliminated."""
        return len(self.pivots)

    @property
    def lowers(self) -> int:
        """Multipliers of a point."""
        return sum(len(p.below) for p in self.pivots)

    @property
    def uppers(self) -> int:
        """Inverse pivots and entries to their right."""
        return sum(1 + len(p.right) for p in self.pivots)

    # ---------------------------------------------------------------- tables for points.c, int32
    @cached_property
    def slots(self) -> np.ndarray:
        """(unknowns, unknowns): where each entry of W is kept, -1 for none.

        Pivots come first, in their order, then the diagonal of what is left.
        """
        out = np.full((self.unknowns, self.unknowns), -1, np.int32)
        order = [p.unknown for p in self.pivots] + list(range(self.diffusing))
        out[order, order] = np.arange(self.unknowns)
        others = np.argwhere(self._filled & ~np.eye(self.unknowns, dtype=bool))
        out[others[:, 0], others[:, 1]] = self.unknowns + np.arange(len(others))
        return out

    def program(self) -> np.ndarray:
        """What to do for every pivot."""
        slot, turn = self.slots, {p.unknown: k for k, p in enumerate(self.pivots)}
        out: list[int] = []
        for p in self.pivots:
            out += [len(p.below), len(p.right)]
            out += [slot[i, p.unknown] for i in p.below] + [slot[p.unknown, j] for j in p.right]
            for i in p.below:
                out += [turn[i] if i in turn and i in p.right else -1, *(slot[i, j] for j in p.right)]
        return np.array(out, np.int32)

    def downwards(self) -> np.ndarray:
        """For every pivot its unknown, how many multipliers, and whom they act on."""
        return self._orders((p.unknown, p.below) for p in self.pivots)

    def upwards(self) -> np.ndarray:
        """From the last pivot to the first its unknown, how many entries, and their unknowns."""
        return self._orders((p.unknown, p.right) for p in reversed(self.pivots))

    @staticmethod
    def _orders(steps: Iterable[tuple[int, tuple[int, ...]]]) -> np.ndarray:
        return np.array([n for k, others in steps for n in (k, len(others), *others)], np.int32)

    def places(self) -> np.ndarray:
        """(entries, 2): slots of what is left, and where they stand in a column-major block."""
        i, j = np.nonzero(self.left)
        return np.stack([self.slots[i, j], j * self.diffusing + i], axis=1).astype(np.int32)

    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Diffusing unknowns that act on each other.

        Returns:
            (pairs, 4) where S_ij, S_ji, S_ii and S_jj stand in a column-major block; (pairs, 2) i and j.
        """
        which, nd = np.argwhere(np.triu(self.left & self.left.T, 1)), self.diffusing
        i, j = which[:, 0], which[:, 1]
        found = np.stack([j * nd + i, i * nd + j, i * nd + i, j * nd + j], axis=1)
        return found.astype(np.int32), which
