# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pieces and holes of bone, and where resorption changed them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry.boxes import Partition
from ..geometry.kuhn import kuhn
from ..geometry.morphometry import euler_number, starting
from ..geometry.pieces import labelled, pieces
from ..team import ALONE


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
    def of(cls, phi: np.ndarray, nodes: Partition | None = None) -> Topology:
        """Collective: of the bone where `phi` > 0, its neighbours being those of the Kuhn subdivision.

        Args:
            phi: At this rank's nodes.
            nodes: Which nodes are whose; by default all are here.
        """
        nodes = nodes or Partition.even(ALONE, phi.shape)
        halo, structure = nodes.halo(nodes.own.grown(1, 1, nodes.whole)), kuhn(phi.ndim).connectivity
        bone, marrow = (pieces(mask, nodes, halo, structure).count for mask in (phi > 0, ~(phi > 0)))
        return cls(bone, marrow, euler_number(phi, nodes))


def perforations(before: np.ndarray, after: np.ndarray, nodes: Partition | None = None) -> int:
    """Collective: places where loss of bone changed its topology: a plate holed, a strut cut, a piece gone.

    Nodes that became marrow are taken together where they touch; a place is such a cluster whose loss
    changes the Euler number of bone. A surface that only retreats changes it nowhere.

    Args:
        before, after: Signed distance at this rank's nodes, positive in bone.
        nodes: Which nodes are whose; by default all are here.
    """
    nodes = nodes or Partition.even(ALONE, before.shape)
    held = nodes.own.grown(1, 1, nodes.whole)
    halo = nodes.halo(held)
    clusters = labelled((before > 0) & ~(after > 0), nodes, halo, kuhn(before.ndim).connectivity)
    # chains start at a node of this rank
    upward = tuple(slice(a - b, None) for a, b in zip(nodes.own.lo, held.lo, strict=True))
    bone, label = halo(before > 0)[upward], clusters.label[upward]
    change = np.zeros(clusters.count + 1, np.int64)
    for sign, offsets in kuhn(before.ndim).chains:
        was = starting(offsets, nodes.own.shape, bone)
        if was:
            # two lost nodes of one chain are neighbours, so that they are in one cluster
            cluster = np.maximum.reduce(starting(offsets, nodes.own.shape, label))
            lost = cluster[np.logical_and.reduce(was)]
            change += sign * np.bincount(lost, minlength=len(change))
    change[0] = 0
    change, shared = clusters.joined(change)
    return int(nodes.team.sum(int((change[~clusters.shared] != 0).sum()))) + int((shared != 0).sum())
