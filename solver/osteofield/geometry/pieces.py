# SPDX-License-Identifier: LGPL-3.0-or-later
"""Connected pieces of a phase on a structured array that is spread over ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .boxes import Exchange, Partition


@dataclass(frozen=True)
class Pieces:
    """How a phase falls apart.

    Attributes:
        count: Number of pieces over all ranks.
        small: Entries of this rank that are in another piece than the largest (the first of equals).
    """

    count: int
    small: np.ndarray


def pieces(
    mask: np.ndarray, partition: Partition, halo: Exchange, structure: np.ndarray, *, keep_cut: bool = False
) -> Pieces:
    """Collective: label locally, join what meets in the halos, compare sizes.

    Args:
        mask: The phase on this rank's box.
        partition: Boxes of all ranks.
        halo: Exchange that holds one layer more than the own box, or more.
        structure: Which entries are neighbours, as in `scipy.ndimage.label`.
        keep_cut: Pieces that reach the faces of the array are never small: they go on beyond it.
    """
    team, own = partition.team, partition.own
    inner = own.within(halo.held)
    label, n = ndimage.label(halo(mask) if team.size > 1 else mask, structure)
    mine = label[inner] if team.size > 1 else label
    # number, size and first entry of every local piece
    start = team.before(n + 1)
    size = np.bincount(mine.ravel(), minlength=n + 1).astype(np.int64)
    first = np.full(n + 1, np.iinfo(np.int64).max)
    at = np.flatnonzero(mine.ravel())[::-1]  # the last one written is the first in order
    place = np.ravel_multi_index(
        tuple(i + lo for i, lo in zip(np.unravel_index(at, own.shape), own.lo, strict=True)), partition.whole
    ) if len(at) else at  # fmt: skip
    first[mine.ravel()[at]] = place
    size[0] = 0
    cut = np.zeros(n + 1, np.int64)
    for k in range(mask.ndim if keep_cut else 0):
        for end, plane in ((own.lo[k] == 0, 0), (own.hi[k] == partition.whole[k], -1)):
            if end and own.size:
                cut[np.unique(mine.take(plane, k))] = 1
    joined, root = _join(label, start, halo, team.size)
    local = np.arange(n + 1) + start
    shared = np.isin(local, joined)
    if len(joined):
        slot = root[np.searchsorted(joined, local[shared])]
        sizes = np.zeros(root.max() + 1, np.int64)
        firsts = np.full(len(sizes), np.iinfo(np.int64).max)
        np.add.at(sizes, slot, size[shared])
        np.minimum.at(firsts, slot, first[shared])
        cuts = np.zeros(len(sizes), np.int64)
        np.maximum.at(cuts, slot, cut[shared])
        sizes, firsts, cuts = team.sum(sizes), team.least(firsts), team.most(cuts)
        size[shared], first[shared], cut[shared] = sizes[slot], firsts[slot], cuts[slot]
    else:
        sizes = np.zeros(0, np.int64)
    whole_ones = (size > 0) & ~shared
    count = int(team.sum(int(whole_ones.sum()))) + int((sizes > 0).sum())
    best = max(zip(size.tolist(), (-first).tolist(), strict=True)) if n else (0, 0)
    largest = max(team.everyone(best))
    keep = (size == largest[0]) & (first == -largest[1]) | (cut > 0)
    keep[0] = True
    return Pieces(count, ~keep[mine])


def _join(label: np.ndarray, start: int, halo: Exchange, ranks: int) -> tuple[np.ndarray, np.ndarray]:
    """Collective: pieces that reach across ranks.

    Returns:
        Their numbers, ascending and the same on every rank, and for each the number of its union.
    """
    none = np.zeros(0, np.int64)
    if ranks == 1:
        return none, none
    team, own = halo.partition.team, halo.partition.own
    numbers = np.where(label > 0, label.astype(np.int64) + start, 0)
    owners = halo(np.ascontiguousarray(numbers[own.within(halo.held)]))
    outside = owners > 0
    outside[own.within(halo.held)] = False
    pairs = np.unique(np.stack([numbers[outside], owners[outside]], 1), axis=0)
    pairs = team.together(pairs)
    if not len(pairs):
        return none, none
    joined, compact = np.unique(pairs, return_inverse=True)
    a, b = compact.reshape(pairs.shape).T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(len(joined),) * 2)
    _, root = connected_components(graph, directed=False)
    return joined, root
