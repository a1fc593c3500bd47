# SPDX-License-Identifier: LGPL-3.0-or-later
"""Dealing out a whole sample."""

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import build_sample, save_sample
from osteofield.geometry.piece import NEARBY, bisect


@pytest.fixture(scope="module")
def points():
    shape = ShapeSpec("sphere", (600.0, 500.0, 400.0), radius=150.0)
    return build_sample(SampleSpec(shape=shape, cell_size=60.0)).points


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 16])
def test_bisection_is_balanced_and_deterministic(points, parts):
    part = bisect(points, parts)
    counts = np.bincount(part, minlength=parts)
    assert len(counts) == parts
    assert np.abs(counts / counts.mean() - 1).max() <= 2.2 * NEARBY + 2 / counts.mean()
    assert np.array_equal(part, bisect(points, parts))


def test_bisection_cuts_the_longest_side_first(points):
    part = bisect(points, 2)
    x = points[:, 0]
    assert x[part == 0].max() <= x[part == 1].min()


def test_layers_of_a_grid_stay_whole():
    """65 layers have no half: one part gets a layer more than the other."""
    points = np.stack(np.meshgrid(*(np.arange(k) for k in (65, 20, 10)), indexing="ij"), -1).reshape(-1, 3)
    points = points[np.random.default_rng(0).permutation(len(points))].astype(float)
    part = bisect(points, 2)
    assert np.bincount(part).tolist() == [6400, 6600]
    assert points[part == 0, 0].max() < points[part == 1, 0].min()


def test_bisection_of_fewer_points_than_parts():
    part = bisect(np.array([[0.0, 0], [1, 0], [0, 1]]), 4)
    assert part.shape == (3,) and len(set(part)) == 3 and part.max() < 4


@pytest.mark.mpi
def test_a_mesh_file_is_read_once_and_dealt_out(run_mpi, tmp_path):
    shape = ShapeSpec("sphere", (600.0, 500.0, 400.0), radius=150.0)
    file = save_sample(build_sample(SampleSpec(shape=shape, cell_size=60.0)), tmp_path / "ball.xdmf")[0]
    code = f"""
from osteofield.parallel import world
comm = world()
from pathlib import Path
import numpy as np
from osteofield.case.types import SampleSpec
from osteofield.errors import InputError
from osteofield.geometry import build_piece, build_sample, part_of
from osteofield.team import Team
spec = SampleSpec(mesh=Path({str(file)!r}))
p, q = build_piece(spec, comm), part_of(build_sample(spec), Team(comm))
for name, value in vars(q).items():
    if isinstance(value, np.ndarray):
        assert np.array_equal(value, getattr(p, name), equal_nan=value.dtype == float), name
assert p.hash == q.hash and p.team.size == 2 and all(np.array_equal(p.faces[f], q.faces[f]) for f in q.faces)
comm.barrier()
if comm.rank == 0:
    Path({str(file)!r}).with_suffix(".h5").write_bytes(b"")
try:
    build_piece(spec, comm)
except InputError as e:
    assert "cannot be read" in str(e)
    if comm.allreduce(1) == 2 and comm.rank == 0:
        print("refused by both")
"""
    assert "refused by both" in run_mpi(2, code)
