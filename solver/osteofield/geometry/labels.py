# SPDX-License-Identifier: LGPL-3.0-or-later
"""Label maps: bone, marrow and implant, and which side of a cut is implant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from ..case.types import LabelSpec
from ..errors import InputError, Problem
from .cut import Cut

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


@dataclass(frozen=True)
class ImplantMap:
    """Where the solid part of a label map is implant.

    Attributes:
        lead: Share of implant less share of bone around voxel centres.
        first: Centre of the first voxel, um.
        spacing: Voxel size, um.
    """

    lead: np.ndarray
    first: tuple[float, ...]
    spacing: tuple[float, ...]

    @classmethod
    def of(
        cls, phases: np.ndarray, smoothing: float, first: tuple[float, ...], spacing: tuple[float, ...]
    ) -> ImplantMap:
        """From phases of voxels, filtered as the solid part is before it is cut."""
        lead = (phases == IMPLANT).astype(np.float32) - (phases == BONE)
        return cls(ndimage.gaussian_filter(lead, max(smoothing, 0.5), mode="nearest"), first, spacing)

    def holds(self, x: np.ndarray) -> np.ndarray:
        """Whether implant prevails at places ``(n, d)``."""
        index = (x - np.array(self.first)) / np.array(self.spacing)
        out: np.ndarray = ndimage.map_coordinates(self.lead, index.T, order=1, mode="nearest") > 0
        return out


def without_implant(mesh: Cut, implant: ImplantMap) -> Cut:
    """The cut less the cells of the implant, and less their facets to the marrow, which nothing crosses."""
    keep = ~implant.holds(mesh.points[mesh.bone].mean(1)) if len(mesh.bone) else np.zeros(0, bool)
    facets = keep[_behind(mesh.surface, mesh.bone)]
    used = np.zeros(len(mesh.points), bool)
    for cells in (mesh.marrow, mesh.bone[keep]):
        used[cells] = True
    row = np.cumsum(used) - 1
    return replace(
        mesh,
        keys=mesh.keys[used],
        points=mesh.points[used],
        mine=mesh.mine[used],
        marrow=row[mesh.marrow],
        bone=row[mesh.bone[keep]],
        surface=row[mesh.surface[facets]],
        faces={name: row[rows] for name, rows in mesh.faces.items()},
        own_bone=int(keep[: mesh.own_bone].sum()),
        own_surface=int(facets[: mesh.own_surface].sum()),
    )


def _behind(facets: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """For each facet the one cell of `cells` that it belongs to."""
    if not len(facets):
        return np.zeros(0, np.int64)
    k = cells.shape[1]
    on = np.zeros(int(cells.max()) + 1, bool)
    on[facets] = True
    sides = np.concatenate([np.delete(cells, i, axis=1) for i in range(k)])
    candidate = np.flatnonzero(on[sides].all(1))
    rows = np.sort(np.concatenate([facets, sides[candidate]]), axis=1)
    number = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    cell = np.full(int(number.max()) + 1, -1)
    cell[number[len(facets) :]] = candidate % len(cells)
    return cell[number[: len(facets)]]
