# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cycles on several ranks: what overlaps changes round-off alone, and ghosts hold what their owners have."""

from __future__ import annotations

import pytest

CYCLE = """
import numpy as np
from osteofield.parallel import world
comm = world()
from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.geometry import build_piece
from osteofield.integrator import aggregation, hierarchy, level
from osteofield.integrator.halo import Replica
from osteofield.integrator.stiffness import Stiffness
from osteofield.integrator.blocks import blocks, padded_rows
from osteofield.integrator.elimination import Couplings
from osteofield.tissue.layout import lay_out

aggregation.REPLICATED = {replicated}
c, D = blocks(2, 2, 0), np.array([2.0, 5.0])
shape = {shape}
where = lay_out(build_piece(SampleSpec(shape=shape, cell_size={size}), comm), comm)
local, n = where.local, where.local.rows
value = np.cos(where.points[:n] @ np.arange(1, len(shape.size) + 1) / 50.0)
S = np.stack([value**2 + 0.1, 0 * value, 0 * value, 1 + value], 1) * where.volumes[:, None] * 1e-3

def made(overlap):
    level.OVERLAP = overlap
    h = hierarchy.Hierarchy(local, Stiffness(local, c), D, c, comm)
    h.operator[:] = S
    found = Couplings(2)
    found.total[:] = S.sum(0).reshape(2, 2)
    assert h.set_blocks(found)
    return h

b = padded_rows(n, 2)
b[:] = np.stack([value, 1 - value], 1)
one, other = made(0), made(1 << 40)
assert len(one.levels) > 2 and 0 < one.levels[0].edge < n == other.levels[0].edge
x, y = (h.cycle(b)[:n].copy() for h in (one, other))
assert np.isfinite(x).all() and np.abs(x - y).max() < 1e-6 * np.abs(x).max()

# blocks that come from elsewhere: what was held is enough, digit by digit
again = hierarchy.Hierarchy(local, Stiffness(local, c), D, c, comm)

def fill():
    for mine, kept in zip(again.held, one.held, strict=True):
        mine[:] = kept

again.hold(None, fill)
assert np.array_equal(again.cycle(b)[:n], y)

# right side of the next level: what is left after the first sweep, of all ranks together
fine, p, coarse = one.levels[0], one.levels[0].prolong, one.levels[1]
given = coarse.b[: coarse.rows].copy()
c.sweep_from_zero(fine.record, one._smoother, b, fine.x, 0, n)
x = np.zeros((n + local.halo.ghosts, 2))
x[:n] = fine.x[:n]
local.halo(x)
rows = np.repeat(np.arange(n), np.diff(local.indptr))
flow = np.stack([np.bincount(rows, local.values * x[local.indices, k], n) for k in (0, 1)], 1)
left = b - D * flow - S[:, [0, 3]] * x[:n]
wanted = np.zeros((coarse.rows + coarse.halo.ghosts, 2))
np.add.at(wanted, p.columns[:n], p.weights[:n, :, None] * left[:, None])
coarse.halo.add(wanted)
assert np.abs(given - wanted[: coarse.rows]).max() < 1e-4 * np.abs(wanted).max()

# a constant is prolonged to a constant, ghosts included, and no amount is lost on the way down
constant = padded_rows(coarse.rows + coarse.halo.ghosts, 2)
constant[: coarse.rows] = 3.0
coarse.halo(constant)
fine.x[:] = 0.0
c.prolong(fine.record, constant, fine.x, 0, len(fine.x))
assert np.abs(fine.x - 3.0).max() < 1e-5
total = comm.allreduce(left.sum(0))
replicas = comm.size if isinstance(coarse.halo, Replica) else 1
assert np.abs(comm.allreduce(given.sum(0, dtype=float)) / replicas - total).max() < 1e-4 * np.abs(total).max()

# the operator on a cycle, and its products
w, basis, found = padded_rows(n, 2), padded_rows(1, 2 * n), []
basis[0] = b.ravel()
for h in (one, other):
    z = padded_rows(len(x), 2)
    out = h.direction(b, z, 1, np.ones(2, np.float32), basis, w)
    assert np.array_equal(z[:n], h.cycle(b)[:n])
    x[:n] = z[:n]
    local.halo(x)
    flow = np.stack([np.bincount(rows, local.values * x[local.indices, k], n) for k in (0, 1)], 1)
    image = D * flow + S[:, [0, 3]] * x[:n]
    assert np.abs(w - image).max() < 1e-4 * np.abs(image).max()
    assert np.allclose(out, [(image * b).sum(), (image**2).sum(), (image * b).sum()], rtol=1e-4)
"""

SPHERE = 'ShapeSpec("sphere", (600.0, 500.0, 400.0), radius=150.0)'
PLATE = 'ShapeSpec("plate", (800.0, 500.0), thickness=250.0)'


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("ranks", "shape", "size", "replicated"), [(2, SPHERE, 40.0, 10), (3, PLATE, 12.0, 5000)]
)
def test_cycle_with_ghosts_on_their_way(run_mpi, ranks, shape, size, replicated):
    run_mpi(ranks, CYCLE.format(shape=shape, size=size, replicated=replicated))
