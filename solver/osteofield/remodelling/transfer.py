# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values from the mesh before a re-cut to the mesh after it: positive, and with the same amounts.

Linear interpolation alone would make or lose about 1 % of an amount per re-cut, since the domain
itself changes. So interpolated values are scaled by a smooth factor until the amount in every
coarse hat (`hats`) is what it was: marrow that a receding surface uncovers is filled from around it,
and what was there is diluted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from ..geometry.sample import Sample
from ..tissue.measure import lumped
from .closest import Facets
from .hats import Hats, rescaled

CANDIDATES = 24  # cells, by their centres, among which the one around a point is sought
CHUNK = 32_768


@dataclass(frozen=True)
class Phase:
    """Vertices of one phase (or of the surface) of a cut mesh, with what a transfer needs.

    Attributes:
        keys: ``(n,)`` global keys, ascending.
        points: ``(n, d)`` um.
        cells: ``(m, d+1)`` or, on the surface, ``(m, d)`` rows of `points`.
        vertices: ``(n,)`` their rows in the whole mesh.
    """

    keys: np.ndarray
    points: np.ndarray
    cells: np.ndarray
    vertices: np.ndarray

    @classmethod
    def of(cls, sample: Sample, cells: np.ndarray) -> Phase:
        """The vertices of a cut sample that occur in some of its cells (or facets)."""
        assert sample.origin is not None
        used = np.zeros(len(sample.points), bool)
        used[cells.ravel()] = True
        vertices, number = np.flatnonzero(used), np.cumsum(used) - 1
        return cls(sample.origin.keys[vertices], sample.points[vertices], number[cells], vertices)

    @cached_property
    def masses(self) -> np.ndarray:
        """Lumped volume (on the surface: area) of every vertex."""
        return lumped(self.points, self.cells, len(self.points))

    @property
    def is_surface(self) -> bool:
        return self.cells.shape[1] == self.points.shape[1]

    @cached_property
    def facets(self) -> Facets:
        """The cells of a surface, ready for closest points."""
        return Facets(self.points[self.cells])


class Transfer:
    """From one phase to the same one after a re-cut.

    Args:
        old, new: The phase before and after.
        hats: Regions in which amounts are kept.
    """

    def __init__(self, old: Phase, new: Phase, hats: Hats):
        self.old, self.new, self._hats = old, new, hats
        at = np.minimum(np.searchsorted(old.keys, new.keys), max(len(old.keys) - 1, 0))
        if len(old.keys):
            self._same = (old.keys[at] == new.keys) & (old.points[at] == new.points).all(1)
        else:
            self._same = np.zeros(len(new.keys), bool)
        self._from = at[self._same]

    def interpolated(self, values: np.ndarray) -> np.ndarray:
        """``(n new, k)`` values at the new vertices; those of vertices that stayed are the same."""
        out = np.zeros((len(self.new.keys), values.shape[1]))
        if not len(self.old.keys):
            return out
        out[self._same] = values[self._from]
        rows, corners, weights = self._places
        for i in range(0, len(rows), CHUNK):
            part = slice(i, i + CHUNK)
            out[rows[part]] = np.einsum("ij,ijk->ik", weights[part], values[corners[part]])
        return out

    def copied(self, values: np.ndarray) -> np.ndarray:
        """``(n new, k)`` values, each that of one old vertex: the same node or grid edge, else the nearest.

        What stays in place must not be interpolated: a front would creep by a cell with every few re-cuts.
        """
        if not len(self.old.keys):
            return np.zeros((len(self.new.keys), values.shape[1]))
        return values[self._source]

    @cached_property
    def _source(self) -> np.ndarray:
        source = np.minimum(np.searchsorted(self.old.keys, self.new.keys), len(self.old.keys) - 1)
        other = np.flatnonzero(self.old.keys[source] != self.new.keys)
        if len(other):
            source[other] = cKDTree(self.old.points).query(self.new.points[other])[1]
        return source

    def conserved(
        self,
        values: np.ndarray,
        signed: np.ndarray,
        added: np.ndarray | None = None,
        stays: np.ndarray | None = None,
    ) -> np.ndarray:
        """``(n new, k)`` values with the amounts of the ``(n old, k)`` given; none changes its sign.

        Args:
            values: Values at the old vertices.
            signed: ``(k,)`` whether negative values mean something.
            added: ``(hats, k)`` amounts that come on top.
            stays: ``(k,)`` what does not move and is copied instead of interpolated; by default nothing.
        """
        out = self.interpolated(values)
        if not len(self.new.keys):
            return out
        if stays is not None and stays.any():
            out[:, stays] = self.copied(values[:, stays])
        for k in range(values.shape[1]):
            content = self._before @ (self.old.masses * values[:, k])
            if added is not None:
                content = content + added[:, k]
            out[:, k] = rescaled(
                self._hats, out[:, k], self.new.masses, self._after, content, bool(signed[k])
            )
        return out

    @cached_property
    def _before(self):  # type: ignore[no-untyped-def]
        return self._hats.at(self.old.points)

    @cached_property
    def _after(self):  # type: ignore[no-untyped-def]
        return self._hats.at(self.new.points)

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """New vertices that have to be interpolated, the old vertices around each, and weights."""
        rows = np.flatnonzero(~self._same)
        x, old = self.new.points[rows], self.old
        if old.is_surface:
            found = old.facets.closest(x)
            return rows, old.cells[found.facet], found.weights
        corners, weights = _containing(x, old, self._changed)
        return rows, corners, weights

    @cached_property
    def _changed(self) -> np.ndarray:
        """Old cells with a vertex that is not there any more, and those around them."""
        stays = np.zeros(len(self.old.keys), bool)
        stays[self._from] = True
        touched = np.zeros(len(self.old.keys), bool)
        for _ in range(2):
            touched[self.old.cells[~stays[self.old.cells].all(1)].ravel()] = True
            stays &= ~touched
        return np.flatnonzero(touched[self.old.cells].any(1))


def _containing(x: np.ndarray, old: Phase, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The cell around each point, or the nearest one, and barycentric coordinates clipped to it."""
    cells = old.cells[among] if len(among) else old.cells
    corners, weights = np.zeros((len(x), cells.shape[1]), np.int64), np.zeros((len(x), cells.shape[1]))
    tree = cKDTree(old.points[cells].mean(1)) if len(x) else None
    for i in range(0, len(x), CHUNK):
        assert tree is not None
        part = x[i : i + CHUNK]
        _, near = tree.query(part, k=min(CANDIDATES, len(cells)))
        near = near.reshape(len(part), -1)
        best, left = np.full(len(part), np.inf), np.arange(len(part))
        for k in range(near.shape[1]):
            cell = cells[near[left, k]]
            p = old.points[cell]
            edges = (p[:, 1:] - p[:, :1]).transpose(0, 2, 1)
            rest = np.linalg.solve(edges, (part[left] - p[:, 0])[..., None])[..., 0]
            w = np.column_stack([1.0 - rest.sum(1), rest])
            inside = w.min(1) >= -1e-12
            w = np.clip(w, 0.0, None)
            w /= w.sum(1, keepdims=True)
            gap = np.linalg.norm(np.einsum("ij,ijk->ik", w, p) - part[left], axis=1)
            gap[inside] = 0.0
            nearer = gap < best[left]
            rows = left[nearer]
            best[rows], corners[i + rows], weights[i + rows] = gap[nearer], cell[nearer], w[nearer]
            left = left[best[left] > 0.0]
            if not len(left):
                break
    return corners, weights
