# SPDX-License-Identifier: LGPL-3.0-or-later
"""Connected pieces of a phase on a structured array that is spread over ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .boxes import Exchange, Partition


@dataclass(frozen=True)
class Labels:
    """Connected pieces of a mask as one rank sees them.

    Attributes:
        label: Number of the piece, from 1, at every entry that this rank holds; 0 outside of the mask.
        count: How many this rank sees.
        shared: ``(count + 1,)`` whether a piece goes on outside of the own box of a rank that sees it.
        slot: For each of the shared ones its number among all that are shared, over all ranks.
        slots: How many these are.
    """

    partition: Partition
    label: np.ndarray
    count: int
    shared: np.ndarray
    slot: np.ndarray
    slots: int

    def joined(
        self, values: np.ndarray, how: Literal["sum", "least", "most"] = "sum"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Collective: values of pieces put together from what every rank has for what it sees of them.

        Args:
            values: ``(count + 1,)`` int64 of this rank's box.
            how: They are put together.

        Returns:
            ``(count + 1,)`` of the whole pieces, and those of the shared ones, ``(slots,)``.
        """
        team, limits = self.partition.team, np.iinfo(np.int64)
        ufunc, reduce, start = {
            "sum": (np.add, team.sum, 0),
            "least": (np.minimum, team.least, limits.max),
            "most": (np.maximum, team.most, limits.min),
        }[how]
        whole = np.full(self.slots, start, np.int64)
        ufunc.at(whole, self.slot, values[self.shared])
        if self.slots:
            whole = reduce(whole)
        out = values.copy()
        out[self.shared] = whole[self.slot]
        return out, whole


def labelled(mask: np.ndarray, partition: Partition, halo: Exchange, structure: np.ndarray) -> Labels:
    """Collective: label locally, join what meets in the halos.

    Args:
        mask: The phase on this rank's box.
        partition: Boxes of all ranks.
        halo: Exchange that holds one layer more than the own box, or more.
        structure: Which entries are neighbours, as in `scipy.ndimage.label`.
    """
    team = partition.team
    label, n = scipy.ndimage.label(halo(mask) if team.size > 1 else mask, structure)
    start = team.before(n + 1)
    joined, root = _join(label, start, halo, team.size)
    local = np.arange(n + 1) + start
    shared = np.isin(local, joined)
    slot = root[np.searchsorted(joined, local[shared])] if len(joined) else np.zeros(0, np.int64)
    return Labels(partition, label, n, shared, slot, int(root.max()) + 1 if len(root) else 0)


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
    labels = labelled(mask, partition, halo, structure)
    n = labels.count
    mine = labels.label[own.within(halo.held)] if team.size > 1 else labels.label
    # size and first entry of every piece
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
    size, sizes = labels.joined(size)
    first, _ = labels.joined(first, "least")
    cut, _ = labels.joined(cut, "most")
    whole_ones = (size > 0) & ~labels.shared
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
