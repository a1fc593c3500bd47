# SPDX-License-Identifier: LGPL-3.0-or-later
"""Tables of surface points and of lesions, comma-separated."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..errors import writing
from .bone import Bone
from .facets import lumped
from .lesions import Lesion

SLICE = 1000.0  # um: 2-D results are per millimetre of thickness


def write_points(bone: Bone, path: Path) -> int:
    """One row per point of the bone surface mesh: place, net eroded depth, its share of the surface.

    Returns:
        The number of points.

    Raises:
        InputError: The file cannot be written.
    """
    d = bone.dimension
    size = "area [um^2]" if d == 3 else "length [um]"
    share = lumped(bone.points, bone.facets) if len(bone.facets) else np.zeros(0)
    header = [f"{a} [um]" for a in "xyz"[:d]] + ["depth [um]", size]
    rows = np.column_stack([bone.points, bone.recorded, share])
    _write(path, header, [[f"{v:.9g}" for v in row] for row in rows.tolist()])
    return len(rows)


def write_lesions(found: list[Lesion], total: Lesion, path: Path) -> None:
    """One row per lesion, the last one for all together; 2-D: per millimetre of thickness.

    Raises:
        InputError: The file cannot be written.
    """
    d = len(total.centre)
    header = [
        "lesion", *(f"{a} [um]" for a in "xyz"[:d]), "volume [mm^3]", "ES [mm^2]", "ES/BS [1]",
        "E.De.mean [um]", "E.De.max [um]", "equivalent_radius [um]", "reach [um]", "perforations [1]",
    ]  # fmt: skip
    thick = 1.0 if d == 3 else SLICE
    rows = []
    for name, x in [*((str(k), x) for k, x in enumerate(found, 1)), ("total", total)]:
        numbers = [
            *x.centre.tolist(), x.volume * thick * 1e-9, x.surface * thick * 1e-6, x.share, x.depth,
            x.deepest, x.radius, x.reach,
        ]  # fmt: skip
        rows.append(
            [
                name,
                *("" if v != v else f"{v:.7g}" for v in numbers),
                "" if x.perforations is None else str(x.perforations),
            ]
        )
    _write(path, header, rows)


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with writing("the table", path), open(path, "w", newline="", encoding="utf-8") as f:
        csv.writer(f, lineterminator="\n").writerows([header, *rows])
