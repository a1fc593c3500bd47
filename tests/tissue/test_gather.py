# SPDX-License-Identifier: LGPL-3.0-or-later
"""Collecting rows in the numbering of the sample, on one rank (more ranks: test_marrow)."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.parallel import world
from osteofield.tissue.gather import Columns, Gather


@pytest.fixture(params=[1, 2, 3, 1000])
def block(request, monkeypatch):
    monkeypatch.setattr("osteofield.tissue.gather.BLOCK", request.param)
    return request.param


def test_rows_go_to_their_positions_and_back(block):
    positions = np.array([2, 0, 3, 1])
    gather = Gather(world(), positions, 4)
    mine = np.arange(12.0).reshape(4, 3)
    whole = gather(mine)
    assert np.array_equal(whole[positions], mine)
    back = np.empty((4, 3))
    gather.scatter(lambda a, b: whole[a:b], back)
    assert np.array_equal(back, mine)


def test_blocks_follow_each_other(block):
    gather = Gather(world(), np.array([4, 0, 3, 1, 2]), 5)
    starts = [(start, len(rows)) for start, rows in gather.blocks(np.zeros((5, 1)))]
    assert [s for s, _ in starts] == list(range(0, 5, block))
    assert sum(n for _, n in starts) == 5 and max(n for _, n in starts) <= block


def test_nothing_at_all():
    gather = Gather(world(), np.empty(0, np.int64), 0)
    assert gather(np.empty((0, 3))).shape == (0, 3)
    gather.scatter(lambda a, b: np.empty((0, 3)), np.empty((0, 3)))


def test_named_columns_are_read_by_name():
    columns = Columns(Gather(world(), np.array([1, 0]), 2), np.zeros((2, 2)), ["a", "b"])
    columns.read({"b": np.array([1.0, 2.0]), "other": np.zeros(9), "a": np.array([3.0, 4.0])})
    assert np.array_equal(columns.values, [[4.0, 2.0], [3.0, 1.0]])


def test_a_source_that_cannot_be_read_is_an_error():
    def broken(start, stop):
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Gather(world(), np.array([0]), 1).scatter(broken, np.empty((1, 1)))
