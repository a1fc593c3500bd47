# SPDX-License-Identifier: LGPL-3.0-or-later
"""Images, foams and shapes of bone to a conforming mesh of marrow, bone and their surface."""

from .build import build_piece, build_sample
from .image import read_image
from .morphometry import Morphometry
from .piece import Piece, part_of
from .sample import Sample
from .sample_file import load_sample, mesh_info, save_sample

__all__ = [
    "Morphometry",
    "Piece",
    "Sample",
    "build_piece",
    "build_sample",
    "load_sample",
    "mesh_info",
    "part_of",
    "read_image",
    "save_sample",
]
