# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small samples of analytic shape and the tissue on them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import Sample, build_sample
from osteofield.kinetics import Kernels, load_network
from osteofield.parallel import world
from osteofield.tissue import Tissue, build_tissue

SHAPES = {
    "sphere": (ShapeSpec("sphere", (600.0, 500.0, 400.0), radius=150.0), 60.0),
    "pore": (ShapeSpec("box pore", (500.0, 500.0, 500.0), pore=(300.0, 300.0, 300.0)), 60.0),
    "plate": (ShapeSpec("plate", (800.0, 500.0), thickness=250.0), 50.0),
    "disc": (ShapeSpec("sphere", (600.0, 600.0), radius=200.0), 40.0),
    "marrow": (ShapeSpec("marrow", (300.0, 200.0, 200.0)), 60.0),
}


@cache
def _sample(name: str) -> Sample:
    shape, cell = SHAPES[name]
    return build_sample(SampleSpec(shape=shape, cell_size=cell))


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Sample]:
    """``sample(name)``: sphere, pore, marrow (3-D), plate, disc (2-D)."""
    return _sample


@pytest.fixture(scope="session")
def tissue(sample: Callable[[str], Sample]) -> Callable[..., Tissue]:
    """``tissue(sample or name, open_faces=False)`` with the osteoimmune model on one rank."""

    def build(where, **options) -> Tissue:
        network = load_network("osteoimmune")
        where = sample(where) if isinstance(where, str) else where
        return build_tissue(where, network, Kernels(network), world(), **options)

    return build
