# SPDX-License-Identifier: LGPL-3.0-or-later
"""Analytic shapes."""

import numpy as np
import pytest

from osteofield.case.types import ShapeSpec
from osteofield.errors import InputError
from osteofield.geometry.grid import Grid
from osteofield.geometry.shapes import signed_distance

SPECS = [
    ShapeSpec("plate", (400.0, 300.0, 300.0), thickness=110.0),
    ShapeSpec("plate", (400.0, 300.0), thickness=110.0),
    ShapeSpec("sphere", (400.0, 300.0, 300.0), radius=100.0, center=(150.0, 140.0, 160.0)),
    ShapeSpec("rod", (400.0, 300.0, 300.0), radius=100.0),
    ShapeSpec("rod", (400.0, 300.0), radius=100.0),
    ShapeSpec("round pore", (400.0, 300.0, 300.0), radius=120.0),
    ShapeSpec("round pore", (400.0, 300.0), radius=120.0),
    ShapeSpec("box pore", (400.0, 300.0, 300.0), pore=(200.0, 150.0, 100.0)),
    ShapeSpec("box pore", (400.0, 300.0), pore=(200.0, 150.0)),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: f"{s.kind} {len(s.size)}-D")
def test_distance_has_unit_gradient_and_the_right_volume(spec):
    grid = Grid.fit((0.0,) * len(spec.size), spec.size, 5.0)
    phi = signed_distance(spec, grid)
    slope = np.sqrt(sum(g**2 for g in np.gradient(phi, *grid.spacing)))
    assert np.median(slope) == pytest.approx(1, abs=1e-3)
    pore = np.pi * 120**2 * (1 / 120000 if len(spec.size) == 2 else 160 / 36e6)
    share = {
        "round pore": 1 - pore,
        "plate": 110 / 400, "box pore": 1 - np.prod(spec.pore or 1) / np.prod(spec.size),
        "sphere": 4 / 3 * np.pi * 100**3 / (400 * 300 * 300), "rod": np.pi * 100**2 / (400 * 300),
    }[spec.kind]  # fmt: skip
    weight = np.ones(grid.shape)
    for k, n in enumerate(grid.shape):
        w = np.ones(n)
        w[[0, -1]] = 0.5
        weight *= w.reshape([-1 if j == k else 1 for j in range(len(spec.size))])
    assert np.average(np.clip(phi / grid.h + 0.5, 0, 1), weights=weight) == pytest.approx(share, rel=0.005)


def test_marrow_has_no_bone():
    grid = Grid.fit((0.0, 0.0), (100.0, 100.0), 10.0)
    assert (signed_distance(ShapeSpec("marrow", (100.0, 100.0)), grid) < 0).all()


def test_all_faults_at_once():
    grid = Grid.fit((0.0, 0.0), (100.0, 100.0), 10.0)
    with pytest.raises(InputError) as e:
        signed_distance(ShapeSpec("plate", (100.0, 100.0), radius=5.0, center=(1.0, 2.0, 3.0)), grid)
    assert [p.key for p in e.value.problems] == [
        f"sample.shape.{k}" for k in ("thickness", "radius", "center")
    ]
    with pytest.raises(InputError, match="the pore needs 2 side lengths"):
        signed_distance(ShapeSpec("box pore", (100.0, 100.0), pore=(1.0, 2.0, 3.0)), grid)
    with pytest.raises(InputError, match="radius must be positive"):
        signed_distance(ShapeSpec("sphere", (100.0, 100.0), radius=-1.0), grid)
