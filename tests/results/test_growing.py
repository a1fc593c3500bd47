# SPDX-License-Identifier: LGPL-3.0-or-later
"""The growing HDF5 file at every single write that reaches the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from osteofield.results.growing import GrowingFile


def add(file: GrowingFile, k: int, keep: list[str] | None = None) -> None:
    """A group whose data come in two blocks."""
    addition = file.add(keep)
    try:
        with addition.shadow.guard():
            group = addition.root.create_group(f"step{k:05d}")
            group.attrs["time"] = float(k)
            data = group.create_dataset("A", (600,), float)
            for half in (slice(0, 300), slice(300, 600)):
                data[half] = np.arange(600.0)[half] + k
            del group, data
        addition.commit()
    finally:
        addition.abandon()


def content(path: Path) -> list[int]:
    with h5py.File(path) as f:
        for name in f:
            k = int(name.removeprefix("step"))
            assert f[name].attrs["time"] == k
            np.testing.assert_array_equal(f[name]["A"], np.arange(600.0) + k)
        return [int(name.removeprefix("step")) for name in f]


def test_every_state_on_disk_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kill, or another program, finds between any two writes: all steps up to the commit."""
    path = tmp_path / "a.h5"
    file = GrowingFile(path)
    file.create()
    original, states = os.pwrite, []

    def spying(fd: int, data: bytes, at: int) -> int:
        n = original(fd, data, at)
        shutil.copy(path, tmp_path / "copy.h5")
        states.append(content(tmp_path / "copy.h5"))
        return n

    monkeypatch.setattr(os, "pwrite", spying)
    for k in range(20):  # beyond 8 and 16 links HDF5 splits the nodes of its lists
        states.clear()
        add(file, k)
        assert states[:-1] == [list(range(k))] * (len(states) - 1)
        assert states[-1] == list(range(k + 1))
        assert len(states) > 3


def test_the_commit_is_one_write_of_the_superblock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.h5"
    file = GrowingFile(path)
    file.create()
    add(file, 0)
    end = path.stat().st_size
    original, early = os.pwrite, []

    def spying(fd: int, data: bytes, at: int) -> int:
        if at < end:
            early.append((at, len(data)))
        return original(fd, data, at)

    monkeypatch.setattr(os, "pwrite", spying)
    add(file, 1)
    assert early == [(0, 96)]


def test_what_was_abandoned_leaves_no_trace(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "a.h5")
    file.create()
    add(file, 0)
    addition = file.add()
    addition.root.create_group("step00007").create_dataset("A", data=np.ones(5000))
    addition.abandon()
    assert content(file.path) == [0]
    add(file, 1)
    assert content(file.path) == [0, 1]


def test_keep_drops_the_others(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "a.h5")
    file.create()
    for k in range(4):
        add(file, k)
    add(file, 9, ["step00000", "step00002"])
    assert content(file.path) == [0, 2, 9]


def test_full_disk_leaves_the_old_content(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from results.test_growing import add; from osteofield.results.growing import GrowingFile\n"
        "f = GrowingFile(Path(sys.argv[1])); f.create(); add(f, 0)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (f.path.stat().st_size + 3000,) * 2)\n"
        "try: add(f, 1)\n"
        "except OSError as e: print(e.errno)\n"
    )
    path = tmp_path / "a.h5"
    command = [sys.executable, "-c", script, str(path), str(Path(__file__).parents[1])]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "27"  # EFBIG, as a full disk gives ENOSPC
    assert content(path) == [0]
    add(GrowingFile(path), 1)
    assert content(path) == [0, 1]


def test_a_file_of_other_make_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.h5"
    with h5py.File(path, "w", libver="latest") as f:
        f["x"] = 1
    with pytest.raises(OSError, match="not written by osteofield"):
        add(GrowingFile(path), 0)
    with h5py.File(path) as f:
        assert f["x"][()] == 1
