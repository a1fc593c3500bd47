# SPDX-License-Identifier: LGPL-3.0-or-later
"""Images, foams and shapes of bone to a conforming mesh of marrow, bone and their surface."""

from .image import read_image
from .morphometry import Morphometry
from .sample import Sample, build_sample
from .sample_file import load_sample, mesh_info, save_sample

__all__ = ["Morphometry", "Sample", "build_sample", "load_sample", "mesh_info", "read_image", "save_sample"]
