# SPDX-License-Identifier: LGPL-3.0-or-later
"""Label maps: which voxels are bone, marrow and implant."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..case.types import LabelSpec
from ..errors import InputError, Problem

MARROW, BONE, IMPLANT = 0, 1, 2


def phases_of(values: np.ndarray, labels: LabelSpec, path: Path) -> np.ndarray:
    """Phase of every voxel: `MARROW`, `BONE` or `IMPLANT`, uint8.

    Raises:
        InputError: Labels occur that the case does not name, or bone or implant do not occur.
    """
    found, count = np.unique(values, return_counts=True)
    phase = {float(v): p for p, numbers in ((BONE, labels.bone), (IMPLANT, labels.implant)) for v in numbers}
    if labels.marrow is not None:
        phase |= dict.fromkeys(map(float, labels.marrow), MARROW)
        odd = [(v, n) for v, n in zip(found, count, strict=True) if float(v) not in phase]
        if odd:
            some = ", ".join(f"{v:g} in {n} voxels" for v, n in odd[:5]) + ", ..." * (len(odd) > 5)
            raise InputError(
                Problem(
                    f"labels occur that are neither bone nor marrow nor implant: {some}. Name them in "
                    'labels, or write marrow = "rest".',
                    path,
                )
            )
    for name, numbers in (("bone", labels.bone), ("implant", labels.implant)):
        if numbers and not np.isin(np.array(numbers, float), found).any():
            there = ", ".join(f"{v:g}" for v in found[:10]) + ", ..." * (len(found) > 10)
            raise InputError(
                Problem(
                    f"no voxel is labelled {name} ({', '.join(map(str, numbers))}); there are: {there}.", path
                )
            )
    table = np.array([phase.get(float(v), MARROW) for v in found], np.uint8)
    return table[np.searchsorted(found, values)]
