# SPDX-License-Identifier: LGPL-3.0-or-later
"""An array combined over all ranks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

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


def reduced_both(comm: MPI.Comm, sums: np.ndarray, largest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Collective: one array summed, another's largest entries, float64, in one operation; a NaN stays."""
    if comm.size == 1:
        return sums, largest
    pair, combine = _pairs()
    count = max(sums.size, largest.size)
    mine, out = np.zeros((count, 2)), np.empty((count, 2))
    mine[: sums.size, 0], mine[: largest.size, 1] = sums.ravel(), largest.ravel()
    comm.Allreduce([mine, count, pair], [out, count, pair], combine)
    return out[: sums.size, 0].reshape(sums.shape), out[: largest.size, 1].reshape(largest.shape)


@lru_cache(1)
def _pairs() -> tuple[Any, Any]:
    """What one number of either kind is to MPI, and how two such pairs are combined."""
    from mpi4py import MPI

    def combine(one: Any, other: Any, _: Any) -> None:
        a, b = (np.frombuffer(x).reshape(-1, 2) for x in (one, other))
        b[:, 0] += a[:, 0]
        np.maximum(a[:, 1], b[:, 1], out=b[:, 1])

    return MPI.DOUBLE.Create_contiguous(2).Commit(), MPI.Op.Create(combine, commute=True)
