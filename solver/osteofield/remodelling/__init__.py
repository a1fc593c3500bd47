# SPDX-License-Identifier: LGPL-3.0-or-later
"""A bone surface that moves: level set, re-cuts, books of volumes, transfer of what lives on the mesh."""

from .bone import RECUT, Bone, Books, Recut, balanced
from .contour import Contour
from .hats import Hats
from .levelset import LevelSet
from .phase import Phase
from .topology import Topology, perforations
from .transfer import Transfer

__all__ = [
    "RECUT", "Bone", "Books", "Contour", "Hats", "LevelSet", "Phase", "Recut", "Topology", "Transfer",
    "balanced", "perforations",
]  # fmt: skip
