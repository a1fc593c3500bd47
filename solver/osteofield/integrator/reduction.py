# SPDX-License-Identifier: LGPL-3.0-or-later
"""An array combined over all ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mpi4py import MPI


def reduced(comm: MPI.Comm, values: np.ndarray, op: str = "SUM") -> np.ndarray:
    """Collective: elementwise ``SUM``, ``MIN`` or ``MAX`` over all ranks; `values` itself on one rank."""
    if comm.size == 1:
        return values
    from mpi4py import MPI

    out = np.empty_like(values)
    comm.Allreduce(values, out, getattr(MPI, op))
    return out
