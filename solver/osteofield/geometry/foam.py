# SPDX-License-Identifier: LGPL-3.0-or-later
"""Synthetic trabecular bone: a seeded periodic foam of rods along the edges of Voronoi cells."""

from __future__ import annotations

from itertools import product

import numpy as np
import scipy

from ..case.types import FoamSpec
from ..errors import InputError, Problem
from ..team import ALONE, Team
from .boxes import Box, Partition
from .voxels import VoxelField, Voxels

_FEW = 20_000  # values that every rank may see
CANDIDATES = 20  # per pore centre; the farthest from the others is taken (Mitchell 1991)


def foam(spec: FoamSpec) -> Voxels:
    """See `foam_over`; the whole on one process."""
    field = foam_over(spec, ALONE)
    return Voxels(field.values, field.first, field.spacing)


def foam_over(spec: FoamSpec, team: Team) -> VoxelField:
    """Collective: draw the foam on voxels.

    The pore centres are spread by Mitchell's best-candidate rule in the periodic box. Voxels are
    ordered by how nearly they are equidistant to three pore centres (on a Voronoi edge the third
    nearest is as far as the nearest), smoothed, and the first BV/TV of them are bone: BV/TV is
    exact to one voxel. With the default lengths BV/TV 0.23, Tb.Th 0.23 mm, Tb.Sp 0.80 mm,
    BS/BV 12 /mm and Conn.D 3.2 /mm^3 are close to human trabecular bone.

    Raises:
        InputError: Lengths or BV/TV are out of range.
    """
    _check(spec)
    size = np.array(spec.size)
    shape = np.maximum(1, np.round(size / spec.voxel)).astype(int)
    voxel = size / shape
    rng = np.random.default_rng(spec.seed)
    centres = _spread(rng, size, max(1, round(float(np.prod(size / spec.spacing)))))
    images = (centres + np.array(list(product((-1, 0, 1), repeat=3)))[:, None] * size).reshape(-1, 3)
    tree = scipy.spatial.cKDTree(images)
    partition = Partition.even(team, tuple(map(int, shape)))
    own = partition.own
    axes = [(np.arange(lo, hi) + 0.5) * v for lo, hi, v in zip(own.lo, own.hi, voxel, strict=True)]
    field = np.empty(own.shape)
    y, z = np.meshgrid(*axes[1:], indexing="ij")
    for i, x in enumerate(axes[0]):
        distance, _ = tree.query(np.stack([np.full(y.shape, x), y, z], -1), k=3)
        field[i] = distance[..., 0] - distance[..., 2]
    field = _smooth(field, partition, spec.smoothing)
    values = field - _quantile(field, 1 - spec.bvtv, partition)
    return VoxelField(partition, values, tuple(voxel / 2), tuple(voxel))


def _smooth(field: np.ndarray, partition: Partition, sigma: float) -> np.ndarray:
    """Collective: periodic Gaussian filter, axis by axis."""
    own = partition.own
    reach = int(4 * sigma + 0.5)  # where scipy cuts the Gaussian off
    for k, n in enumerate(partition.whole if sigma > 0 else ()):
        index = np.arange(own.lo[k] - reach, own.hi[k] + reach)
        wraps = index[0] < 0 or index[-1] >= n
        lo, hi = list(own.lo), list(own.hi)
        lo[k], hi[k] = (0, n) if wraps else (int(index[0]), int(index[-1]) + 1)
        held = partition.fetch(field, Box(tuple(lo), tuple(hi)) if own.size else own)
        if own.size:
            held = scipy.ndimage.gaussian_filter1d(held.take(index % n - lo[k], k), sigma, k, truncate=4.0)
            field = np.ascontiguousarray(held.take(np.arange(own.shape[k]) + reach, k))
    return field


def _quantile(values: np.ndarray, q: float, partition: Partition) -> float:
    """Collective: exact quantile, interpolated linearly between the two values around it."""
    team = partition.team
    position = (int(np.prod(partition.whole)) - 1) * q
    k, below = int(position), 0
    some = values.size > 0
    a = float(team.least(values.min() if some else np.inf))
    b = float(team.most(values.max() if some else -np.inf))
    while True:
        values = values[(values >= a) & (values <= b)]
        count = int(team.sum(values.size))
        if count <= _FEW or not a < b:
            break
        edges = np.linspace(a, b, 257)
        upto = np.cumsum(team.sum(np.histogram(values, edges)[0]))
        first, last = np.searchsorted(upto, [k - below, k + 1 - below], side="right")
        last = min(int(last), 255)
        if (a, b) == (edges[first], edges[last + 1]):
            break
        below += int(upto[first - 1]) if first else 0
        a, b = float(edges[first]), float(edges[last + 1])
    around = np.sort(team.together(values))
    low, high = around[k - below], around[min(k + 1 - below, len(around) - 1)]
    return float(low + (high - low) * (position - k))


def _spread(rng: np.random.Generator, size: np.ndarray, n: int) -> np.ndarray:
    points = np.empty((n, 3))
    for i in range(n):
        candidates = rng.random((CANDIDATES, 3)) * size
        gap = np.abs(candidates[:, None] - points[:i])
        gap = np.minimum(gap, size - gap)
        points[i] = candidates[(gap**2).sum(-1).min(1, initial=np.inf).argmax()]
    return points


def _check(spec: FoamSpec) -> None:
    problems = []
    for key, ok, need in (
        ("size", len(spec.size) == 3 and min(spec.size) > 0, "three positive lengths"),
        ("bvtv", 0 < spec.bvtv < 1, "between 0 and 1"),
        ("spacing", spec.spacing > 0, "positive"),
        ("voxel", spec.voxel > 0 and (not spec.size or spec.voxel <= min(spec.size) / 4),
         "positive and at most a quarter of the smallest side"),
        ("smoothing", spec.smoothing >= 0, "zero or positive"),
    ):  # fmt: skip
        if not ok:
            problems.append(
                Problem(
                    f"the {key} of the foam must be {need}, but it is {getattr(spec, key)}.",
                    key=f"sample.synthetic.{'BV/TV' if key == 'bvtv' else key}",
                )
            )
    if problems:
        raise InputError(problems)
