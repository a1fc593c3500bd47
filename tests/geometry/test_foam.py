# SPDX-License-Identifier: LGPL-3.0-or-later
"""Synthetic trabecular foam."""

import numpy as np
import pytest

from osteofield.case.types import FoamSpec
from osteofield.errors import InputError
from osteofield.geometry.foam import foam

SMALL = {"size": (600.0, 500.0, 400.0), "spacing": 300.0, "voxel": 20.0}


def test_bone_fraction_is_exact_and_seed_repeats():
    a, b = foam(FoamSpec(**SMALL, bvtv=0.3, seed=7)), foam(FoamSpec(**SMALL, bvtv=0.3, seed=7))
    assert a.values.shape == (30, 25, 20)
    assert abs((a.values > 0).sum() - 0.3 * a.values.size) <= 1
    assert np.array_equal(a.values, b.values)
    assert not np.array_equal(a.values, foam(FoamSpec(**SMALL, bvtv=0.3, seed=8)).values)
    np.testing.assert_allclose(a.box, [(0, 0, 0), (600, 500, 400)], atol=1e-9)


def test_opposite_faces_fit_together():
    v = foam(FoamSpec(**SMALL)).values
    for k in range(3):
        inside = np.abs(np.diff(v, axis=k)).max()
        across = np.abs(v.take(0, k) - v.take(-1, k)).max()
        assert across < 1.5 * inside


def test_one_pore_gives_the_edges_of_a_cube():
    v = foam(FoamSpec((400.0, 400.0, 400.0), spacing=400.0, voxel=20.0, bvtv=0.2)).values
    # one periodic cell: rods along its 12 edges, so every axis-normal section holds bone
    for k in range(3):
        assert (v > 0).any(tuple(j for j in range(3) if j != k)).all()


def test_faults():
    with pytest.raises(InputError) as e:
        foam(FoamSpec((400.0, 400.0, 50.0), bvtv=1.2, spacing=0.0, voxel=20.0))
    assert [p.key for p in e.value.problems] == [
        f"sample.synthetic.{k}" for k in ("BV/TV", "spacing", "voxel")
    ]
