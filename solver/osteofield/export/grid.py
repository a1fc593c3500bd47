# SPDX-License-Identifier: LGPL-3.0-or-later
"""A grid as fine as the surface mesh."""

from __future__ import annotations

import numpy as np

from ..geometry.sides import Nodes
from .bone import Bone

MOST_NODES = 60_000_000


def edge_length(bone: Bone) -> float:
    """Median edge of the surface mesh, um."""
    x = bone.points[bone.facets]
    return float(np.median(np.linalg.norm(x[:, 1] - x[:, 0], axis=1)))


def finest(bone: Bone) -> Nodes:
    """Nodes over the whole box, as far apart as the points of the surface mesh, or as memory allows."""
    side = bone.upper - bone.lower
    spacing = max(edge_length(bone), float(np.prod(side) / MOST_NODES) ** (1 / bone.dimension))
    count = np.maximum(np.round(side / spacing), 1).astype(int)
    return Nodes(bone.lower, side / count, tuple(int(n) + 1 for n in count))
