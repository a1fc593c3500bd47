# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pieces and holes of bone, and where resorption changed them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..geometry.kuhn import kuhn


@dataclass(frozen=True)
class Topology:
    """What does not change while a surface only shifts.

    Attributes:
        bone: Pieces of bone.
        marrow: Pieces of marrow.
        euler: Euler number of bone: pieces - tunnels + cavities.
    """

    bone: int
    marrow: int
    euler: int

    @classmethod
    def of(cls, phi: np.ndarray) -> Topology:
        """Of the bone where `phi` > 0, its neighbours being those of the Kuhn subdivision."""
        connectivity, bone = kuhn(phi.ndim).connectivity, phi > 0
        euler = sum(sign * int(_all(bone, offsets).sum()) for sign, offsets in _chains(phi.ndim))
        return cls(
            int(ndimage.label(bone, connectivity)[1]), int(ndimage.label(~bone, connectivity)[1]), euler
        )


def perforations(before: np.ndarray, after: np.ndarray) -> int:
    """Places where loss of bone changed its topology: a plate holed, a strut cut through, a piece gone.

    Nodes that became marrow are taken together where they touch; a place is such a cluster whose loss
    changes the Euler number of bone. A surface that only retreats changes it nowhere.

    Args:
        before, after: Signed distance at the grid nodes, positive in bone.
    """
    bone, lost = before > 0, (before > 0) & ~(after > 0)
    label, n = ndimage.label(lost, kuhn(before.ndim).connectivity)
    if not n:
        return 0
    change = np.zeros(n + 1)
    for sign, offsets in _chains(before.ndim):
        was = _all(bone, offsets)
        # two lost nodes of one chain are neighbours, so that they are in one cluster
        cluster = np.maximum.reduce([_shifted(label, offsets, o) for o in offsets])
        change += sign * np.bincount(cluster[was], minlength=n + 1)
    return int((change[1:] != 0).sum())


def _chains(d: int) -> Iterator[tuple[int, list[np.ndarray]]]:
    """Simplices of the Kuhn subdivision that begin at a node: sign in the Euler number, node offsets."""
    tables = kuhn(d)
    chains = set()
    for path in tables.simplices:
        for subset in range(1, 2 ** len(path)):
            nodes = [int(v) for i, v in enumerate(path) if subset >> i & 1]
            chains.add(tuple(v - nodes[0] for v in nodes))  # corners are bit sets that ascend
    for chain in sorted(chains):
        yield (-1) ** (len(chain) - 1), [tables.corners[c] for c in chain]


def _shifted(array: np.ndarray, offsets: list[np.ndarray], offset: np.ndarray) -> np.ndarray:
    """Values at one node of every chain that lies in the grid."""
    reach = offsets[-1]
    return array[tuple(slice(o, n - r + o) for o, n, r in zip(offset, array.shape, reach, strict=True))]


def _all(mask: np.ndarray, offsets: list[np.ndarray]) -> np.ndarray:
    """Chains whose nodes are all in a mask."""
    return np.logical_and.reduce([_shifted(mask, offsets, o) for o in offsets])
