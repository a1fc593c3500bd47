# SPDX-License-Identifier: LGPL-3.0-or-later
"""Populations on a sample: P1 finite elements, lumped volumes and areas, MPI layout."""

from .clip import ball_shares, fraction_above, region_shares, slab_shares
from .gather import Columns, Gather, Rows, Table
from .layout import Layout, WellMixed
from .measure import lumped, sizes
from .tissue import Tissue, build_tissue, geometry_of

__all__ = [
    "Columns",
    "Gather",
    "Layout",
    "Rows",
    "Table",
    "Tissue",
    "WellMixed",
    "ball_shares",
    "build_tissue",
    "fraction_above",
    "geometry_of",
    "lumped",
    "sizes",
    "region_shares",
    "slab_shares",
]
