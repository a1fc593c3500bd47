# SPDX-License-Identifier: LGPL-3.0-or-later
"""Boxes of a structured array over ranks."""

import numpy as np
import pytest

from osteofield.geometry.boxes import Box, Partition
from osteofield.team import ALONE, Team


class Many(Team):
    """A team of which only the first rank is here, and has everything."""

    def __init__(self, size):
        super().__init__()
        self.size = size


def fills(partition):
    count = np.zeros(partition.whole, int)
    for box in partition.boxes:
        count[tuple(slice(a, b) for a, b in zip(box.lo, box.hi, strict=True))] += 1
    return len(partition.boxes) == partition.team.size and (count == 1).all()


def rough(shape, parts):
    nothing = Box((0,) * len(shape), (0,) * len(shape))
    return Partition(Many(parts), shape, [Box((0,) * len(shape), shape)] + [nothing] * (parts - 1))


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 16, 40])
@pytest.mark.parametrize("shape", [(5, 7), (9, 4, 6), (1, 30), (2, 2, 2)])
def test_boxes_fill_the_array(shape, parts):
    assert fills(Partition.even(Many(parts), shape))
    rng = np.random.default_rng(parts)
    corner = np.zeros(shape, int)
    corner.flat[0] = 9
    for weight in (rng.integers(0, 5, shape), np.zeros(shape, int), corner):
        assert fills(Partition.balanced(rough(shape, parts), weight))


@pytest.mark.parametrize(("parts", "most"), [(2, 1.02), (3, 1.03), (8, 1.06), (64, 1.2)])
def test_uneven_weights_are_balanced(parts, most):
    """Where half of the array has nothing and the rest grows along an axis."""
    shape = (40, 36, 44)
    x = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
    weight = np.where(x[0] < 20, 0, x[1])
    partition = Partition.balanced(rough(shape, parts), weight)
    whole = Box((0, 0, 0), shape)
    loads = np.array([weight[b.within(whole)].sum() for b in partition.boxes])
    assert loads.max() <= most * loads.mean()


def test_boxes_are_cut_and_grown():
    a, b = Box((0, 2), (4, 6)), Box((3, 0), (9, 3))
    assert a & b == Box((3, 2), (4, 3)) and (a & b).size == 1
    assert (a & Box((5, 5), (6, 6))).size == 0
    assert a.grown(1, 2, (5, 9)) == Box((0, 1), (5, 8))
    assert Box((3, 3), (3, 5)).grown(1, 1, (9, 9)).size == 0
    assert [p.shape for p in Box((2, 0), (9, 3)).split(3)] == [(2, 3), (2, 3), (3, 3)]


def test_alone_a_halo_is_a_part():
    values = np.arange(30).reshape(5, 6)
    got = Partition.even(ALONE, (5, 6)).fetch(values, Box((1, 2), (3, 6)))
    assert np.array_equal(got, values[1:3, 2:])


CODE = """
from osteofield.parallel import world
comm = world()
import numpy as np
from scipy import ndimage
from osteofield.geometry.boxes import Box, Partition
from osteofield.geometry.cloud import Cloud
from osteofield.geometry.pieces import pieces
from osteofield.team import ALONE, Team

team, rng = Team(comm), np.random.default_rng(3)  # the same numbers on every rank
whole = rng.random((11, 9, 10))
everything = Box((0, 0, 0), whole.shape)
for p in (Partition.even(team, whole.shape), ):
    weight = (whole[p.own.within(everything)] * 10).astype(int)
    for q in (p, Partition.balanced(p, weight)):
        mine = whole[q.own.within(everything)]
        for wanted in (q.own.grown(2, 1, whole.shape), everything, Box((comm.rank, 0, 3), (6, 9, 4))):
            assert np.array_equal(q.fetch(mine, wanted), whole[wanted.within(everything)])
        # connected pieces: sizes, ties and those at the box
        for level in (0.3, 0.5, 0.7):
            for structure in (np.ones((3, 3, 3)), ndimage.generate_binary_structure(3, 1)):
                for keep in (False, True):
                    halo = q.halo(q.own.grown(1, 1, whole.shape))
                    got = pieces(mine < level, q, halo, structure, keep_cut=keep)
                    one = Partition.even(ALONE, whole.shape)
                    want = pieces(whole < level, one, one.halo(everything), structure, keep_cut=keep)
                    assert got.count == want.count == ndimage.label(whole < level, structure)[1]
                    assert np.array_equal(got.small, want.small[q.own.within(everything)])
# nearest points, ties in the order of keys: a lattice is full of them
points = np.stack(np.meshgrid(*[np.arange(7.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
keys = rng.permutation(len(points))
mine = np.arange(len(points)) % comm.size == comm.rank
cloud = Cloud(team, points[mine], keys[mine], keys[mine, None].astype(float))
x = np.concatenate([rng.integers(0, 13, (40, 3)) / 2, rng.random((20, 3)) * 30 - 10])
x = x[rng.random(len(x)) < 0.7] if comm.rank else x[:0] if comm.size > 2 else x
for k in (1, 4):
    found = np.full((len(x), k), -1.0)
    def use(rows, distance, at, nearby):
        found[rows] = nearby.data[at, 0]
    cloud.nearest(x, k, 0.6, use)
    d = np.linalg.norm(x[:, None] - points, axis=2)
    want = np.lexsort((np.broadcast_to(keys, d.shape), np.round(d, 9)), axis=1)[:, :k]
    assert np.array_equal(found, keys[want])
if comm.rank == 0:
    print("fine")
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 4])
def test_halos_pieces_and_neighbours_over_ranks(run_mpi, ranks):
    assert "fine" in run_mpi(ranks, CODE)
