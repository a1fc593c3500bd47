# SPDX-License-Identifier: LGPL-3.0-or-later
"""One level of the multigrid hierarchy."""

from __future__ import annotations

from ..compiled import Record
from .aggregation import Prolongator
from .blocks import STRETCH, Blocks, padded_rows
from .halo import LocalMatrix
from .stiffness import Stiffness

OVERLAP = 10_000  # rows of a level whose edge is worth calls of its own


class Level:
    """One level: the stiffness, its node blocks, and the transfer to the next coarser level.

    Attributes:
        edge: Rows before it are worked on by themselves, the others while values are on their way.
        beyond: First row after all that the rows before `edge` have beside them.
        alone: No other rank takes part, here and on coarser levels: every rank has all rows.
    """

    def __init__(self, matrix: LocalMatrix, stiffness: Stiffness, blocks: Blocks, alone: bool):
        self.stiffness, self.alone = stiffness, alone
        self.diagonal = self.stiffness.diagonal
        self.halo = matrix.halo
        n, nd = matrix.rows, blocks.nd
        self.rows = n
        self.edge = self.stiffness.edge if n >= OVERLAP else n
        far = self.stiffness.far
        self.beyond = int(far[(self.edge - 1) // STRETCH]) + 1 if self.edge else 0
        self.x = padded_rows(n + self.halo.ghosts, nd)
        self.b = padded_rows(n + self.halo.ghosts, nd)
        self.prolong: Prolongator | None = None
        self._width = -1
        self.record: Record = blocks.record("level", K=self.stiffness.record, x=self.x, b=self.b)

    def continue_with(self, prolongator: Prolongator, coarse: Level) -> None:
        """The next coarser level, and how its rows make values here."""
        self.prolong = prolongator
        self.record.set(column=prolongator.columns, weight=prolongator.weights, coarse=coarse.record)

    def resize(self, width: int, ghosts: bool) -> None:
        """Make room for node blocks of `width` numbers, of ghosts too if wanted, to be inverted in place."""
        if width != self._width:
            self._width = width
            self.inverse = padded_rows(len(self.x) if ghosts else self.rows, width)
            self.record.set(P=self.inverse)
