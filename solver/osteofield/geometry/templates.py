# SPDX-License-Identifier: LGPL-3.0-or-later
"""How simplices that the surface cuts fall into cells: one template per pattern of signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np


@dataclass
class Cells:
    """Cells and facets being collected in block ids: nodes first, then crossings."""

    strides: np.ndarray
    nodes: int
    direction: np.ndarray
    marrow: list[np.ndarray] = field(default_factory=list)
    bone: list[np.ndarray] = field(default_factory=list)
    surface: list[np.ndarray] = field(default_factory=list)

    def crossing(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Id of the crossing on the edge between nodes a and b."""
        return self.nodes + np.minimum(a, b) * 8 + self.direction[np.abs(a - b)]


@lru_cache(8)
def order(d: int, phase: int) -> np.ndarray:
    """Per sign code: vertices of the phase first, then of the other one, then zero ones."""
    rank = {phase: 0, -phase: 1, 0: 2}
    table = np.zeros((3 ** (d + 1), d + 1), np.int64)
    for code in range(3 ** (d + 1)):
        signs = [code // 3**i % 3 - 1 for i in range(d + 1)]
        table[code] = sorted(range(d + 1), key=lambda i: (rank[signs[i]], i))
    return table


def split_simplices(
    v: np.ndarray, a: int, b: int, out: list[np.ndarray], facets: list[np.ndarray] | None, cells: Cells
) -> None:
    """The part of simplices that belongs to one phase, and its facets towards the other.

    Args:
        v: ``(n, d+1)`` nodes: `a` of the phase, `b` of the other one, then the zero ones.
        out: Receives cells.
        facets: Receives ``(m, d+1)``: facets, and in the last column a node of the phase; or None.
    """
    d = v.shape[1] - 1
    m = cells.crossing
    z = v[:, a + b :]
    if a == 1:
        f = np.column_stack([*(m(v[:, 0], v[:, 1 + j]) for j in range(b)), z])
        out.append(np.column_stack([v[:, 0], f]))
    elif b == 1 and a == d:
        x = [m(v[:, i], v[:, a]) for i in range(a)]
        f = np.column_stack(x)
        out.append(_quad(np.column_stack([v[:, 0], v[:, 1], x[1], x[0]])) if d == 2
                   else _prism(np.column_stack([v[:, :3], *x])))  # fmt: skip
    elif b == 1:  # two of the phase, one of the other, one zero: a pyramid
        x = [m(v[:, i], v[:, 2]) for i in range(2)]
        f = np.column_stack([*x, z])
        base = _quad(np.column_stack([v[:, 0], v[:, 1], x[1], x[0]]))
        out.append(np.column_stack([base, np.tile(z, (2, 1))]))
    else:  # two and two: a wedge
        x = [m(v[:, i], v[:, j]) for i in (0, 1) for j in (2, 3)]
        out.append(_prism(np.column_stack([v[:, 0], x[0], x[1], v[:, 1], x[2], x[3]])))
        f = _quad(np.column_stack([x[0], x[1], x[3], x[2]]))
    if facets is not None:
        facets.append(np.column_stack([f, np.tile(v[:, 0], len(f) // len(v))]))


def _quad(q: np.ndarray) -> np.ndarray:
    """Quadrilaterals to triangles along the diagonal of the smallest id."""
    q = np.take_along_axis(q, (np.arange(4) + q.argmin(1)[:, None]) % 4, 1)
    return np.concatenate([q[:, [0, 1, 2]], q[:, [0, 2, 3]]])


_TURN = np.array(
    [(0, 1, 2, 3, 4, 5), (1, 2, 0, 4, 5, 3), (2, 0, 1, 5, 3, 4),
     (3, 5, 4, 0, 2, 1), (4, 3, 5, 1, 0, 2), (5, 4, 3, 2, 1, 0)]
)  # fmt: skip


def _prism(v: np.ndarray) -> np.ndarray:
    """Prisms to tetrahedra, each side along the diagonal of its smallest id (Dompierre et al. 1999)."""
    v = np.take_along_axis(v, _TURN[v.argmin(1)], 1)
    c = np.minimum(v[:, 1], v[:, 5]) < np.minimum(v[:, 2], v[:, 4])
    a, b = v[c], v[~c]
    return np.concatenate(
        [a[:, [0, 1, 2, 5]], a[:, [0, 1, 5, 4]], a[:, [0, 4, 5, 3]],
         b[:, [0, 1, 2, 4]], b[:, [0, 4, 2, 5]], b[:, [0, 4, 5, 3]]]
    )  # fmt: skip
