# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables of the Kuhn subdivision: each cube in 6 tetrahedra, each square in 2 triangles.

Corner and direction numbers are bit patterns, first axis in the highest bit: in 3-D direction 4
is +x, 2 is +y, 1 is +z, 7 the body diagonal. A simplex is a path from corner 0 to the opposite
corner, so its vertices ascend in grid order. The neighbours of a node are the 14 (2-D: 6) nodes
that share an edge with it; the triangles (edges) they span are the link sphere (circle) of the node.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, permutations

import numpy as np


@dataclass(frozen=True)
class Kuhn:
    """Tables for one dimension d.

    Attributes:
        corners: ``(2^d, d)`` offsets of the cube corners; ``corners[b]`` is also direction b.
        neighbours: ``(2(2^d-1), d)`` offsets: all positive directions, then their negatives.
        simplices: ``(d!, d+1)`` corner numbers along each path.
        negative: ``(d!,)`` True where the path order has negative orientation.
        one_component: Over bit sets of neighbours: the set is non-empty and connected in the link.
        has_facet: Over bit sets of neighbours: the set contains a whole facet of the link.
    """

    dimension: int
    corners: np.ndarray
    neighbours: np.ndarray
    simplices: np.ndarray
    negative: np.ndarray
    one_component: np.ndarray
    has_facet: np.ndarray

    @property
    def connectivity(self) -> np.ndarray:
        """Structuring element of the neighbourhood for `scipy.ndimage.label`."""
        s = np.zeros((3,) * self.dimension, bool)
        s[(1,) * self.dimension] = True
        for o in self.neighbours:
            s[tuple(o + 1)] = True
        return s

    @cached_property
    def chains(self) -> list[tuple[int, np.ndarray]]:
        """Simplices of all dimensions that begin at a node: sign in the Euler number, ``(n, d)`` offsets."""
        found = set()
        for path in self.simplices:
            for subset in range(1, 2 ** len(path)):
                nodes = [int(v) for i, v in enumerate(path) if subset >> i & 1]
                found.add(tuple(v - nodes[0] for v in nodes))  # bit sets ascend: a difference is a direction
        return [((-1) ** (len(chain) - 1), self.corners[list(chain)]) for chain in sorted(found)]


@lru_cache(2)
def kuhn(dimension: int) -> Kuhn:
    """The tables for dimension 2 or 3."""
    d = dimension
    corners = np.array([[b >> (d - 1 - k) & 1 for k in range(d)] for b in range(2**d)])
    neighbours = np.concatenate([corners[1:], -corners[1:]])
    simplices = np.array([np.cumsum((0, *p)) for p in permutations([1 << k for k in range(d - 1, -1, -1)])])
    edges = corners[simplices][:, 1:] - corners[simplices][:, :1]
    n = len(neighbours)
    gap = neighbours[:, None] - neighbours[None]
    joined = (abs(gap).max(2) == 1) & ((gap >= 0).all(2) | (gap <= 0).all(2))
    sets = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(bool)
    reached = np.zeros_like(sets)
    reached[np.arange(1 << n), sets.argmax(1)] = sets.any(1)
    for _ in range(n):
        reached |= (reached.astype(np.float32) @ joined.astype(np.float32) > 0) & sets
    has_facet = np.zeros(1 << n, bool)
    for facet in combinations(range(n), d):
        if all(joined[a, b] for a, b in combinations(facet, 2)):
            has_facet |= sets[:, facet].all(1)
    return Kuhn(
        d, corners, neighbours, simplices, np.linalg.det(edges) < 0,
        sets.any(1) & (reached == sets).all(1), has_facet,
    )  # fmt: skip
