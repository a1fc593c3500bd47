# SPDX-License-Identifier: LGPL-3.0-or-later
"""Collective operations of set-up."""

import numpy as np
import pytest

from osteofield.team import ALONE, Team

CODE = """
from osteofield.parallel import world
comm = world()
import numpy as np
from osteofield.team import Team
team = Team(comm)
rng = np.random.default_rng(5)  # the same on every rank
keys = np.unique(rng.integers(0, 2**60, 5000))
owner = rng.integers(0, comm.size, len(keys))
owner[keys > 2**59] = comm.size - 1  # unevenly
mine = rng.permutation(np.flatnonzero(owner == comm.rank))
assert np.array_equal(team.places(keys[mine]), mine)
sizes = np.arange(len(keys)) % 5
assert np.array_equal(team.places(keys[mine], sizes[mine]), (np.cumsum(sizes) - sizes)[mine])
wanted = rng.integers(0, len(keys), 300 * comm.rank)
found = team.look_up(keys[mine], np.stack([mine, -mine], 1), keys[wanted])
assert np.array_equal(found, np.stack([wanted, -wanted], 1))
try:
    team.look_up(keys[mine], mine, np.array([-7] if comm.rank == 0 else [], np.int64))
except KeyError:
    pass
else:
    raise AssertionError
assert team.places(keys[:0]).size == 0
parts = [np.full((r, 2), comm.rank, np.int8) for r in range(comm.size)]
for r, got in enumerate(team.exchange(parts)):
    assert got.shape == (comm.rank, 2) and (got == r).all()
ranks = np.arange(comm.size)
assert np.array_equal(team.together(np.full(comm.rank, comm.rank)), np.repeat(ranks, ranks))
assert team.before(comm.rank) == sum(range(comm.rank))
assert team.sum(np.uint64(2**63)) == np.uint64(2**63 * comm.size % 2**64)

def fail():
    raise ValueError("on the first rank")
try:
    team.on_root(fail)
except ValueError as e:
    assert str(e) == "on the first rank"
else:
    raise AssertionError
if comm.rank == 0:
    print("fine")
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_on_ranks(run_mpi, ranks):
    assert "fine" in run_mpi(ranks, CODE)


def test_alone():
    keys = np.array([7, 3, 5])
    assert ALONE.places(keys).tolist() == [2, 0, 1]
    assert ALONE.places(keys, np.array([1, 4, 2])).tolist() == [6, 0, 4]
    assert ALONE.look_up(keys, keys * 2, np.array([5, 7])).tolist() == [10, 14]
    with pytest.raises(KeyError):
        ALONE.look_up(keys, keys, np.array([4]))
    assert ALONE.together(keys) is keys and ALONE.everyone(1) == [1] and ALONE.before(3) == 0
    assert Team().size == 1
