# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bone or marrow at the nodes of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.errors import ComputationStopped
from osteofield.geometry import Sample, build_sample
from osteofield.geometry.sides import Nodes, in_bone


def shape(kind: str, size: Sequence[float], cell: float, **more: Any) -> Sample:
    return build_sample(SampleSpec(shape=ShapeSpec(kind, tuple(size), **more), cell_size=cell))  # type: ignore[arg-type]


def nodes_of(sample: Sample, n: int) -> Nodes:
    low, high = (np.array(c) for c in sample.box)
    return Nodes(low, (high - low) / n, (n + 1,) * sample.dimension)


@pytest.mark.parametrize("d", [2, 3])
def test_nodes_on_mesh_points_and_between(d: int) -> None:
    """The grid of the cut and others: a node is in bone where the analytic shape says so."""
    sample = shape("sphere", (400.0,) * d, 25.0, radius=120.0)
    for n in (16, 32, 23):
        nodes = nodes_of(sample, n)
        x = nodes.at(np.arange(np.prod(nodes.shape))).reshape(*nodes.shape, d)
        r = np.linalg.norm(x - 200, axis=-1)
        inside = in_bone(nodes, sample.points, sample.surface)
        assert inside[r < 117].all() and not inside[r > 121].any()


def test_a_plate_that_reaches_the_box() -> None:
    sample = shape("plate", (300.0, 200.0, 200.0), 25.0, thickness=100.0)
    nodes = nodes_of(sample, 30)
    inside = in_bone(nodes, sample.points, sample.surface)
    x = nodes.at(np.arange(31**3))[:, 0].reshape(nodes.shape)
    near = np.isclose(abs(x - 150), 50)
    np.testing.assert_array_equal(inside[~near], (abs(x - 150) < 50)[~near])


def test_lines_that_never_meet_the_surface_learn_from_others() -> None:
    sample = shape("sphere", (400.0,) * 3, 25.0, radius=50.0, center=(70.0, 70.0, 70.0))
    inside = in_bone(nodes_of(sample, 16), sample.points, sample.surface)
    assert 20 < inside.sum() < 50
    assert not inside[8:].any()


def test_a_surface_that_divides_nothing_is_refused() -> None:
    nodes = Nodes(np.zeros(3), np.ones(3), (5, 5, 5))
    points = np.array([[1.1, 1.1, 1.1], [1.2, 1.1, 1.1], [1.1, 1.2, 1.1]])  # meets no line
    with pytest.raises(ComputationStopped, match="does not divide the sample"):
        in_bone(nodes, points, np.array([[0, 1, 2]]))
