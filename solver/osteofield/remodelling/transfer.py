# SPDX-License-Identifier: LGPL-3.0-or-later
"""Values from the mesh before a re-cut to the mesh after it: positive, and with the same amounts.

Linear interpolation alone would make or lose about 1 % of an amount per re-cut, since the domain
itself changes. So interpolated values are scaled by a smooth factor until the amount in every
coarse hat (`hats`) is what it was: marrow that a receding surface uncovers is filled from around it,
and what was there is diluted.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..geometry.cloud import Cloud
from .fetch import Fetch
from .hats import Hats, Places, rescaled
from .inside import Cells
from .phase import Phase

REACH = 2.0  # cells: how far from a new vertex its old surroundings are expected
CHUNK = 32_768
CONTENTS = 1 << 21  # contents of hats that are handled together: some 100 MB


class Transfer:
    """Collective: from one phase to the same one after a re-cut, both of this rank.

    The ranks may have other vertices after it than before.

    Args:
        old, new: The phase before and after.
        hats: Regions in which amounts are kept.
    """

    def __init__(self, old: Phase, new: Phase, hats: Hats):
        self.old, self.new, self._hats = old, new, hats
        self._team = old.nodes.team
        self._h = hats.h
        self._count = int(self._team.sum(old.own))
        self._kept = Fetch(old.nodes, old.own_keys, new.own_keys)
        self._same = self._kept.found & (self._kept(old.own_points) == new.own_points).all(1)

    def interpolated(self, values: np.ndarray) -> np.ndarray:
        """Collective: ``(own new, k)`` values at the new vertices; where one stayed it is the same.

        Args:
            values: ``(own old, k)``
        """
        if not self._count:
            return np.zeros((self.new.own, values.shape[1]))
        out = self._kept(values)
        rows, fetch, at, weights = self._places
        around = fetch(values)
        for i in range(0, len(rows), CHUNK):
            part = slice(i, i + CHUNK)
            out[rows[part]] = np.einsum("ij,ijk->ik", weights[part], around[at[part]])
        return out

    def copied(self, values: np.ndarray) -> np.ndarray:
        """Collective: the same, each value that of one old vertex: same node or grid edge, else the nearest.

        What stays in place must not be interpolated: a front would creep by a cell with every few re-cuts.
        """
        if not self._count:
            return np.zeros((self.new.own, values.shape[1]))
        return self._source(values)

    @cached_property
    def _source(self) -> Fetch:
        keys, other = self.new.own_keys.copy(), np.flatnonzero(~self._kept.found)
        old = self.old
        cloud = Cloud(self._team, old.own_points, old.own_keys, old.own_keys[:, None], self._h)

        def take(rows: np.ndarray, _: np.ndarray, at: np.ndarray, near: object) -> None:
            keys[other[rows]] = near.data[at[:, 0], 0]  # type: ignore[attr-defined]

        cloud.nearest(self.new.own_points[other], 1, REACH * self._h, take)
        return Fetch(old.nodes, old.own_keys, keys)

    def conserved(
        self,
        values: np.ndarray,
        signed: np.ndarray,
        added: np.ndarray | None = None,
        stays: np.ndarray | None = None,
    ) -> np.ndarray:
        """Collective: ``(own new, k)`` values with the amounts of those given; none changes its sign.

        Args:
            values: ``(own old, k)`` values at this rank's old vertices.
            signed: ``(k,)`` whether negative values mean something.
            added: ``(hats, k)`` amounts that come on top, over all ranks.
            stays: ``(k,)`` what does not move and is copied instead of interpolated; by default nothing.
        """
        out = self.interpolated(values)
        if stays is not None and stays.any():
            out[:, stays] = self.copied(values[:, stays])
        if not int(self._team.sum(self.new.own)):
            return out
        masses, width = self.old.masses, max(1, CONTENTS // self._hats.count)
        for k in range(0, values.shape[1], width):
            some = slice(k, k + width)
            content = self._team.sum(self._before.contents(masses, values[:, some]))
            if added is not None:
                content = content + added[:, some]
            rescaled(
                self._hats, out[:, some], self.new.masses, self._after, content, signed[some], self._team
            )
        return out

    @cached_property
    def _before(self) -> Places:
        return self._hats.at(self.old.own_points)

    @cached_property
    def _after(self) -> Places:
        return self._hats.at(self.new.own_points)

    @cached_property
    def _places(self) -> tuple[np.ndarray, Fetch, np.ndarray, np.ndarray]:
        """Collective: new vertices that have to be interpolated, the old ones around each, and weights.

        The old ones come as a `Fetch` and, for every new one, the places among what it fetches.
        """
        rows = np.flatnonzero(~self._same)
        x, old = self.new.own_points[rows], self.old
        keys, weights = (self._along if old.is_surface else self._inside)(x)
        wanted, at = np.unique(keys, return_inverse=True)
        return rows, Fetch(old.nodes, old.own_keys, wanted), at.reshape(keys.shape), weights

    def _along(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = self.old.facets().closest(x, REACH * self._h)
        return found.data.astype(np.int64), found.weights

    def _inside(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = self._changed
        if not int(self._team.sum(len(rows))):
            rows = np.arange(self.old.own_cells)
        return Cells(self.old, rows, self._h).around(x, REACH * self._h)

    @cached_property
    def _changed(self) -> np.ndarray:
        """Collective: this rank's old cells with a vertex that is gone or moved, and those around."""
        old, new = self.old, self.new
        there = Fetch(new.nodes, new.own_keys, old.keys)
        stays = there.found & (there(new.own_points) == old.points).all(1)
        others = Fetch(old.nodes, old.own_keys, old.keys[old.own :])
        touched = np.zeros(len(old.keys), bool)
        touched[old.cells[~stays[old.cells].all(1)].ravel()] = True
        touched[old.own :] = others(touched[: old.own])
        return np.flatnonzero(touched[old.cells[: old.own_cells]].any(1))
