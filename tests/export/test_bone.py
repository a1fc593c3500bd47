# SPDX-License-Identifier: LGPL-3.0-or-later
"""The bone of a results folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.export import bone_at, lesions_of
from osteofield.geometry import Sample
from osteofield.results import open_results, prepare

from .conftest import shape, written


def test_the_nearest_time_and_the_frame(tmp_path: Path, ball: Sample) -> None:
    result = written(tmp_path / "r", ball, [lambda x: 0 * x[:, 0], lambda x: x[:, 1], lambda x: x[:, 2]])
    for asked, time in ((None, 2.0), (0.2, 0.0), (1.3, 1.0), (99.0, 2.0)):
        bone = bone_at(result, asked)
        assert bone.time == time
        np.testing.assert_array_equal(
            bone.depth, (0 if time == 0 else bone.points[:, int(time)]) + 0 * bone.depth
        )
    assert (bone.dimension, bone.upper.tolist()) == (3, [600.0] * 3)
    assert bone.provenance["source"] == "shape"
    outwards = bone.points[bone.facets].mean(1) - 300
    a, b, c = (bone.points[bone.facets[:, k]] for k in range(3))
    assert (np.einsum("nd,nd->n", np.cross(b - a, c - a), outwards) > 0).all()


def test_a_surface_that_moved_is_eroded_by_what_came_since(tmp_path: Path, ball: Sample) -> None:
    bone = bone_at(written(tmp_path / "r", ball, [lambda x: 5 + 0 * x[:, 0]], surface="moves"))
    assert (bone.depth == 2).all()
    assert (bone.recorded == 5).all() and bone.moved
    assert lesions_of(bone)[1].perforations is None


def test_a_sample_without_bone(tmp_path: Path) -> None:
    bone = bone_at(written(tmp_path / "r", shape("marrow", (200.0, 200.0), 50.0), [lambda x: 0 * x[:, 0]]))
    assert len(bone.facets) == 0 and bone.dimension == 2


def test_results_without_a_bone_to_export(tmp_path: Path, ball: Sample) -> None:
    with prepare(tmp_path / "w", "demo", "h", screen=False) as results:
        results.begin({}, {"roles": {}, "box": None, "resolved": ""})
        results.end({})
    with pytest.raises(InputError, match="well mixed"):
        bone_at(open_results(tmp_path / "w"))
    result = written(tmp_path / "r", ball, [lambda x: 0 * x[:, 0]])
    result.record["roles"]["depth"] = None
    result.record["model"] = {"name": "bugs"}
    with pytest.raises(InputError, match="the model 'bugs' has no eroded depth"):
        bone_at(result)
    with pytest.raises(InputError, match="not written any output"):
        bone_at(written(tmp_path / "e", ball, []))
