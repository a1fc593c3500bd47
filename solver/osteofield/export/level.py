# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bone at one time as a distance on a regular grid: day 0, less the eroded depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..geometry.implant import Hull
from ..geometry.nearest import Surface
from ..geometry.sides import Nodes, in_bone
from .bone import Bone


@dataclass(frozen=True)
class Level:
    """Distance to the surface of bone and implant at the nodes of a grid, um, positive in them.

    Attributes:
        nodes: The grid.
        before: At day 0 (or of the moved mesh); far from the surface any larger value of that sign.
        now: After erosion and formation, an implant taken as bone; near the surface of then a distance.
        facet: Nearest facet of `Bone.solid`; -1 far from it.
        implant: Distance to the surface of an implant, positive in it; None without one.
    """

    nodes: Nodes
    before: np.ndarray
    now: np.ndarray
    facet: np.ndarray
    implant: np.ndarray | None = None

    @property
    def solid(self) -> np.ndarray:
        """Positive in bone as it is now and in the implant, which loses nothing."""
        return self.now if self.implant is None else np.maximum(self.now, self.implant)

    @property
    def bone(self) -> np.ndarray:
        """Positive in bone alone, as it is now."""
        return self.now if self.implant is None else np.minimum(self.now, -self.implant)


def level_of(bone: Bone, nodes: Nodes) -> Level:
    """Erode the bone by its recorded depth.

    A point at distance s inside the bone is lost when s is less than the depth at the surface
    point nearest to it; where bone was formed (negative depth), likewise outside. Erosion so comes
    from every side as far as the medial surface, which is also where the models stop it.

    What is nearer to an implant's surface than to bone's loses nothing, and an implant loses nothing.

    Raises:
        InputError: The sample holds an implant, and the results do not have its surface.
        ComputationStopped: The surface does not divide the box.
    """
    solid = bone.solid
    if not len(solid.facets):
        far = np.full(nodes.shape, -np.inf)
        return Level(nodes, far, far, np.full(nodes.shape, -1, np.int64))
    inside = in_bone(nodes, solid.points, solid.facets)
    near = np.zeros(nodes.shape, bool)
    diagonal = 1.001 * float(np.linalg.norm(nodes.spacing))
    for phase, deepest in ((inside, solid.depth.max()), (~inside, -solid.depth.min())):
        # every node of the cells near a surface: the one of day 0, or one that far inside
        reach = 2 * diagonal + max(float(deepest), 0.0)
        near |= phase & (_distance(phase, nodes) <= reach)
    found = Surface(solid.points, solid.facets).nearest(nodes.at(np.flatnonzero(near)))
    sign = np.where(inside, 1.0, -1.0)
    before = sign * np.inf
    before[near] = sign[near] * found.distance
    now = before.copy()
    now[near] -= found.interpolate(solid.facets, solid.depth)
    facet = np.full(nodes.shape, -1, np.int64)
    facet[near] = found.facet
    if not bone.implant:
        return Level(nodes, before, now, facet)
    implant = _level_of_implant(bone.hull_in_box, nodes)
    return Level(nodes, before, now, facet, implant)


def _level_of_implant(hull: Hull, nodes: Nodes) -> np.ndarray:
    inside = in_bone(nodes, hull.points, hull.facets)
    level = np.where(inside, np.inf, -np.inf)
    reach = 2.002 * float(np.linalg.norm(nodes.spacing))
    near = np.zeros(nodes.shape, bool)
    for phase in (inside, ~inside):
        near |= phase & (_distance(phase, nodes) <= reach)
    found = Surface(hull.points, hull.facets).nearest(nodes.at(np.flatnonzero(near)))
    level[near] = np.where(inside[near], found.distance, -found.distance)
    return level


def _distance(phase: np.ndarray, nodes: Nodes) -> np.ndarray:
    """Distance from the nodes of a phase to the nearest node outside it; 0 elsewhere."""
    if phase.all():
        return np.zeros(phase.shape)  # nowhere far from the surface, wherever that is
    out: np.ndarray = ndimage.distance_transform_edt(phase, sampling=nodes.spacing)
    return out


def bone_share(level: np.ndarray, spacing: np.ndarray, split: int, samples: int = 3) -> np.ndarray:
    """Share of bone in every voxel.

    Args:
        level: Distance at the nodes, positive in bone.
        spacing: ``(d,)`` of the nodes.
        split: Node spacings per voxel and axis.
        samples: Places per node spacing and axis at which the interpolated distance is read. Each
            stands for its box, of which as much is bone as the distance, over the range that it
            has in such a box, is positive: exact for a plane along the axes.

    Returns:
        Array of voxels, 0 to 1.
    """
    d = level.ndim
    low, high = level[(slice(0, -1),) * d] > 0, np.ones(tuple(n - 1 for n in level.shape), bool)
    least = np.full(high.shape, np.inf)
    for corner in np.ndindex((2,) * d):
        part = level[tuple(slice(c, c - 1 or None) for c in corner)]
        high &= (part > 0) == low
        np.minimum(least, np.abs(part), out=least)
    share = low.astype(float)
    cut = np.flatnonzero(~high | (least < 0.5 * float(np.linalg.norm(spacing))))
    place = (np.arange(samples) + 0.5) / samples
    weights = np.stack([1 - place, place])  # (corner, sample)
    ramp_most = float(np.linalg.norm(spacing)) / samples  # of a distance
    cells = np.unravel_index(cut, high.shape)
    limit = 10 * float(np.linalg.norm(spacing))  # infinite far away
    for a in range(0, len(cut), 100_000):
        index = [c[a : a + 100_000] for c in cells]
        values = (
            np.stack(
                [
                    level[tuple(i + c for i, c in zip(index, corner, strict=True))]
                    for corner in np.ndindex((2,) * d)
                ],
                1,
            )
            .clip(-limit, limit)
            .reshape(-1, *(2,) * d)
        )
        ramp = np.zeros(len(values))
        for k in range(d):  # the differences along an axis, between the halves of the corners
            rise = np.diff(values.reshape(len(values), 2**k, 2, -1), axis=2)
            ramp += np.abs(rise.mean((1, 2, 3))) / samples
        ramp = ramp.clip(0.1 * ramp_most, ramp_most).reshape(-1, *(1,) * d)
        for _ in range(d):  # each turn replaces the first remaining corner axis by a last axis of samples
            values = np.tensordot(values, weights, ([1], [0]))
        filled = np.clip(values / ramp + 0.5, 0.0, 1.0)
        share[tuple(index)] = filled.reshape(len(filled), -1).mean(1)
    shape: list[int] = []
    for n in share.shape:
        shape += [n // split, split]
    out: np.ndarray = share.reshape(shape).mean(tuple(range(1, 2 * d, 2)))
    return out
