# SPDX-License-Identifier: LGPL-3.0-or-later
"""Ghost rows on several ranks: what is sent, what is added, and work that goes on in the meantime."""

from __future__ import annotations

import pytest

EXCHANGE = """
import numpy as np
from osteofield.parallel import world
comm = world()
from osteofield.integrator import Halo

rank, size = comm.rank, comm.size
total, count = 5 * (size - 1), 0 if rank == 1 else 5  # the second rank has nothing
first = 5 * (rank - (rank > 1))
owned = (first, first + count) if count else (5, 5)
away = [g for g in range(total) if not owned[0] <= g < owned[1]]
ghosts = np.array([g for g in away if g % 3 == 0] if count else [], np.int64)
halo = Halo(ghosts, owned, comm)
for kind in (np.float32, np.float64):
    for width in (1, 7):
        x = np.full((count + len(ghosts), width), np.nan, kind)
        x[:count] = np.arange(*owned)[:, None] + np.arange(width) / 8
        moving = halo.begin(x)
        inner = x[:count].sum()  # own rows may be read while others are on their way
        moving.end()
        assert np.array_equal(x[count:], ghosts[:, None] + np.arange(width) / 8)
        x[:] = rank + 1.0
        moving = halo.begin_add(x)
        moving.end()
        sharers = [r + 1.0 for r in range(size) if r not in (1, rank)]
        want = np.where(np.arange(*owned) % 3 == 0, rank + 1.0 + sum(sharers), rank + 1.0)
        assert np.array_equal(x[:count], np.repeat(want[:, None], width, axis=1).astype(kind))
assert set(halo.sent + owned[0]) == ({g for g in range(*owned) if g % 3 == 0} if size > 2 else set())
alone = Halo(np.zeros(0, np.int64), (3 * rank, 3 * rank + 3), comm)  # nobody has a neighbour
y = np.ones((3, 2))
alone(y)
alone.add(y)
assert (y == 1).all()
"""


@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_rows_are_sent_and_added(run_mpi, ranks):
    run_mpi(ranks, EXCHANGE)


REDUCTIONS = """
import numpy as np
from osteofield.parallel import world
comm = world()
from osteofield.integrator.reduction import reduced_both

rank, size = comm.rank, comm.size
sums, largest = np.full((2, 3), rank + 1.0), np.array([rank, -rank, -5.0, np.nan if rank == 1 else 0.0])
for _ in range(2):
    total, most = reduced_both(comm, sums, largest)
    assert np.array_equal(total, np.full((2, 3), size * (size + 1) / 2))
    assert np.array_equal(most[:3], [size - 1, 0.0, -5.0]) and np.isnan(most[3])
"""


@pytest.mark.mpi
def test_sums_and_largest_in_one(run_mpi):
    run_mpi(3, REDUCTIONS)
