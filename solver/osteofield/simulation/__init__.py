# SPDX-License-Identifier: LGPL-3.0-or-later
"""A run: homeostasis, foci, therapies, output times, stops; hands frames to a `Writer`."""

from .faces import check_faces
from .memory import MemoryWriter
from .outcome import Outcome, Progress
from .plan import describe_arms, describe_plan, describe_start
from .probes import check_places
from .seeding import check_foci
from .simulation import Simulation
from .snapshot import Restored
from .writer import Frame, MeshData, Writer, write_frame

__all__ = [
    "Frame", "MemoryWriter", "MeshData", "Outcome", "Progress", "Restored", "Simulation", "Writer",
    "check_faces", "check_foci", "check_places", "describe_arms", "describe_plan", "describe_start",
    "write_frame",
]  # fmt: skip
