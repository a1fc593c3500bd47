# SPDX-License-Identifier: LGPL-3.0-or-later
"""Checkpoints: bitwise, two kept, damage detected and the one before used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from osteofield.results import checkpoint
from osteofield.results.checkpoint import (
    CheckpointSink,
    DamagedCheckpoint,
    read_checkpoint,
    read_newest,
)
from osteofield.simulation.writer import ArraySpec


def store(folder: Path, t: float) -> Path:
    rng = np.random.default_rng(int(t * 10))
    arrays = {
        "marrow": rng.normal(size=(200, 5)), "g": np.arange(7, dtype=np.int32), "none": np.empty((0, 3)),
    }  # fmt: skip
    facts = {"step": int(t), "h": 0.1 + 0.2, "name": "knöchern"}
    sink = CheckpointSink(folder, t, facts, {n: ArraySpec.of(a) for n, a in arrays.items()})
    for start in range(0, 200, 60):  # blocks of different arrays take turns
        for name, array in arrays.items():
            sink.block(name, start, array[start : start + 60])
    sink.commit()
    return sink.path


def test_what_is_read_is_bitwise_what_was_written(tmp_path: Path) -> None:
    path = store(tmp_path / "c", 1 / 3)
    found = read_checkpoint(path)
    assert found.time == 1 / 3
    assert found.facts == {"step": 0, "h": 0.1 + 0.2, "name": "knöchern"}
    np.testing.assert_array_equal(found.arrays["marrow"], np.random.default_rng(3).normal(size=(200, 5)))
    assert found.arrays["g"].dtype == np.int32
    assert found.arrays["none"].shape == (0, 3)


def test_two_are_kept_and_the_newest_is_read(tmp_path: Path) -> None:
    for t in range(12):
        store(tmp_path, t)
    assert len(list(tmp_path.iterdir())) == 2
    found = read_newest(tmp_path)
    assert found is not None
    assert found.time == 11


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def truncate(path: Path, share: float = 0.5) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def lengthen(path: Path) -> None:
    with open(path, "ab") as f:
        f.write(b"\0")


def damages() -> Iterator[Callable[[Path], None]]:
    """Twenty truncations, forty flipped bits, half a file of zeros, nothing at all, a byte too many."""
    rng = np.random.default_rng(5)
    for share in (0.0, 1e-9, 0.999, *rng.random(17)):
        yield lambda path, share=share: truncate(path, share)
    yield lambda path: os.truncate(path, path.stat().st_size - 1)
    for where in rng.random(40):
        yield lambda path, where=where: flip(path, int(where * 8 * path.stat().st_size))
    for bit in (0, 8 * 40, 8 * 64):  # signature, end of file and root group of HDF5
        yield lambda path, bit=bit: flip(path, bit)
    yield lambda path: path.write_bytes(bytes(path.stat().st_size))
    yield lambda path: path.write_bytes(b"")
    yield lengthen


def test_damaged_newest_is_named_and_the_one_before_used(tmp_path: Path) -> None:
    store(tmp_path, 1.0)
    newest = store(tmp_path, 2.0)
    intact, count = newest.read_bytes(), 0
    for damage in damages():
        newest.write_bytes(intact)
        damage(newest)
        said: list[str] = []
        found = read_newest(tmp_path, said.append)
        assert found is not None
        assert found.time == 1.0
        assert len(said) == 1
        assert said[0].startswith(f"{newest} is not used: it is damaged (")
        with pytest.raises(DamagedCheckpoint):
            read_checkpoint(newest)
        found.arrays.close()
        count += 1
    assert count == 67


def test_another_format_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "FORMAT", 99)
    path = store(tmp_path, 1.0)
    monkeypatch.undo()
    with pytest.raises(DamagedCheckpoint, match="it has format 99, and this version reads 3"):
        read_checkpoint(path)


def test_more_than_is_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_BLOCK", 1000)
    path = store(tmp_path, 1.0)
    monkeypatch.undo()
    read_checkpoint(path).arrays.close()


def test_what_was_abandoned_leaves_no_file(tmp_path: Path) -> None:
    path = store(tmp_path, 1.0)
    sink = CheckpointSink(tmp_path, 2.0, {}, {"a": ArraySpec((5,), np.dtype(float))})
    sink.block("a", 0, np.zeros(3))
    sink.abandon()
    assert list(tmp_path.iterdir()) == [path]


def test_none_intact(tmp_path: Path) -> None:
    assert read_newest(tmp_path / "missing") is None
    truncate(store(tmp_path, 1.0))
    assert read_newest(tmp_path) is None


def test_killed_at_any_moment_leaves_an_intact_checkpoint(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from results.test_checkpoint import store\n"
        "for k in range(10**6):\n    store(Path(sys.argv[1]), k)\n    k or print('go', flush=True)\n"
    )
    for trial in range(3):
        folder = tmp_path / str(trial)
        command = [sys.executable, "-c", code, str(folder), str(Path(__file__).parents[1])]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"go\n"
        time.sleep(0.05 + 0.0073 * trial)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        said: list[str] = []
        assert read_newest(folder, said.append) is not None
        assert said == []
