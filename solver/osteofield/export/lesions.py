# SPDX-License-Identifier: LGPL-3.0-or-later
"""Lesions: connected pieces of eroded surface, and how much bone was lost below them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..geometry.sides import Nodes
from .bone import Bone
from .facets import normals, positive_part, sizes
from .grid import finest
from .level import level_of

OPPOSITE = -0.5  # cosine between normals of surfaces that face away from each other
THIN = 0.5  # node spacings: bone left that is thinner counts as gone


@dataclass(frozen=True)
class Lesion:
    """A connected piece of eroded surface; lengths in um (2-D: lengths for areas, areas for volumes).

    Attributes:
        centre: ``(d,)`` of the bone lost.
        volume: Integral of depth over the eroded surface.
        surface: Eroded surface, ES.
        share: ES/BS, of all bone surface of the sample.
        deepest: E.De.max.
        reach: Largest distance of eroded surface from the centre.
        perforations: Places where erosion from opposite sides has met; None next to an implant and where
            the surface has moved: they are not known from the depth.
    """

    centre: np.ndarray
    volume: float
    surface: float
    share: float
    deepest: float
    reach: float
    perforations: int | None

    @property
    def depth(self) -> float:
        """E.De.mean."""
        return self.volume / self.surface if self.surface else 0.0

    @property
    def radius(self) -> float:
        """Of the ball (2-D: disc) that has the volume."""
        if len(self.centre) == 2:
            return float(np.sqrt(self.volume / np.pi))
        return float((3 * self.volume / (4 * np.pi)) ** (1 / 3))


def lesions_of(bone: Bone) -> tuple[list[Lesion], Lesion]:
    """Every lesion, the largest volume first, and all of them taken together.

    Eroded surface is where the depth, interpolated linearly on the facets, exceeds
    `Bone.eroded_above`. Two pieces of it that have met inside the bone are one lesion.
    """
    eroded = bone.recorded > bone.eroded_above
    label = _pieces(bone.facets, eroded)
    meetings = _meetings(bone, eroded)
    joined, holes = _join(label, bone.facets, eroded, meetings)
    facet_label = np.where(eroded[bone.facets], joined[bone.facets], -1).max(1, initial=-1)
    found = [
        _measure(bone, facet_label == k, eroded & (joined == k), int(holes[k]) if _countable(bone) else None)
        for k in range(len(holes))
    ]
    found.sort(key=lambda lesion: -lesion.volume)
    return found, _measure(bone, facet_label >= 0, eroded, int(holes.sum()) if _countable(bone) else None)


def _countable(bone: Bone) -> bool:
    """Whether perforations can be told from the depth: on a mesh of day 0 without an implant."""
    return not bone.implant and not bone.moved


def _pieces(facets: np.ndarray, eroded: np.ndarray) -> np.ndarray:
    """Number of the connected piece of every eroded point; -1 elsewhere."""
    k = facets.shape[1]
    edges = np.concatenate([facets[:, [i, j]] for i in range(k) for j in range(i)])
    edges = edges[eroded[edges].all(1)]
    n = len(eroded)
    graph = coo_array((np.ones(len(edges), bool), (edges[:, 0], edges[:, 1])), shape=(n, n))
    number = connected_components(graph, directed=False)[1]
    out = np.full(n, -1)
    out[eroded] = np.unique(number[eroded], return_inverse=True)[1]
    return out


def _meetings(bone: Bone, eroded: np.ndarray) -> list[np.ndarray]:
    """For every perforation the facets whose erosion has met there.

    Neighbouring nodes of a grid whose nearest surface points lie on opposite sides have the medial
    surface between them; there is a perforation where the depths below these points leave no bone
    between. Pairs of nodes that touch belong to one perforation.
    """
    if not eroded.any() or not bone.depth.any() or not _countable(bone):
        return []
    nodes = _around(bone, bone.points[eroded])
    level = level_of(bone, nodes)
    direction = normals(bone.points, bone.facets)
    gone = np.zeros(nodes.shape, bool)
    usable = (level.before > 0) & (level.facet >= 0)
    for offset in _half_of_the_neighbours(bone.dimension):
        a, b = _pairs(nodes.shape, offset)
        at = np.nonzero(usable[a] & usable[b])
        na, nb = direction[level.facet[a][at]], direction[level.facet[b][at]]
        left = level.now[a][at] + level.now[b][at] + np.abs(na @ (nodes.spacing * offset))
        met = ((na * nb).sum(1) < OPPOSITE) & (left < THIN * nodes.spacing.min())
        where = tuple(i[met] for i in at)
        gone[a][where] = True
        gone[b][where] = True
    number, n = ndimage.label(gone, np.ones((3,) * bone.dimension))
    index = np.flatnonzero(gone)
    order = np.argsort(number.ravel()[index], kind="stable")
    facet, first = level.facet.ravel()[index[order]], np.bincount(number.ravel()[index], minlength=n + 1)
    return np.split(facet, np.cumsum(first[1:])[:-1]) if n else []


def _half_of_the_neighbours(dimension: int) -> list[np.ndarray]:
    """Offsets to the nodes of the cells around a node, one of each opposite pair."""
    every = [np.array(o) - 1 for o in np.ndindex((3,) * dimension)]
    return every[len(every) // 2 + 1 :]


def _pairs(shape: tuple[int, ...], offset: np.ndarray) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The nodes that have a neighbour at `offset`, and these neighbours."""
    here = tuple(slice(max(-o, 0), n - max(o, 0)) for o, n in zip(offset, shape, strict=True))
    there = tuple(slice(max(o, 0), n - max(-o, 0)) for o, n in zip(offset, shape, strict=True))
    return here, there


def _around(bone: Bone, points: np.ndarray) -> Nodes:
    """A grid over the eroded surface, two node spacings more on every side, within the box."""
    whole = finest(bone)
    low = np.floor((points.min(0) - whole.first) / whole.spacing).astype(int) - 2
    high = np.ceil((points.max(0) - whole.first) / whole.spacing).astype(int) + 2
    low, high = np.maximum(low, 0), np.minimum(high, np.array(whole.shape) - 1)
    return Nodes(whole.first + low * whole.spacing, whole.spacing, tuple(int(n) for n in high - low + 1))


def _join(
    label: np.ndarray, facets: np.ndarray, eroded: np.ndarray, meetings: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Labels after pieces that have met are one, and the perforations of each."""
    n = int(label.max(initial=-1)) + 1
    first, second, owner = [], [], []
    for facet in meetings:
        corner = facets[facet]
        pieces = np.unique(label[corner][eroded[corner]])
        if len(pieces):
            first += [pieces[0]] * len(pieces)
            second += list(pieces)
            owner.append(pieces[0])
    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(n, n))
    count, number = connected_components(graph, directed=False) if n else (0, np.zeros(0, int))
    holes = np.bincount(number[owner], minlength=count) if owner else np.zeros(count, int)
    return np.where(label >= 0, number[label], -1) if n else label, holes


def _measure(bone: Bone, facets: np.ndarray, points: np.ndarray, perforations: int | None) -> Lesion:
    whole = float(sizes(bone.points, bone.facets).sum()) if len(bone.facets) else 0.0
    chosen = bone.facets[facets]
    size = sizes(bone.points, chosen)
    share, above = positive_part(bone.recorded[chosen] - bone.eroded_above)
    lost = size * (above + bone.eroded_above * share)
    volume, surface = float(lost.sum()), float((size * share).sum())
    centre = (
        (bone.points[chosen].mean(1) * lost[:, None]).sum(0) / volume
        if volume
        else np.full(bone.dimension, np.nan)
    )
    return Lesion(
        centre=centre,
        volume=volume,
        surface=surface,
        share=surface / whole if whole else 0.0,
        deepest=float(bone.recorded[points].max(initial=0.0)),
        reach=float(np.linalg.norm(bone.points[points] - centre, axis=1).max(initial=0.0)) if volume else 0.0,
        perforations=perforations,
    )
