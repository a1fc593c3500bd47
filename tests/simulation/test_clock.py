# SPDX-License-Identifier: LGPL-3.0-or-later
"""When checkpoints are due."""

from __future__ import annotations

import pytest

from osteofield.case.types import CheckpointSpec
from osteofield.parallel import world
from osteofield.simulation import MemoryWriter, clock
from osteofield.simulation.clock import CheckpointClock


@pytest.fixture
def wall(monkeypatch):
    """The clock on the wall, seconds."""
    now = [1000.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: now[0])
    return now


def test_at_the_first_step_beyond_every_multiple(wall):
    c = CheckpointClock(CheckpointSpec(every=5.0), 0.0, world(), None)
    steps = [1.0, 4.99, 5.0, 5.1, 9.0, 16.0, 17.0, 20.0]
    assert [t for t in steps if c.due(t)] == [5.0, 16.0, 20.0]


def test_multiples_count_from_day_0_also_after_a_resumption(wall):
    c = CheckpointClock(CheckpointSpec(every=5.0), 7.3, world(), None)
    assert [t for t in (8.0, 9.9, 10.2) if c.due(t)] == [10.2]


def test_multiples_that_have_no_exact_number(wall):
    c = CheckpointClock(CheckpointSpec(every=0.1), 0.0, world(), None)
    assert all(c.due(k * 0.1) for k in range(1, 50))


def test_after_so_much_time_on_the_wall(wall):
    c = CheckpointClock(CheckpointSpec(every_wall=60 / clock.SECONDS), 0.0, world(), None)
    wall[0] += 59
    assert not c.due(1.0)
    wall[0] += 2
    assert c.due(1.1)
    assert not c.due(1.2)


def test_on_request_looked_for_once_a_second(wall):
    class Asked(MemoryWriter):
        looks = 0

        def wants_checkpoint(self) -> bool:
            self.looks += 1
            return self.looks == 2

    writer = Asked()
    c = CheckpointClock(CheckpointSpec(), 0.0, world(), writer)
    assert not any(c.due(t) for t in (1.0, 1.1, 1.2))
    assert writer.looks == 0
    wall[0] += 1.5
    assert not c.due(2.0)
    wall[0] += 1.5
    assert c.due(3.0)
    assert writer.looks == 2
