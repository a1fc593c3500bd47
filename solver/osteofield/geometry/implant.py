# SPDX-License-Identifier: LGPL-3.0-or-later
"""Implants: solid bodies that take the place of bone and marrow, and that nothing crosses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import scipy

from ..case.types import ImplantSpec
from ..team import ALONE, Team
from .cut import Cut
from .grid import Grid

FACE = "implant"  # among the faces of a sample: facets between marrow and implant


@dataclass(frozen=True)
class Hull:
    """The closed surface of the part of an implant that lies in a sample.

    Attributes:
        points: ``(n, d)`` um.
        facets: ``(m, d)`` rows of `points`, normals out of the implant.
        at_marrow: ``(n,)`` whether a point is also one of marrow; facets of such points alone touch it.
    """

    points: np.ndarray
    facets: np.ndarray
    at_marrow: np.ndarray


class Implant(Protocol):
    """Where a sample is implant."""

    def level(self, x: np.ndarray) -> np.ndarray:
        """Positive at places ``(n, d)`` that lie in it, negative elsewhere; smooth at its surface."""

    def section(self, axis: int, at: float) -> Implant:
        """The implant in the plane normal to an axis at `at` um."""


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
        cls, implant: np.ndarray, bone: np.ndarray, smoothing: float, first: tuple[float, ...],
        spacing: tuple[float, ...],
    ) -> ImplantMap:  # fmt: skip
        """From voxels, filtered as the solid part is before it is cut."""
        lead = implant.astype(np.float32) - bone
        return cls(scipy.ndimage.gaussian_filter(lead, max(smoothing, 0.5), mode="nearest"), first, spacing)

    def level(self, x: np.ndarray) -> np.ndarray:
        index = (x - np.array(self.first)) / np.array(self.spacing)
        out: np.ndarray = scipy.ndimage.map_coordinates(self.lead, index.T, float, order=1, mode="nearest")
        return out

    def section(self, axis: int, at: float) -> ImplantMap:
        n = self.lead.shape[axis]
        i = float(np.clip((at - self.first[axis]) / self.spacing[axis], 0, n - 1))
        low = min(int(i), max(n - 2, 0))
        w = i - low
        lead = (1 - w) * self.lead.take(low, axis) + w * self.lead.take(min(low + 1, n - 1), axis)
        first, spacing = (v[:axis] + v[axis + 1 :] for v in (self.first, self.spacing))
        return ImplantMap(lead, first, spacing)


@dataclass(frozen=True)
class ImplantShape:
    """A cylinder, box or sphere.

    Attributes:
        spec: As the case says it.
        center: ``(3,)`` um.
        plane: Axis and place of the section that is looked at; None for all of space.
    """

    spec: ImplantSpec
    center: np.ndarray
    plane: tuple[int, float] | None

    @classmethod
    def of(cls, spec: ImplantSpec, lower: np.ndarray, upper: np.ndarray) -> ImplantShape:
        """In a box of two or three dimensions."""
        middle = (np.asarray(lower) + np.asarray(upper)) / 2
        center = middle if spec.center is None else np.array(spec.center)
        if len(center) == 3:
            return cls(spec, center, None)
        return cls(spec, np.append(center, 0.0), (2, 0.0))

    @property
    def facts(self) -> dict[str, Any]:
        """For the provenance of a sample."""
        given = {
            k: list(v) if isinstance(v, tuple) else v for k, v in vars(self.spec).items() if v is not None
        }
        return given | {"center": self.center.tolist()}

    def section(self, axis: int, at: float) -> ImplantShape:
        return replace(self, plane=(axis, at))

    def distance(self, x: np.ndarray) -> np.ndarray:
        """Signed distance of places ``(n, d)`` to its surface, positive inside, um; in a section that in
        space, which is at most that in the plane."""
        if self.plane is not None:
            x = np.insert(x, self.plane[0], self.plane[1], axis=1)
        r, radius = x - self.center, (self.spec.diameter or 0.0) / 2
        if self.spec.shape == "sphere":
            return radius - np.linalg.norm(r, axis=1)
        if self.spec.shape == "cylinder":
            axis = np.array(self.spec.axis) / np.linalg.norm(self.spec.axis)
            along = r @ axis
            beside = np.linalg.norm(r - along[:, None] * axis, axis=1)
            length = np.inf if self.spec.length is None else self.spec.length
            return -_outside(np.stack([beside - radius, np.abs(along) - length / 2], 1))
        half = np.array([*(self.spec.size or ()), np.inf][:3]) / 2
        return -_outside(np.abs(r) - half)

    def level(self, x: np.ndarray) -> np.ndarray:
        return self.distance(x)


def _outside(q: np.ndarray) -> np.ndarray:
    """Distance to a product of intervals from the excess ``(n, k)`` over each of them, negative inside."""
    return np.linalg.norm(np.maximum(q, 0.0), axis=1) + np.minimum(q.max(1), 0.0)


def without_implant(mesh: Cut, implant: Implant, team: Team = ALONE) -> tuple[Cut, Hull | None]:
    """Collective: the cut less the cells of the implant, whose facets to marrow become a face of their own;
    and on rank 0 the hull of these cells."""
    keep = implant.level(mesh.points[mesh.bone].mean(1)) <= 0 if len(mesh.bone) else np.zeros(0, bool)
    facets = keep[_behind(mesh.surface, mesh.bone)]
    used = np.zeros(len(mesh.points), bool)
    for cells in (mesh.marrow, mesh.bone[keep]):
        used[cells] = True
    row = np.cumsum(used) - 1
    faces = {**mesh.faces, FACE: mesh.surface[~facets]}
    own = ~keep[: mesh.own_bone]
    hull = hull_over(mesh.points, mesh.keys, mesh.bone[: mesh.own_bone][own], faces[FACE], team)
    left = replace(
        mesh,
        keys=mesh.keys[used],
        points=mesh.points[used],
        mine=mesh.mine[used],
        marrow=row[mesh.marrow],
        bone=row[mesh.bone[keep]],
        surface=row[mesh.surface[facets]],
        faces={name: row[rows] for name, rows in faces.items()},
        own_bone=int(keep[: mesh.own_bone].sum()),
        own_surface=int(facets[: mesh.own_surface].sum()),
    )
    return left, hull


def hull_over(
    points: np.ndarray, keys: np.ndarray, cells: np.ndarray, free: np.ndarray, team: Team
) -> Hull | None:
    """Collective: the hull of the cells of all ranks; on rank 0, None elsewhere.

    Args:
        points: ``(N, d)`` um.
        keys: ``(N,)`` names of the points, the same on all ranks.
        cells: ``(n, d+1)`` cells of the implant that belong to this rank, positively oriented.
        free: ``(m, d)`` facets between marrow and implant of this rank.
    """
    d = points.shape[1]
    # the facets of a positively oriented simplex, normals outwards
    sides = ((1, 2, 3), (0, 3, 2), (0, 1, 3), (0, 2, 1)) if d == 3 else ((0, 1), (1, 2), (2, 0))
    rows = np.concatenate([cells[:, list(s)] for s in sides]) if len(cells) else np.zeros((0, d), np.int64)
    rows = rows[_single(keys[rows])]  # most of them cancel here already
    mine = [keys[rows], keys[free]]
    none = [np.zeros((0, d), np.int64)] * (team.size - 1)
    names, free_names = (np.concatenate(team.exchange([part, *none])) for part in mine)
    corners = np.concatenate(team.exchange([points[rows], *(np.zeros((0, d, d)) for _ in none)]))
    if team.rank:
        return None
    once = _single(names)
    names, corners = names[once], corners[once]
    order = np.lexsort(np.sort(names, axis=1).T)
    names, corners = names[order], corners[order]
    used, first, facets = np.unique(names, return_index=True, return_inverse=True)
    return Hull(corners.reshape(-1, d)[first], facets.reshape(names.shape), np.isin(used, free_names.ravel()))


def smooth(hull: Hull, implant: Implant, grid: Grid) -> Hull:
    """The hull with the points where it meets bone, which the cells have in steps, moved onto the surface of
    the implant, by one cell at most; for pictures."""
    points = hull.points.copy()
    box = (np.abs(points - grid.origin) < 1e-6 * grid.h) | (np.abs(points - grid.upper) < 1e-6 * grid.h)
    move = np.flatnonzero(~hull.at_marrow)
    start, free = points[move], ~box[move]  # those in a face of the box stay in it
    at, e = start.copy(), 1e-3 * grid.h
    for _ in range(4):
        axes = np.eye(at.shape[1]) * e
        slope = np.stack([implant.level(at + a) - implant.level(at - a) for a in axes], 1) / (2 * e) * free
        square = (slope**2).sum(1)
        step = np.where(square > 0, -implant.level(at) / np.where(square > 0, square, 1.0), 0.0)
        way = at + step[:, None] * slope - start
        length = np.linalg.norm(way, axis=1)
        at = start + way * np.minimum(1.0, grid.h / np.maximum(length, e))[:, None]
    points[move] = at
    return replace(hull, points=points)


def _single(facets: np.ndarray) -> np.ndarray:
    """Which facets, as rows of names, occur once."""
    if not len(facets):
        return np.zeros(0, bool)
    number, count = np.unique(np.sort(facets, axis=1), axis=0, return_inverse=True, return_counts=True)[1:]
    out: np.ndarray = count[number.ravel()] == 1
    return out


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
