# SPDX-License-Identifier: LGPL-3.0-or-later
"""How far a solution is from the reference: the one number by which settings are chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LIMIT = 1e-3


@dataclass(frozen=True)
class Solution:
    """Fields at the output times, in the numbering of the sample.

    Attributes:
        marrow: (times, marrow values, marrow populations).
        surface: (times, surface values, surface populations).
    """

    marrow: np.ndarray
    surface: np.ndarray


def relative_errors(
    found: Solution, reference: Solution, volumes: np.ndarray, areas: np.ndarray, floor: float = 0.0
) -> np.ndarray:
    """Relative L2 error of every population at every output time: (times, populations).

    Args:
        found, reference: Solutions on the same mesh.
        volumes, areas: Lumped measures of the values, the weights of the norm.
        floor: Norms below this share of the population's largest over the output times count as that;
            0 where every population is present at all of them.
    """
    parts = []
    for a, b, w in (
        (found.marrow, reference.marrow, volumes),
        (found.surface, reference.surface, areas),
    ):
        if not a.size:
            continue
        off = np.sqrt(np.einsum("i,tip->tp", w, (a - b) ** 2))
        size = np.sqrt(np.einsum("i,tip->tp", w, b**2))
        parts.append(off / np.maximum(np.maximum(size, floor * size.max(axis=0)), 1e-300))
    return np.concatenate(parts, axis=1)
