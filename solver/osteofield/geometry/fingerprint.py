# SPDX-License-Identifier: LGPL-3.0-or-later
"""A hash of a mesh that does not depend on the order of its cells, nor on the ranks that hold them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from ..team import Team

_CHUNK = 500_000
_SEEDS = (0x243F6A8885A308D3, 0x13198A2E03707344)  # digits of pi


def fingerprint(
    team: Team, number: np.ndarray, points: np.ndarray, own: int, simplices: Mapping[str, np.ndarray]
) -> str:
    """Collective: SHA-256 over sums of 64-bit hashes of all points and all cells.

    Args:
        team: The ranks.
        number: ``(n,)`` global numbers of the points held.
        points: ``(n, d)`` um.
        own: How many of the first points belong to this rank.
        simplices: Kind to ``(m, k)`` cells of this rank, rows of `points`.
    """
    number = number.astype(np.uint64)
    counts = [own, *map(len, simplices.values())]
    sums = np.zeros((len(_SEEDS), 1 + len(simplices)), np.uint64)
    bits = (np.ascontiguousarray(points[:own], np.float64) + 0.0).view(np.uint64)  # -0 is 0
    with np.errstate(over="ignore"):
        for i, seed in enumerate(_SEEDS):
            name = _mix(number + np.uint64(seed))
            h = name[:own]
            for k in range(points.shape[1]):
                h = _mix(h ^ bits[:, k])
            sums[i, 0] = h.sum(dtype=np.uint64)
            for j, cells in enumerate(simplices.values()):
                for c in range(0, len(cells), _CHUNK):
                    together = name[cells[c : c + _CHUNK]].sum(1, dtype=np.uint64)
                    sums[i, 1 + j] += _mix(together).sum(dtype=np.uint64)
    total, counts = team.sum(sums), team.sum(np.array(counts, np.int64)).tolist()
    text = f"{points.shape[1]} {dict(zip(['points', *simplices], counts, strict=True))} {total.tolist()}"
    return hashlib.sha256(text.encode()).hexdigest()


def _mix(x: np.ndarray) -> np.ndarray:
    """Bits of every number scattered over all of it (finaliser of SplitMix64, Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
