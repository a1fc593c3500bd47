# SPDX-License-Identifier: LGPL-3.0-or-later
"""A full disk, a folder that cannot be written, and the same run after somebody has made room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import can_resume, must_open, same_files


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that can be made full, larger, and read-only with `remount`."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def test_full_disk(here, small_disk, reference, heavy):
    """Whatever it hits: exit status 3, or 2 before the begin; a reason; readable; resumed with more room."""
    sizes = (4, 20, 44, 72, 96, 140, 200, 400, 800, 1400) if heavy else (20, 120, 700)
    seen = set()
    for size in sizes:
        remount(small_disk, f"size={size}k")
        folder = small_disk / "out"
        ended = here(folder)
        assert ended.status in (2, 3), (size, ended)
        assert "No space left on device" in ended.said, (size, ended.said)
        assert "Traceback" not in ended.said
        seen.add(ended.status)
        again: tuple[str, ...] = ()
        if ended.status == 3:
            must_open(folder, reference)
            again = ("--resume",) if can_resume(folder) else ()
        remount(small_disk, "size=20m")
        ended = here(folder, *again)
        assert ended.status == 0, (size, ended.said)
        same_files(folder, reference)
        for path in sorted(small_disk.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
    assert 3 in seen


def test_files_that_may_not_grow(start, here, tmp_path, reference, heavy):
    """The same without being root: a limit on the size of files."""
    for size in (700, 25_000, 60_000, 150_000, 600_000) if heavy else (60_000,):
        folder = tmp_path / f"out{size}"
        ended = start(folder, {"largest_file": size})
        assert ended.status == 3, (size, ended)
        assert "File too large" in ended.said and "Traceback" not in ended.said, ended.said
        must_open(folder, reference)
        assert here(folder, "--resume").status == 0
        same_files(folder, reference)


def test_read_only_folder(here, small_disk):
    """Nothing is computed; the same for a run that was to be resumed."""
    remount(small_disk, "size=20m")
    assert here(small_disk / "out", "--set", "time.end=0.1 day").status == 0
    remount(small_disk, "ro")
    try:
        for name, arguments in (("new", []), ("out", []), ("out", ["--resume"]), ("out", ["--overwrite"])):
            ended = here(small_disk / name, "--set", "time.end=0.2 day", *arguments)
            assert ended.status == 2, ended
            assert "the results cannot be written here" in ended.said and "Traceback" not in ended.said
            assert "cutting" not in ended.said
    finally:
        remount(small_disk, "rw")


def test_folder_without_permission(here, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "locked").mkdir(mode=0o555)
    ended = here(tmp_path / "locked" / "out")
    assert ended.status == 2
    assert "the results cannot be written here" in ended.said and "Traceback" not in ended.said
