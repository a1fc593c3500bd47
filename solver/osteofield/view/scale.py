# SPDX-License-Identifier: LGPL-3.0-or-later
"""Colour scales: which colours stand for which values of a field."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from .state import State
from .style import depth_colours, field_colours

DECADES = 4  # of a logarithmic scale, at most


def norm_of(values: np.ndarray) -> tuple[Normalize, str]:
    """Scale of a field: logarithmic if it spans more than a decade.

    Returns:
        The scale, and the end it leaves open: ``min`` or ``neither``.
    """
    low, high = float(values.min()), float(values.max())
    if high > 0 and high > 10 * low:
        floor = max(low, high / 10**DECADES)
        return LogNorm(floor, high), "min" if low < floor else "neither"
    if high <= low:
        high = low + (abs(low) or 1.0) * 1e-3
    return Normalize(low, high), "neither"


def surface_colours(state: State, name: str, values: np.ndarray) -> tuple[Normalize, Any, str]:
    """Scale, colours and open end for a field on the bone surface.

    Eroded depth starts at 0 with the colour of bone, whatever was gained elsewhere.
    """
    if name != state.depth:
        norm, extend = norm_of(values)
        return norm, field_colours(), extend
    top = float(values.max()) if values.max() > 0 else 1.0
    return Normalize(0.0, top), depth_colours(), "min" if values.min() < -0.01 * top else "neither"
