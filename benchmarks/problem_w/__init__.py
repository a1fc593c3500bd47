# SPDX-License-Identifier: LGPL-3.0-or-later
"""Problem W: four solutes that bind, diffuse and decay, four local populations, a cube of jittered cells."""

from .mesh import cube
from .workload import problem_w

__all__ = ["cube", "problem_w"]
