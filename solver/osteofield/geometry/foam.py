# SPDX-License-Identifier: LGPL-3.0-or-later
"""Synthetic trabecular bone: a seeded periodic foam of rods along the edges of Voronoi cells."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from ..case.types import FoamSpec
from ..errors import InputError, Problem
from .voxels import Voxels

CANDIDATES = 20  # per pore centre; the farthest from the others is taken (Mitchell 1991)


def foam(spec: FoamSpec) -> Voxels:
    """Draw the foam on voxels.

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
    tree = cKDTree(images)
    axes = [(np.arange(n) + 0.5) * v for n, v in zip(shape, voxel, strict=True)]
    field = np.empty(shape)
    y, z = np.meshgrid(*axes[1:], indexing="ij")
    for i, x in enumerate(axes[0]):
        distance, _ = tree.query(np.stack([np.full(y.shape, x), y, z], -1), k=3)
        field[i] = distance[..., 0] - distance[..., 2]
    field = ndimage.gaussian_filter(field, spec.smoothing, mode="wrap")
    values = field - np.quantile(field, 1 - spec.bvtv)
    return Voxels(values, tuple(voxel / 2), tuple(voxel))


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
