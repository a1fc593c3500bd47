# SPDX-License-Identifier: LGPL-3.0-or-later
"""Points in the bins of a regular grid: quick where what is sought is a few bins away."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from ..cbuild import load

_DECLARATIONS = """
void nearest(long, const double *, const double *, double, const int *, const int *, const int *,
             const double *, int, double *, int *);
void closest(long, const double *, const double *, double, const int *, const int *, const int *,
             const double *, const double *, const double *, double, double, double *, int *, double *);
void on_facets(long, const double *, const double *, double *, double *);
"""
_ROOM = 64  # bins per point, at most


@lru_cache(2)
def _library(dimension: int) -> tuple[Any, Any]:
    source = resources.files(__package__).joinpath("bins.c").read_text()
    return load(f"#define DIM {dimension}\n{source}", _DECLARATIONS)


class Bins:
    """Points that can be asked for the nearest ones of a place.

    Args:
        points: ``(n, d)`` um.
        size: Side of a bin, um; larger where the points are few in a wide space.
    """

    def __init__(self, points: np.ndarray, size: float):
        n, d = points.shape
        lo, hi = (points.min(0), points.max(0)) if n else (np.zeros(d), np.zeros(d))
        size = max(size, float(np.prod(np.maximum(hi - lo, size)) / (_ROOM * max(n, 1))) ** (1 / d))
        self._lo, self._size = np.ascontiguousarray(lo, float), size
        self._dims = ((hi - lo) / size).astype(np.int32) + np.int32(1)
        index = np.minimum(((points - lo) / size).astype(np.int32), self._dims - 1)
        flat = np.ravel_multi_index(tuple(index.T), tuple(self._dims)) if n else np.zeros(0, np.int64)
        self._row = np.argsort(flat, kind="stable").astype(np.int32)
        count = np.bincount(flat, minlength=int(np.prod(self._dims)))
        self._begin = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
        self._points = np.ascontiguousarray(points[self._row], float)

    def nearest(self, x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and rows ``(m, k)`` of the nearest points, equal ones by row; -1: no more."""
        distance, row = np.empty((len(x), k)), np.empty((len(x), k), np.int32)
        ffi, lib = _library(x.shape[1])
        lib.nearest(*self._about(ffi, x), k, _c(ffi, distance), _c(ffi, row))
        return np.sqrt(distance), row.astype(np.int64)

    def closest(
        self, x: np.ndarray, corners: np.ndarray, radius: np.ndarray, reach: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The closest of facets whose centres the points are, of equally near ones the first.

        Args:
            x: ``(m, d)`` um.
            corners: ``(n, d, d)`` of the facets, um.
            radius: ``(n,)`` how far a facet reaches from its centre, um.
            reach: How far a facet may be, um.

        Returns:
            Distances, rows (-1: none within reach) and barycentric coordinates ``(m, d)``.
        """
        distance, row, weights = np.empty(len(x)), np.empty(len(x), np.int32), np.empty(x.shape)
        ffi, lib = _library(x.shape[1])
        lib.closest(
            *self._about(ffi, x), _c(ffi, radius[self._row]), _c(ffi, corners[self._row]),
            float(radius.max(initial=0.0)), reach, _c(ffi, distance), _c(ffi, row), _c(ffi, weights),
        )  # fmt: skip
        return distance, row.astype(np.int64), weights

    def _about(self, ffi: Any, x: np.ndarray) -> tuple[Any, ...]:
        bins = _c(ffi, self._lo), self._size, *(_c(ffi, a) for a in (self._dims, self._begin, self._row))
        return len(x), _c(ffi, np.ascontiguousarray(x, float)), *bins, _c(ffi, self._points)


def on_facets(x: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each of ``(m, d)`` places to a facet of its own, ``(m, d, d)``; where, barycentric."""
    distance, weights = np.empty(len(x)), np.empty(x.shape)
    ffi, lib = _library(x.shape[1])
    lib.on_facets(
        len(x), _c(ffi, np.ascontiguousarray(x, float)), _c(ffi, np.ascontiguousarray(corners, float)),
        _c(ffi, distance), _c(ffi, weights),
    )  # fmt: skip
    return distance, weights


def _c(ffi: Any, array: np.ndarray) -> Any:
    return ffi.from_buffer({"f": "double[]", "i": "int[]"}[array.dtype.kind], array)
