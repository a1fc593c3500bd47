# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a transfer needs to know of marrow, or of the bone surface, on one rank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..geometry.boxes import Partition
from ..geometry.piece import Piece
from ..tissue.measure import lumped
from ..tissue.order import places_of_cells
from .closest import Facets


@dataclass(frozen=True)
class Phase:
    """Vertices of one phase (or of the surface) of a cut mesh: those of this rank, then others around.

    Attributes:
        nodes: Which nodes of the grid, and so which vertices, are whose.
        own: How many vertices belong to this rank.
        keys: ``(n,)`` global keys; those of this rank ascend.
        number: ``(n,)`` place of every vertex in the phase of all ranks; in the order of the keys.
        points: ``(n, d)`` um.
        cells: ``(m, d+1)`` or, on the surface, ``(m, d)`` rows of `points`: those that belong to this
            rank, then others that touch its vertices.
        own_cells: How many cells belong to this rank.
    """

    nodes: Partition
    own: int
    keys: np.ndarray
    number: np.ndarray
    points: np.ndarray
    cells: np.ndarray
    own_cells: int

    @classmethod
    def marrow(cls, piece: Piece) -> Phase:
        """The marrow of a piece that knows what it was cut out of."""
        assert piece.origin is not None
        return cls(
            piece.origin.nodes, piece.own, piece.origin.keys, piece.number, piece.points, piece.marrow,
            piece.own_cells,
        )  # fmt: skip

    @classmethod
    def surface(cls, piece: Piece) -> Phase:
        """Its bone surface."""
        assert piece.origin is not None
        at = np.flatnonzero(piece.surface_number >= 0)
        row = np.full(len(piece.points), -1, np.int64)
        row[at] = np.arange(len(at))
        return cls(
            piece.origin.nodes, int((at < piece.own).sum()), piece.origin.keys[at],
            piece.surface_number[at], piece.points[at], row[piece.surface], piece.own_facets,
        )  # fmt: skip

    @cached_property
    def masses(self) -> np.ndarray:
        """``(own,)`` lumped volume (on the surface: area) of this rank's vertices."""
        return lumped(self.points, self.cells, len(self.points))[: self.own]

    @property
    def is_surface(self) -> bool:
        return self.cells.shape[1] == self.points.shape[1]

    @property
    def own_keys(self) -> np.ndarray:
        return self.keys[: self.own]

    @property
    def own_points(self) -> np.ndarray:
        return self.points[: self.own]

    def facets(self) -> Facets:
        """Collective: the cells of a surface, to be asked for closest points; data: keys of corners."""
        return self.facets_with(self.keys[self.canonical(np.arange(self.own_cells))].astype(float))

    def facets_with(self, data: np.ndarray) -> Facets:
        """Collective: the same with other data ``(own_cells, m)``; corners in the order of `canonical`."""
        cells, team = self.canonical(np.arange(self.own_cells)), self.nodes.team
        return Facets(self.points[cells], data, places_of_cells(team, self.number[cells]), team)

    def canonical(self, rows: np.ndarray) -> np.ndarray:
        """Some of the cells, their vertices in the order of their numbers: the same on any ranks."""
        cells = self.cells[rows]
        return np.take_along_axis(cells, np.argsort(self.number[cells], axis=1), 1)
