# SPDX-License-Identifier: LGPL-3.0-or-later
"""Analytic test shapes as signed distances."""

from __future__ import annotations

import numpy as np

from ..case.types import ShapeSpec
from ..errors import InputError, Problem
from .boxes import Box
from .grid import Grid

_NEEDS = {
    "plate": "thickness", "sphere": "radius", "rod": "radius", "round pore": "radius", "box pore": "pore",
    "marrow": None,
}  # fmt: skip


def signed_distance(shape: ShapeSpec, grid: Grid, box: Box | None = None) -> np.ndarray:
    """Exact distance to the surface of a shape at the grid nodes in a box, or all, um, positive in bone.

    A rod runs along the last axis in 3-D; in 2-D it is a disc, like the sphere.

    Raises:
        InputError: A length is missing or out of range, or the shape does not fit its dimension.
    """
    check(shape)
    x = np.stack(np.meshgrid(*grid.axes(box), indexing="ij"))
    centre = np.array(shape.center) if shape.center is not None else np.array(shape.size) / 2
    r = x - centre.reshape(-1, *[1] * grid.dimension)
    half, radius = (shape.thickness or 0.0) / 2, shape.radius or 0.0
    if shape.kind == "plate":
        return half - np.abs(r[0])
    if shape.kind == "sphere":
        return radius - np.linalg.norm(r, axis=0)
    if shape.kind == "round pore":
        return np.linalg.norm(r, axis=0) - radius
    if shape.kind == "rod":
        return radius - np.linalg.norm(r[:2], axis=0)
    if shape.kind == "box pore":
        return _box(r, np.array(shape.pore) / 2)
    return np.full(x.shape[1:], -np.linalg.norm(shape.size))


def _box(r: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Distance to an axis-aligned box around the origin, positive outside."""
    q = np.abs(r) - half.reshape(-1, *[1] * (r.ndim - 1))
    return np.linalg.norm(np.maximum(q, 0), axis=0) + np.minimum(q.max(0), 0)


def check(shape: ShapeSpec) -> None:
    """Report every fault of a shape at once.

    Raises:
        InputError: See `signed_distance`.
    """
    problems = []

    def fault(key: str, message: str) -> None:
        problems.append(Problem(message, key=f"sample.shape.{key}"))

    d = len(shape.size)
    if d not in (2, 3) or min(shape.size) <= 0:
        fault("size", f"the size must be 2 or 3 positive lengths, but it is {list(shape.size)}.")
    if shape.kind not in _NEEDS:
        fault("kind", f"'{shape.kind}' is not a shape; known: {', '.join(_NEEDS)}.")
    else:
        need = _NEEDS[shape.kind]
        if need and getattr(shape, need) is None:
            fault(need, f"a {shape.kind} needs its {need}.")
        for name in ("thickness", "radius", "pore"):
            value = getattr(shape, name)
            if value is not None and name != need:
                fault(name, f"a {shape.kind} has no {name}.")
            elif value is not None and np.min(value) <= 0:
                fault(name, f"the {name} must be positive, but it is {value}.")
        if shape.pore is not None and len(shape.pore) != d:
            fault("pore", f"the pore needs {d} side lengths, as many as the box, but has {len(shape.pore)}.")
    if shape.center is not None and len(shape.center) != d:
        fault("center", f"the centre needs {d} coordinates, but has {len(shape.center)}.")
    if problems:
        raise InputError(problems)
