# SPDX-License-Identifier: LGPL-3.0-or-later
"""An order of cells that is the same on any number of ranks."""

from __future__ import annotations

import numpy as np

from ..team import Team

_ODD, _ODDER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)  # of splitmix64


def places_of_cells(team: Team, cells: np.ndarray) -> np.ndarray:
    """Collective: place of every cell of this rank among those of all ranks.

    Cells are ordered by their smallest vertex, and those that share it by their other vertices. The rank
    that has a vertex has all the cells of which it is the smallest.

    Args:
        team: The ranks.
        cells: ``(n, k)`` global numbers of the vertices, ``< 2^50``.

    Returns:
        ``(n,)`` int64.
    """
    if not len(cells):
        return team.places(np.zeros(0, np.int64))
    first, others = cells[:, 0].astype(np.int64), np.zeros(len(cells), np.uint64)
    mixed = np.empty_like(others)
    with np.errstate(over="ignore"):  # the order of others does not matter as long as it is always the same
        for vertex in cells.T:
            np.minimum(first, vertex, out=first)
            mixed[:] = vertex
            mixed += np.uint64(1)
            mixed *= _ODD
            mixed ^= mixed >> np.uint64(29)
            mixed *= _ODDER
            others += mixed
    del mixed  # as many numbers as cells in each, and this is where a run may need most memory
    order = _order(first, others)
    del others
    ascending = first[order]
    del first
    begins = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    sizes = np.diff(np.append(begins, len(order)))
    shift = team.places(ascending[begins], sizes) - begins
    places = np.empty(len(cells), np.int64)
    places[order] = np.arange(len(order)) + np.repeat(shift, sizes)
    return places


def _order(first: np.ndarray, others: np.ndarray) -> np.ndarray:
    """That of `first`, and of `others` where it is the same; most often the upper halves of these tell."""
    if first.max() < 1 << 31:
        keys = first.astype(np.uint64)
        keys <<= np.uint64(32)
        keys |= others >> np.uint64(32)
        order = np.argsort(keys)
        ascending = keys[order]
        if (ascending[1:] != ascending[:-1]).all():
            return order
    return np.lexsort((others, first))
