# SPDX-License-Identifier: LGPL-3.0-or-later
"""Arrays on their way to a writer: in blocks, bounded in memory, and given up where the disk is full."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from osteofield.parallel import world
from osteofield.results.checkpoint import CheckpointSink, read_checkpoint
from osteofield.simulation.stream import hand_out
from osteofield.tissue import Columns, Gather, Rows


def tables(n: int, width: int = 3) -> list[Columns | Rows]:
    rng = np.random.default_rng(1)
    gather = Gather(world(), rng.permutation(n), n)
    names = [f"marrow/P{k}" for k in range(width)]
    return [
        Columns(gather, rng.normal(size=(n, width)), names, [2.0, *[1.0] * (width - 1)]),
        Rows(gather, rng.integers(0, 9, (n, 4)), "marrow.cells"),
    ]


class Sink:
    """Keeps what it is given, and fails at one of the calls."""

    extents = None

    def __init__(self, fails: int = -1):
        self.got: list[tuple[str, int, np.ndarray]] = []
        self.fails, self.ended = fails, ""

    def block(self, name, start, rows):
        if len(self.got) == self.fails:
            raise OSError(28, "No space left on device")
        self.got.append((name, start, np.array(rows)))

    def commit(self):
        self.ended += "committed"
        if self.fails == 1000:
            raise OSError(28, "No space left on device")

    def abandon(self):
        self.ended += "abandoned"


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_every_block_comes_in_order_and_in_the_unit_asked_for(monkeypatch, block):
    monkeypatch.setattr("osteofield.tissue.gather.BLOCK", block)
    sink, specs = Sink(), {}
    columns, rows = tables(23)
    hand_out(world(), [columns, rows], lambda arrays: specs.update(arrays) or sink)
    assert {n: s.shape for n, s in specs.items()} == {
        "marrow/P0": (23,), "marrow/P1": (23,), "marrow/P2": (23,), "marrow.cells": (23, 4),
    }  # fmt: skip
    assert specs["marrow.cells"].dtype == np.int64
    whole = columns.gather(columns.values)
    for name, factor, wanted in (
        ("marrow/P0", 2.0, whole[:, 0]), ("marrow/P2", 1.0, whole[:, 2]),
        ("marrow.cells", 1, rows.gather(rows.values)),
    ):  # fmt: skip
        parts = [(start, part) for n, start, part in sink.got if n == name]
        assert [start for start, _ in parts] == list(range(0, 23, block))
        assert np.array_equal(np.concatenate([p for _, p in parts]) * factor, wanted)
    assert sink.ended == "committed"


@pytest.mark.parametrize("fails", [0, 2, 1000])
def test_what_cannot_be_written_is_given_up(fails):
    sink = Sink(fails)
    with pytest.raises(OSError, match="No space left"):
        hand_out(world(), tables(5), lambda arrays: sink)
    assert sink.ended == ("committed" if fails == 1000 else "abandoned")


def test_a_sink_that_cannot_be_opened():
    def opener(arrays):
        raise OSError(13, "Permission denied")

    with pytest.raises(OSError, match="Permission denied"):
        hand_out(world(), tables(5), opener)


def test_nobody_listens():
    hand_out(world(), tables(5), None)


def test_memory_does_not_grow_with_the_sample(tmp_path):
    """Up to 67 MB through a checkpoint and back take a few blocks, whatever the number of rows."""
    peaks = []
    for n in (100_000, 300_000):
        columns, _ = tables(n, 28)
        back = Columns(columns.gather, np.empty_like(columns.values), columns.names)
        tracemalloc.start()
        hand_out(world(), [columns], lambda arrays: CheckpointSink(tmp_path, 1.0, {}, arrays))
        found = read_checkpoint(max(tmp_path.iterdir()))
        back.read(found.arrays)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        found.arrays.close()
        assert np.array_equal(back.values[:, 1:], columns.values[:, 1:])
        assert np.array_equal(2.0 * back.values[:, 0], columns.values[:, 0])
    assert peaks[1] < 1.2 * peaks[0] < 80e6


SHARED = """
import sys
import numpy as np
from pathlib import Path
from osteofield.parallel import world
import osteofield.tissue.gather as gather
from osteofield.results import extents
from osteofield.results.checkpoint import CheckpointSink, read_newest
from osteofield.simulation.stream import hand_out
from osteofield.tissue import Columns, Gather, Rows
gather.SHARE, gather.BLOCK = 10, 7
comm, folder = world(), Path(sys.argv[1])
n, rng = 101, np.random.default_rng(3)
owner, place = rng.integers(0, comm.size, n), rng.permutation(n)
mine = np.flatnonzero(owner == comm.rank)
wholes = rng.normal(size=(n, 3)), rng.integers(0, 9, (n, 4)).astype(np.int32)
where = Gather(comm, mine, n)
columns = Columns(where, wholes[0][mine], ["a", "b", "c"], [2.0, 1.0, 4.0])
tables = [columns, Rows(where, wholes[1][mine], "r")]
written, original = [], extents.Part.block

def block(self, name, start, rows):
    written.append((name, start, len(rows)))
    if folder.name == "full" and comm.rank == comm.size - 1 and name == "b":
        raise OSError(28, "No space left on device")
    original(self, name, start, rows)

extents.Part.block = block
if folder.name == "elsewhere" and comm.rank:
    extents.this_node = lambda: ("another", "node")

def opener(arrays):
    return CheckpointSink(folder, 1.0, {}, arrays)

try:
    hand_out(comm, tables, opener if comm.rank == 0 else None)
except OSError as e:
    print(f"refused {e.strerror}\\n", end="", flush=True)
rows = comm.gather(sum(k for name, _, k in written if name == "a"), 0)
if comm.rank == 0:
    print(rows)
    assert folder.name == "full" or sum(rows) == n
    found = read_newest(folder)
    assert (found is None) == (folder.name == "full")
    if found is None:
        assert list(folder.iterdir()) == []
    else:
        for k, name in enumerate("abc"):
            assert np.array_equal(found.arrays[name][:] * (2.0, 1.0, 4.0)[k], wholes[0][:, k])
        assert np.array_equal(found.arrays["r"][:], wholes[1]) and found.arrays["r"].dtype == np.int32
arrays = found.arrays if comm.rank == 0 and found is not None else None
if comm.bcast(arrays is not None, 0):
    for table in tables:
        before = table.values.copy()
        table.values[:] = 0
        table.read(arrays)
        factor = np.array([2.0, 1.0, 4.0]) if table is tables[0] else 1
        assert np.array_equal(table.values * factor, before)
"""


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("name", "shares"), [("all", "[33, 34, 34]"), ("elsewhere", "[101, 0, 0]"), ("full", "refused")]
)
def test_ranks_of_one_node_write_their_share_and_fail_together(tmp_path, run_mpi, name, shares):
    (tmp_path / "shared.py").write_text(SHARED)
    (tmp_path / name).mkdir()
    out = run_mpi(3, [tmp_path / "shared.py", tmp_path / name])
    assert shares in out
    assert out.count("refused No space left on device") == (3 if name == "full" else 0)
