# SPDX-License-Identifier: LGPL-3.0-or-later
"""Local thickness by inscribed spheres (Hildebrand and Rüegsegger 1997, J Microsc 185:67)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from ..team import ALONE
from .boxes import Partition
from .cloud import Cloud, Nearby
from .grid import Grid
from .kuhn import kuhn

RIDGE_SLOPE = 0.7  # a distance grows by 1 per unit length towards the medial surface, by less across it
TOUCH = 0.5  # cells: how near to a sphere a surface point counts as touched
_THICK = 5  # cells: larger spheres are painted, not listed with every node in them


@dataclass(frozen=True)
class Spheres:
    """Largest spheres (2-D: circles) that fit into one phase, around its medial surface.

    Attributes:
        centres: ``(n, d)`` um.
        radii: ``(n,)`` um.
    """

    centres: np.ndarray
    radii: np.ndarray


def inscribed_spheres(phi: np.ndarray, grid: Grid, surface: np.ndarray) -> Spheres:
    """See `spheres_over`; of the whole grid on one process."""
    return spheres_over(
        phi, grid, Partition.even(ALONE, grid.shape), Cloud(ALONE, surface, np.arange(len(surface)))
    )


def spheres_over(phi: np.ndarray, grid: Grid, nodes: Partition, surface: Cloud) -> Spheres:
    """Collective: spheres at the ridge of the distance field where `phi` is positive, on this rank.

    Ridge nodes are up to half a cell off the medial surface; each is moved away from its nearest
    surface point, by up to one cell, to where the distance to the surface is largest.

    Args:
        phi: Signed distance at this rank's nodes, um.
        grid: The background grid.
        nodes: Which of its nodes are whose.
        surface: Points of the surface, um.
    """
    held = nodes.own.grown(1, 1, grid.shape)
    around = nodes.fetch(phi, held)
    ascent = np.full(around.shape, -np.inf)
    for o in kuhn(grid.dimension).neighbours:
        length = float(np.linalg.norm(o * np.array(grid.spacing)))
        to = tuple(slice(max(q, 0), n + min(q, 0)) for q, n in zip(o, around.shape, strict=True))
        here = tuple(slice(max(-q, 0), n + min(-q, 0)) for q, n in zip(o, around.shape, strict=True))
        ascent[here] = np.maximum(ascent[here], (around[to] - around[here]) / length)
    ridge = (phi > 0) & (ascent[nodes.own.within(held)] < RIDGE_SLOPE)
    ijk = np.stack(np.nonzero(ridge), 1) + np.array(nodes.own.lo)
    centre = np.array(grid.origin) + ijk * np.array(grid.spacing)
    if not surface.count:
        return Spheres(centre, np.full(len(centre), float(nodes.team.most(phi.max(initial=-np.inf)))))
    radius, nearest = np.empty(len(centre)), np.empty(centre.shape)

    def start(rows: np.ndarray, distance: np.ndarray, at: np.ndarray, points: Nearby) -> None:
        radius[rows], nearest[rows] = distance[:, 0], points.points[at[:, 0]]

    reach = 6 * grid.h
    surface.nearest(centre, 1, reach, start)
    inward = (centre - nearest) / np.maximum(radius, 1e-9)[:, None]
    best = centre.copy()
    for s in (1 / 3, 2 / 3, 1.0):
        trial = np.clip(centre + s * grid.h * inward, grid.origin, grid.upper)

        def improve(
            rows: np.ndarray, distance: np.ndarray, at: np.ndarray, points: Nearby, trial: np.ndarray = trial
        ) -> None:
            better = rows[distance[:, 0] > radius[rows]]
            best[better], radius[better] = trial[better], distance[distance[:, 0] > radius[rows], 0]

        surface.nearest(trial, 1, reach, improve)
    return Spheres(best, radius)


def largest_sphere(spheres: Spheres, points: np.ndarray, touch: float) -> np.ndarray:
    """Radius of the largest sphere that contains each point, or comes within `touch` um of it; 0: none."""
    out = np.zeros(len(points))
    if not len(points) or not len(spheres.radii):
        return out
    tree = scipy.spatial.cKDTree(points)
    order = np.argsort(spheres.radii)
    for part in np.array_split(order, max(1, len(order) // 2000)):  # spheres of similar size together
        r = spheres.radii[part]
        pairs = scipy.spatial.cKDTree(spheres.centres[part]).sparse_distance_matrix(
            tree, float(r[-1]) + touch, output_type="ndarray"
        )
        hit = pairs[pairs["v"] <= r[pairs["i"]] + touch]
        np.maximum.at(out, hit["j"], r[hit["i"]])
    return out


def half_thickness(phi: np.ndarray, grid: Grid, surface: np.ndarray) -> np.ndarray:
    """See `half_thickness_over`; of the whole grid on one process."""
    nodes = Partition.even(ALONE, grid.shape)
    return half_thickness_over(phi, grid, nodes, surface, np.arange(len(surface)))


def half_thickness_over(
    phi: np.ndarray, grid: Grid, nodes: Partition, surface: np.ndarray, keys: np.ndarray
) -> np.ndarray:
    """Collective: radius of the largest sphere inside bone that touches each surface point, um.

    Points that no sphere touches (sharp edges, bone thinner than the grid) take the value of the
    nearest point that has one.

    Args:
        phi: Signed distance at this rank's nodes, um, positive in bone.
        grid: The background grid.
        nodes: Which of its nodes are whose.
        surface: ``(n, d)`` points of the bone surface that belong to this rank, um.
        keys: ``(n,)`` their names, different over all ranks.
    """
    team, touch = nodes.team, TOUCH * grid.h
    cloud = Cloud(team, surface, keys)
    spheres = _touching(spheres_over(phi, grid, nodes, cloud), surface, touch, nodes)
    out = largest_sphere(spheres, surface, touch)
    missing = np.flatnonzero(out == 0)
    found = np.flatnonzero(out > 0)
    known = Cloud(team, surface[found], keys[found], out[found, None])
    if not known.count:
        return np.full(len(surface), grid.h / 2)
    if int(team.sum(len(missing))):

        def take(rows: np.ndarray, _: np.ndarray, at: np.ndarray, points: Nearby) -> None:
            out[missing[rows]] = points.data[at[:, 0], 0]

        known.nearest(surface[missing], 1, 6 * grid.h, take)
    return out


def _touching(spheres: Spheres, surface: np.ndarray, touch: float, nodes: Partition) -> Spheres:
    """Collective: the spheres of all ranks that may touch a surface point of this one."""
    if nodes.team.size == 1:
        return spheres
    d, some = surface.shape[1], len(surface) > 0
    none = np.full(d, np.inf)
    boxes = nodes.team.everyone((surface.min(0), surface.max(0)) if some else (none, -none))
    table = np.column_stack([spheres.centres, spheres.radii])
    parts = []
    for lo, hi in boxes:
        gap = np.maximum(np.maximum(lo - spheres.centres, spheres.centres - hi), 0).max(1)
        parts.append(table[gap <= spheres.radii + touch])
    got = np.concatenate(nodes.team.exchange(parts))
    return Spheres(got[:, :d], got[:, d])


def mean_thickness(phi: np.ndarray, grid: Grid, surface: np.ndarray) -> tuple[float, float]:
    """See `mean_thickness_over`; of the whole grid on one process."""
    cloud = Cloud(ALONE, surface, np.arange(len(surface)))
    return mean_thickness_over(phi, grid, Partition.even(ALONE, grid.shape), cloud)


def mean_thickness_over(phi: np.ndarray, grid: Grid, nodes: Partition, surface: Cloud) -> tuple[float, float]:
    """Collective: mean and standard deviation over the phase where `phi` > 0 of the local thickness, um.

    This is Tb.Th for bone and, with ``-phi``, Tb.Sp for marrow.

    Args:
        phi: Signed distance at this rank's nodes, um.
        grid: The background grid.
        nodes: Which of its nodes are whose.
        surface: Points of the bone surface, um.
    """
    team, inside = nodes.team, phi > 0
    spheres = spheres_over(phi, grid, nodes, surface)
    if not int(team.sum(len(spheres.radii))):
        return 0.0, 0.0
    thick = spheres.radii > _THICK * grid.h
    local = np.zeros(phi.shape)
    ijk = np.stack(np.nonzero(inside), 1) + np.array(nodes.own.lo)
    points = ijk * np.array(grid.spacing) + np.array(grid.origin)
    thin = _touching(Spheres(spheres.centres[~thick], spheres.radii[~thick]), points, 0.0, nodes)
    local[inside] = largest_sphere(thin, points, 0.0)
    _paint(local, Spheres(spheres.centres[thick], spheres.radii[thick]), grid, nodes)
    found = local[inside & (local > 0)]
    count, total = team.sum([float(len(found)), float(found.sum())])
    if not count:
        return 0.0, 0.0
    mean = total / count
    return 2 * float(mean), 2 * float(np.sqrt(team.sum(float(((found - mean) ** 2).sum())) / count))


def _paint(local: np.ndarray, spheres: Spheres, grid: Grid, nodes: Partition) -> None:
    """Collective: raise the local thickness in large spheres, by distance to their centres' nearest nodes.

    Each of them would cover too many nodes to be listed; spheres of similar size are painted together.
    """
    team, own = nodes.team, nodes.own
    largest = float(team.most(spheres.radii.max(initial=0.0)))
    if largest <= _THICK * grid.h:
        return
    index = np.round((spheres.centres - np.array(grid.origin)) / np.array(grid.spacing)).astype(int)
    index = np.clip(index, 0, np.array(grid.cells))
    owner = nodes.owner(index)
    table = np.column_stack([index, spheres.radii])
    got = np.concatenate(team.exchange([table[owner == r] for r in range(team.size)]))
    seed = np.zeros(own.shape)
    np.maximum.at(seed, tuple(got[:, :-1].astype(int).T - np.array(own.lo)[:, None]), got[:, -1])
    for r in np.arange(_THICK * grid.h, largest, 0.5 * grid.h):
        some = (seed >= r) & (seed < r + 0.5 * grid.h)
        count, total = team.sum([float(some.sum()), float(seed[some].sum())])
        if not count:
            continue
        far = int(r / min(grid.spacing)) + 1
        held = own.grown(far, far, nodes.whole)
        around = nodes.fetch(some, held)
        if around.any():
            reach = scipy.ndimage.distance_transform_edt(~around, sampling=grid.spacing) <= r
            reach = reach[own.within(held)]
            local[reach] = np.maximum(local[reach], total / count)
