# SPDX-License-Identifier: LGPL-3.0-or-later
"""Coarse hat functions over the sample box: the regions within which a transfer conserves amounts."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import scipy

from ..cbuild import load
from ..geometry.grid import Grid
from ..team import ALONE, Team

_DECLARATIONS = """
void gather(long, const int *, const int *, const double *, const double *, long, long, const double *,
            double *, double *);
void spread(long, const int *, const int *, const double *, long, long, const double *, const double *,
            double *, double *);
"""

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

    def at(self, points: np.ndarray) -> Places:
        """The hats at ``(n, d)`` points."""
        place = (points - self._origin) / self._size
        low = np.clip(place.astype(int), 0, self._parts - 1)
        step = np.cumprod((1, *self._shape[:0:-1]))[::-1]
        return Places(self.count, (low @ step).astype(np.int32), step.astype(np.int32), place - low)

    def nearest(self, hats: np.ndarray, among: np.ndarray) -> np.ndarray:
        """For each of some hats the nearest one of others."""

        def places(h: np.ndarray) -> np.ndarray:
            return np.stack(np.unravel_index(h, self._shape), 1) * self._size

        return among[scipy.spatial.cKDTree(places(among)).query(places(hats))[1]]


class Places:
    """Points, and the hats around each.

    Args:
        count: Hats there are.
        low: ``(n,)`` int32, the lowest hat around each point.
        step: ``(d,)`` int32, hats from one to the next along each axis.
        offset: ``(n, d)`` place between the lowest hat (0) and the highest (1).
    """

    def __init__(self, count: int, low: np.ndarray, step: np.ndarray, offset: np.ndarray):
        self._count, self._n = count, len(low)
        self._ffi, self._lib = _library(len(step))
        self._about = low, np.ascontiguousarray(step), np.clip(offset, 0.0, 1.0)

    def contents(self, masses: np.ndarray, values: np.ndarray) -> np.ndarray:
        """``(count, k)``: what of ``(n, k)`` values times ``(n,)`` masses is in each hat."""
        return self._gathered(masses, values, gross=False)[0]

    def contents_and_gross(self, masses: np.ndarray, values: np.ndarray) -> np.ndarray:
        """``(2, count, k)``: the same, and the sum of the sizes of what is added up."""
        return self._gathered(masses, values, gross=True)

    def _gathered(self, masses: np.ndarray, values: np.ndarray, *, gross: bool) -> np.ndarray:
        k = values.shape[1]
        out = np.zeros((1 + gross, self._count, k))
        pointer, apart = self._rows(values)
        sums = [self._double(a) for a in out]
        self._lib.gather(
            self._n, *self._places(), self._double(np.ascontiguousarray(masses, float)), k, apart, pointer,
            sums[0], sums[1] if gross else self._ffi.NULL,
        )  # fmt: skip
        return out

    def spread(self, change: np.ndarray, scales: np.ndarray, values: np.ndarray) -> None:
        """Change ``(n, k)`` values in place by what the hats say, ``(count, k)``.

        Args:
            change: Relative where `scales`, else as it is.
            scales: ``(k,)``
            values: Rows that are contiguous each.
        """
        k = values.shape[1]
        pointer, apart = self._rows(values)
        self._lib.spread(
            self._n, *self._places(), k, apart, self._double(np.ascontiguousarray(change)),
            self._double(scales.astype(float)), self._double(np.empty(k)), pointer,
        )  # fmt: skip

    def _rows(self, values: np.ndarray) -> tuple[Any, int]:
        """Address of values and distance of their rows."""
        assert values.dtype == float and (values.shape[1] < 2 or values.strides[1] == 8)
        return self._ffi.cast("double *", values.ctypes.data), values.strides[0] // 8

    def _places(self) -> tuple[Any, Any, Any]:
        low, step, offset = self._about
        return self._ffi.from_buffer("int[]", low), self._ffi.from_buffer("int[]", step), self._double(offset)

    def _double(self, array: np.ndarray) -> Any:
        return self._ffi.from_buffer("double[]", array)


@lru_cache(2)
def _library(dimension: int) -> tuple[Any, Any]:
    source = resources.files(__package__).joinpath("hats.c").read_text()  # rounded as NumPy would
    return load(f"#define DIM {dimension}\n{source}", _DECLARATIONS, extra=("-ffp-contract=off",))


def rescaled(
    hats: Hats,
    values: np.ndarray,
    masses: np.ndarray,
    at: Places,
    content: np.ndarray,
    signed: np.ndarray,
    team: Team = ALONE,
) -> None:
    """Collective: change values so that their amounts agree with given contents of the hats.

    Each value is multiplied with a smooth factor, the ratio of wanted and present content of the hats
    around it, so that none changes its sign. A hat that has something to give but nothing to scale
    (its patch of surface has gone, or all values in it are 0) passes its content to the nearest hat
    that can take it. Values that may be negative are shifted instead. The sum of values times masses
    is the sum of the contents to round-off.

    Args:
        values: ``(n, k)`` values of this rank, changed in place; not at all where the contents agree already.
        masses: ``(n,)`` their volumes or areas, positive.
        at: The hats at these places.
        content: ``(count, k)`` amounts wanted in every hat, of all ranks.
        signed: ``(k,)`` whether negative values mean something.
        team: The ranks.
    """
    room = team.sum(at.contents(masses, np.ones((len(masses), 1)))[:, 0])
    present, gross = team.sum(at.contents_and_gross(masses, values))
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
    at.spread(change, scales, values)


def _passed_on(hats: Hats, content: np.ndarray, present: np.ndarray, able: np.ndarray) -> np.ndarray:
    """Contents after hats that cannot take theirs have passed the difference to the nearest that can."""
    short = np.flatnonzero(~able & (content != present))
    if not len(short) or not able.any():
        return content
    out = content.copy()
    np.add.at(out, hats.nearest(short, np.flatnonzero(able)), content[short] - present[short])
    out[short] = present[short]
    return out
