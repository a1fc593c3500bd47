# SPDX-License-Identifier: LGPL-3.0-or-later
"""Coarse hat functions over the sample box: the regions within which a transfer conserves amounts."""

from __future__ import annotations

from itertools import product

import numpy as np
import scipy
from scipy.sparse import csr_matrix

from ..geometry.grid import Grid
from ..team import ALONE, Team

SPACING = 4.0  # cells
TINY = 1e-9  # of the largest content: below it a hat holds nothing that could be scaled


class Hats:
    """Products of linear hats on a lattice of about `SPACING` cells; at every point they add up to 1.

    Args:
        grid: The background grid.

    Attributes:
        h: Its cell size, um.
    """

    def __init__(self, grid: Grid):
        self.h, self._origin = grid.h, np.array(grid.origin)
        side = np.array(grid.upper) - self._origin
        self._parts = np.maximum(1, np.round(np.array(grid.cells) / SPACING)).astype(int)
        self._size = side / self._parts
        self._shape = tuple(self._parts + 1)

    @property
    def count(self) -> int:
        """Number of hats."""
        return int(np.prod(self._shape))

    def at(self, points: np.ndarray) -> csr_matrix:
        """``(count, n)``: value of every hat at ``(n, d)`` points."""
        place = (points - self._origin) / self._size
        low = np.clip(place.astype(int), 0, self._parts - 1)
        offset = np.clip(place - low, 0.0, 1.0)
        n, d = points.shape
        rows, values = [], []
        for corner in product((0, 1), repeat=d):
            rows.append(np.ravel_multi_index(tuple((low + corner).T), self._shape))
            values.append(np.where(corner, offset, 1.0 - offset).prod(1))
        columns = np.tile(np.arange(n), 2**d)
        return csr_matrix((np.concatenate(values), (np.concatenate(rows), columns)), shape=(self.count, n))

    def nearest(self, hats: np.ndarray, among: np.ndarray) -> np.ndarray:
        """For each of some hats the nearest one of others."""

        def places(h: np.ndarray) -> np.ndarray:
            return np.stack(np.unravel_index(h, self._shape), 1) * self._size

        return among[scipy.spatial.cKDTree(places(among)).query(places(hats))[1]]


def rescaled(
    hats: Hats,
    values: np.ndarray,
    masses: np.ndarray,
    at: csr_matrix,
    content: np.ndarray,
    signed: np.ndarray,
    team: Team = ALONE,
) -> np.ndarray:
    """Collective: values whose amounts agree with given contents of the hats, close to the values given.

    Each value is multiplied with a smooth factor, the ratio of wanted and present content of the hats
    around it, so that none changes its sign. A hat that has something to give but nothing to scale
    (its patch of surface has gone, or all values in it are 0) passes its content to the nearest hat
    that can take it. Values that may be negative are shifted instead. The sum of values times masses
    is the sum of the contents to round-off.

    Args:
        values: ``(n, k)`` values of this rank before.
        masses: ``(n,)`` their volumes or areas, positive.
        at: The hats at these places.
        content: ``(count, k)`` amounts wanted in every hat, of all ranks.
        signed: ``(k,)`` whether negative values mean something.
        team: The ranks.

    Returns:
        ``(n, k)`` values; exactly those given where the contents agree already.
    """
    amounts = masses[:, None] * values
    room = team.sum(at @ masses)
    present, gross = team.sum(np.stack([at @ amounts, at @ np.abs(amounts)]))
    change, scales = np.zeros_like(content), np.zeros(len(signed), bool)
    for k, (wanted, here) in enumerate(zip(content.T, present.T, strict=True)):
        able = (here > TINY * here.max(initial=0.0)) & (here >= 0.5 * gross[:, k])
        scales[k] = able.any() and not signed[k]
        if scales[k]:
            wanted = _passed_on(hats, wanted, here, able)
            np.divide(wanted - here, here, out=change[:, k], where=able)
        else:  # shifted; or nothing was there, and what is to come is spread evenly over each hat
            wanted = _passed_on(hats, wanted, np.zeros_like(wanted), room > 0.0)
            np.divide(wanted - here, room, out=change[:, k], where=room > 0)
    change[:, scales] = np.maximum(change[:, scales], -1.0)
    smooth = at.T @ change
    return values + np.where(scales, values * smooth, smooth)


def _passed_on(hats: Hats, content: np.ndarray, present: np.ndarray, able: np.ndarray) -> np.ndarray:
    """Contents after hats that cannot take theirs have passed the difference to the nearest that can."""
    short = np.flatnonzero(~able & (content != present))
    if not len(short) or not able.any():
        return content
    out = content.copy()
    np.add.at(out, hats.nearest(short, np.flatnonzero(able)), content[short] - present[short])
    out[short] = present[short]
    return out
