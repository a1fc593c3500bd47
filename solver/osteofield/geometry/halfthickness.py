# SPDX-License-Identifier: LGPL-3.0-or-later
"""Local thickness by inscribed spheres (Hildebrand and Rüegsegger 1997, J Microsc 185:67)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from .grid import Grid
from .kuhn import kuhn

RIDGE_SLOPE = 0.7  # a distance grows by 1 per unit length towards the medial surface, by less across it
TOUCH = 0.5  # cells: how near to a sphere a surface point counts as touched


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
    """Spheres at the ridge of the distance field where `phi` is positive.

    Ridge nodes are up to half a cell off the medial surface; each is moved away from its nearest
    surface point, by up to one cell, to where the distance to the surface is largest.

    Args:
        phi: Signed distance at the grid nodes, um.
        surface: ``(n, d)`` points of the surface, um.
    """
    ascent = np.full(phi.shape, -np.inf)
    for o in kuhn(grid.dimension).neighbours:
        length = float(np.linalg.norm(o * np.array(grid.spacing)))
        to = tuple(slice(max(q, 0), n + min(q, 0)) for q, n in zip(o, phi.shape, strict=True))
        here = tuple(slice(max(-q, 0), n + min(-q, 0)) for q, n in zip(o, phi.shape, strict=True))
        ascent[here] = np.maximum(ascent[here], (phi[to] - phi[here]) / length)
    ijk = np.stack(np.nonzero((phi > 0) & (ascent < RIDGE_SLOPE)), 1)
    centre = np.array(grid.origin) + ijk * np.array(grid.spacing)
    if not len(centre):
        return Spheres(centre, np.zeros(0))
    if not len(surface):
        return Spheres(centre, np.full(len(centre), phi.max()))
    tree = cKDTree(surface)
    radius, nearest = tree.query(centre)
    inward = (centre - surface[nearest]) / np.maximum(radius, 1e-9)[:, None]
    best = centre.copy()
    for s in (1 / 3, 2 / 3, 1.0):
        trial = np.clip(centre + s * grid.h * inward, grid.origin, grid.upper)
        r, _ = tree.query(trial)
        better = r > radius
        best[better], radius[better] = trial[better], r[better]
    return Spheres(best, radius)


def largest_sphere(spheres: Spheres, points: np.ndarray, touch: float) -> np.ndarray:
    """Radius of the largest sphere that contains each point, or comes within `touch` um of it; 0: none."""
    out = np.zeros(len(points))
    if not len(points) or not len(spheres.radii):
        return out
    tree = cKDTree(points)
    order = np.argsort(spheres.radii)
    for part in np.array_split(order, max(1, len(order) // 2000)):  # spheres of similar size together
        r = spheres.radii[part]
        pairs = cKDTree(spheres.centres[part]).sparse_distance_matrix(
            tree, float(r[-1]) + touch, output_type="ndarray"
        )
        hit = pairs[pairs["v"] <= r[pairs["i"]] + touch]
        np.maximum.at(out, hit["j"], r[hit["i"]])
    return out


def half_thickness(phi: np.ndarray, grid: Grid, surface: np.ndarray) -> np.ndarray:
    """Radius of the largest sphere inside bone that touches each surface point, um.

    Points that no sphere touches (sharp edges, bone thinner than the grid) take the value of the
    nearest point that has one.

    Args:
        phi: Signed distance at the grid nodes, um, positive in bone.
        surface: ``(n, d)`` points of the bone surface, um.
    """
    if not len(surface):
        return np.zeros(0)
    out = largest_sphere(inscribed_spheres(phi, grid, surface), surface, TOUCH * grid.h)
    missing = out == 0
    if missing.all():
        return np.full(len(surface), grid.h / 2)
    if missing.any():
        _, i = cKDTree(surface[~missing]).query(surface[missing])
        out[missing] = out[~missing][i]
    return out


def mean_thickness(phi: np.ndarray, grid: Grid, surface: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation over the phase where `phi` > 0 of the local thickness, um.

    This is Tb.Th for bone and, with ``-phi``, Tb.Sp for marrow.
    """
    inside = phi > 0
    spheres = inscribed_spheres(phi, grid, surface)
    if not len(spheres.radii):
        return 0.0, 0.0
    thick = spheres.radii > 5 * grid.h  # these would cover too many nodes each: paint by distance transform
    local = np.zeros(phi.shape)
    points = np.stack(np.nonzero(inside), 1) * np.array(grid.spacing) + np.array(grid.origin)
    local[inside] = largest_sphere(Spheres(spheres.centres[~thick], spheres.radii[~thick]), points, 0.0)
    if thick.any():
        index = np.round((spheres.centres[thick] - np.array(grid.origin)) / np.array(grid.spacing)).astype(
            int
        )
        index = np.clip(index, 0, np.array(grid.cells))
        seed = np.zeros(phi.shape)
        np.maximum.at(seed, tuple(index.T), spheres.radii[thick])
        for r in np.arange(5 * grid.h, spheres.radii.max(), 0.5 * grid.h):
            some = (seed >= r) & (seed < r + 0.5 * grid.h)
            if some.any():
                reach = ndimage.distance_transform_edt(~some, sampling=grid.spacing) <= r
                local = np.where(reach, np.maximum(local, float(seed[some].mean())), local)
    found = local[inside & (local > 0)]
    return 2 * float(found.mean()), 2 * float(found.std())
