# SPDX-License-Identifier: LGPL-3.0-or-later
"""The structured background grid that a sample is cut out of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, Problem
from .boxes import Box

MOST_NODES = 200_000_000


@dataclass(frozen=True)
class Grid:
    """Nodes ``origin + spacing * (i, j[, k])`` with ``0 <= i <= cells``.

    Attributes:
        origin: Lower corner of the box, um.
        spacing: Cell size per axis, um.
        cells: Number of cells per axis.
    """

    origin: tuple[float, ...]
    spacing: tuple[float, ...]
    cells: tuple[int, ...]

    @classmethod
    def fit(
        cls, lo: Sequence[float] | np.ndarray, hi: Sequence[float] | np.ndarray, cell_size: float
    ) -> Grid:
        """A grid that fills the box ``lo..hi`` exactly with cells nearest in size to `cell_size`.

        Every side gets a whole number of cells, so the cells are cubes only within about
        ``cell_size / (2 * side)`` per axis (2 % at 25 cells).

        Raises:
            InputError: A side is shorter than 0.7 cells, or the grid would be unreasonably large.
        """
        side = np.asarray(hi, float) - np.asarray(lo, float)
        if not cell_size > 0:
            raise InputError(Problem(f"the cell size is {cell_size:g} um, but it must be positive.",
                                     key="sample.cell_size"))  # fmt: skip
        if (side < 0.7 * cell_size).any():
            raise InputError(
                Problem(
                    f"the cell size {cell_size:g} um is larger than the sample, which measures "
                    f"{' x '.join(f'{s:g}' for s in side)} um; use at most {side.min():g} um.",
                    key="sample.cell_size",
                )
            )
        nodes = float(np.prod(side / cell_size + 1))
        if nodes > MOST_NODES:
            least = float(np.prod(side) / MOST_NODES) ** (1 / len(side))
            raise InputError(
                Problem(
                    f"cells of {cell_size:g} um would need {nodes:.2g} grid nodes in a sample of "
                    f"{' x '.join(f'{s:g}' for s in side)} um, more than the {MOST_NODES:.0e} that are "
                    f"allowed; use more than {least:.3g} um.",
                    key="sample.cell_size",
                )
            )
        n = np.maximum(1, np.round(side / cell_size)).astype(int)
        return cls(tuple(map(float, lo)), tuple(map(float, side / n)), tuple(map(int, n)))

    @property
    def dimension(self) -> int:
        return len(self.cells)

    @property
    def shape(self) -> tuple[int, ...]:
        """Nodes per axis."""
        return tuple(n + 1 for n in self.cells)

    @property
    def h(self) -> float:
        """Cell size: geometric mean over the axes, um."""
        return float(np.prod(self.spacing) ** (1 / self.dimension))

    @property
    def upper(self) -> tuple[float, ...]:
        """Upper corner of the box, um."""
        return tuple(float(a[-1]) for a in self.axes())

    def axes(self, box: Box | None = None) -> tuple[np.ndarray, ...]:
        """Node coordinates along each axis, um; of the nodes in a box, or of all."""
        box = box or Box((0,) * self.dimension, self.shape)
        return tuple(
            o + s * np.arange(a, b)
            for o, s, a, b in zip(self.origin, self.spacing, box.lo, box.hi, strict=True)
        )

    def points(self, box: Box | None = None) -> np.ndarray:
        """Nodes ``(n, d)``, last axis fastest."""
        return np.stack(np.meshgrid(*self.axes(box), indexing="ij"), -1).reshape(-1, self.dimension)
