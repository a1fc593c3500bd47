# SPDX-License-Identifier: LGPL-3.0-or-later
"""When it is time for a checkpoint; the steps of the run do not depend on it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ..case.types import CheckpointSpec
from .writer import Writer

if TYPE_CHECKING:
    from mpi4py import MPI

SECONDS = 86400.0
LOOK = 1.0  # seconds between looks at whether the user has asked


class CheckpointClock:
    """Asked after every step.

    Args:
        spec: When.
        t: Time of the last checkpoint, day.
        comm: Communicator.
        writer: Knows whether somebody asks; rank 0 only.
    """

    def __init__(self, spec: CheckpointSpec, t: float, comm: MPI.Comm, writer: Writer | None):
        self._spec, self._comm, self._writer = spec, comm, writer
        self._last, self._wall = t, time.monotonic()
        self._looked = self._wall

    def due(self, t: float) -> bool:
        """Collective: whether a checkpoint is due at `t`; if so, it counts as taken."""
        due = self._comm.bcast(self._decide(t) if self._comm.rank == 0 else None, 0)
        if due:
            self._last, self._wall = t, time.monotonic()
        return bool(due)

    def _decide(self, t: float) -> bool:
        every, now = self._spec.every, time.monotonic()
        if every is not None and math.floor(t / every * (1 + 1e-12)) > math.floor(
            self._last / every * (1 + 1e-12)
        ):
            return True
        if now - self._wall >= self._spec.every_wall * SECONDS:
            return True
        if self._writer is None or now - self._looked < LOOK:
            return False
        self._looked = now
        return self._writer.wants_checkpoint()
