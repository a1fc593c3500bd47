# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which populations a smoother has to couple at a node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

BOUND = 0.02  # coupling beyond which populations form a group
LARGEST = 4  # populations of a group


@dataclass(frozen=True)
class Groups:
    """Populations that react so strongly with each other that the smoother must couple them.

    Attributes:
        size: int32, populations of each group.
        index: int32, those of the first group, then of the second, ...
        width: Numbers of a row that holds the diagonal and every group's block.
    """

    size: np.ndarray
    index: np.ndarray
    width: int

    @classmethod
    def of(cls, members: Sequence[Sequence[int] | np.ndarray], populations: int) -> Groups:
        """Groups of some of the diffusing populations."""
        size = np.array([len(m) for m in members], np.int32)
        index = np.array([k for m in members for k in m], np.int32)
        return cls(size, index, populations + int((size**2).sum()))

    @classmethod
    def found_in(cls, couplings: np.ndarray) -> Groups | None:
        """The groups that couplings (n, n) make, |S_ij S_ji| beside S_ii S_jj; None for whole blocks."""
        n = len(couplings)
        if n <= LARGEST:
            return None
        count, label = connected_components(csr_matrix(couplings > BOUND), directed=False)
        members = [m for k in range(count) if len(m := np.flatnonzero(label == k)) > 1]
        return None if any(len(m) > LARGEST for m in members) else cls.of(members, n)

    @property
    def members(self) -> list[list[int]]:
        """Populations of every group."""
        return [m.tolist() for m in np.split(self.index, np.cumsum(self.size)[:-1])] if len(self.size) else []

    @property
    def layout(self) -> tuple[int, np.ndarray, np.ndarray, int]:
        """How rows are laid out, as the compiled functions take it."""
        return len(self.size), self.size, self.index, self.width
