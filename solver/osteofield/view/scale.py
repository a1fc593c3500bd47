# SPDX-License-Identifier: LGPL-3.0-or-later
"""Colour scales: which colours stand for which values of a field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from .style import depth_colours, difference_map, field_colours, gain_and_depth_colours, gain_colours

DECADES = 4  # of a logarithmic scale, at most
SAME = 1e-5  # relative difference of values that count as one
GAINS = 0.25  # of the deepest erosion: larger gains of bone are shown
NO_DEPTH = 1e-3  # um; less is rounding, not erosion
FEW, TOWER = 0.002, 3.0  # share of points that may be off the scale, and by which factor at least


def norm_of(values: np.ndarray) -> tuple[Normalize, str]:
    """Scale of a field: logarithmic if it spans more than a decade.

    A few values that tower above all others, as in a pore that nothing leaves, do not set the scale.

    Returns:
        The scale, and the ends it leaves open: ``min``, ``max``, ``both`` or ``neither``.
    """
    low, highest = float(values.min()), float(values.max())
    most = float(np.quantile(values, 1 - FEW))
    high = most if most > 0 and highest > TOWER * most else highest
    over = high < highest
    if high > 0 and high > 10 * low:
        floor = max(low, high / 10**DECADES)
        return LogNorm(floor, high), _open(low < floor, over)
    if high - low <= SAME * abs(high):  # one value, apart from rounding
        middle, half = (low + high) / 2, 5e-3 * (abs(high) or 1.0)
        low, high = middle - half, middle + half
    return Normalize(low, high), _open(False, over)


def _open(below: bool, above: bool) -> str:
    return {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}[below, above]


def joint_norm(values: Sequence[np.ndarray]) -> tuple[Normalize, str]:
    """One scale (`norm_of`) for several pictures of the same field."""
    filled = [v.ravel() for v in values if v.size]
    return norm_of(np.concatenate(filled)) if filled else (Normalize(0.0, 1.0), "neither")


def surface_colours(is_depth: bool, values: Sequence[np.ndarray]) -> tuple[Normalize, Any, str]:
    """Scale, colours and open end for pictures of a field on the bone surface.

    Eroded depth is 0 in the colour of bone. Gains, negative depths, are shown below it where they are more
    than a quarter of the deepest erosion; smaller ones have the colour of bone.
    """
    if not is_depth:
        norm, extend = joint_norm(values)
        return norm, field_colours(), extend
    top = max((float(v.max()) for v in values if v.size), default=0.0)
    low = min((float(v.min()) for v in values if v.size), default=0.0)
    if top <= NO_DEPTH and low < -NO_DEPTH:
        return Normalize(low, 0.0), gain_colours(), "neither"
    top = top if top > NO_DEPTH else 1.0
    if low < -GAINS * top:
        return Normalize(low, top), gain_and_depth_colours(-low / (top - low)), "neither"
    return Normalize(0.0, top), depth_colours(), "min" if low < -0.01 * top else "neither"


def gained(norm: Normalize) -> list[str]:
    """What to say under a scale of eroded depth that shows gains."""
    return ["below 0: bone gained"] if norm.vmin is not None and norm.vmin < 0 else []


def difference_colours(values: Sequence[np.ndarray]) -> tuple[Normalize, str, str]:
    """Scale, colours and open ends of a difference: symmetric about 0, which is white.

    As in `norm_of`, a few values that tower above all others do not set the scale.
    """
    sizes = [np.abs(v[np.isfinite(v)]) for v in values]
    size = np.concatenate([s for s in sizes if s.size] or [np.zeros(1)])
    highest, most = float(size.max()), float(np.quantile(size, 1 - FEW))
    top = most if most > 0 and highest > TOWER * most else highest
    return Normalize(-(top or 1.0), top or 1.0), difference_map(), "both" if top < highest else "neither"
