# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small samples whose surface moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import build_sample
from osteofield.remodelling import Bone


@pytest.fixture
def shape() -> Callable[..., Bone]:
    """``shape(kind, size, h, **lengths)``: the bone of an analytic shape."""

    def make(kind: str, size: tuple[float, ...], h: float, **lengths) -> Bone:
        return Bone.at_start(build_sample(SampleSpec(shape=ShapeSpec(kind, size, **lengths), cell_size=h)))

    return make


@pytest.fixture
def surface_points() -> Callable[[Bone], np.ndarray]:
    """Points of the surface in the order of depths."""
    return lambda bone: bone.sample.points[np.unique(bone.sample.surface)]
