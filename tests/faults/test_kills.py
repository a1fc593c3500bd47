# SPDX-License-Identifier: LGPL-3.0-or-later
"""SIGKILL at random moments, of one rank or of all, also in the middle of writing, and going on after it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import can_resume, must_open, same_files


def plan(rng: np.random.Generator, ranks: int) -> dict[str, Any]:
    """A kill at any time, or at an operation on a file; the launcher ends the other rank."""
    if rng.random() < 0.5:
        how = str(rng.choice(["before", "after", "torn"]))
        return {
            "kill": "operation",
            "n": int(rng.integers(1, 1500)),
            "how": how,
            "rank": int(rng.integers(ranks)),
        }
    rank = "all" if rng.random() < 0.3 else int(rng.integers(ranks))
    return {"kill": "time", "after": float(0.8 * rng.random()), "rank": rank}


def survive(
    start: Callable[..., Any],
    folder: Path,
    reference: Path,
    kills: int,
    seed: int,
    ranks: int = 1,
) -> dict[str, int]:
    """Kill a run again and again, each time resuming it, until it was killed so often; then let it end.

    Returns:
        How many kills found what: ``fresh`` (no checkpoint yet), ``resumed``; and ``runs`` that came to
        their end.
    """
    rng = np.random.default_rng(seed)
    found = {"kills": 0, "fresh": 0, "resumed": 0, "runs": 0}
    resume: tuple[str, ...] = ()
    while True:
        last = found["kills"] == kills
        planned = {} if last else plan(rng, ranks)
        ended = start(folder, planned, *resume, ranks=ranks)
        assert ended.status is not None, f"{planned} hangs:\n{ended.said}"
        if ended.status == 0:
            if ranks == 1:
                same_files(folder, reference)
            found["runs"] += 1
            if last:
                return found
            shutil.rmtree(folder)
            resume = ()
            continue
        killed = ended.status in (-9, 137, 9)
        assert killed, f"{planned}: exit status {ended.status}\n{ended.said}"
        found["kills"] += 1
        if not folder.exists() or not (folder / "run.json").exists():
            resume = ()  # before anything was written
            found["fresh"] += 1
            continue
        if ranks == 1:
            must_open(folder, reference)
        resume = ("--resume",) if can_resume(folder) else ("--overwrite",)
        found["resumed" if can_resume(folder) else "fresh"] += 1


def test_killed_on_one_rank(start, tmp_path, reference, heavy):
    """What is resumed ends with the files of a run to which nothing happened, bit by bit."""
    found = survive(start, tmp_path / "out", reference, 40 if heavy else 4, seed=1)
    print(found)
    assert found["resumed"] > 0


@pytest.mark.mpi
def test_killed_on_two_ranks(start, tmp_path, reference, heavy):
    """One rank or both; the launcher ends the other, and nobody waits for ever."""
    found = survive(start, tmp_path / "out", reference, 12 if heavy else 2, seed=3, ranks=2)
    print(found)
    assert found["resumed"] > 0


def test_killed_at_the_very_begin(start, here, tmp_path, heavy):
    """While the folder is made: the same command starts afresh, and nothing that is there hinders it."""
    for n in range(1, 60, 5) if heavy else (4, 14):
        folder = tmp_path / f"out{n}"
        ended = start(folder, {"kill": "operation", "n": n, "how": "torn"}, "--set", "time.end=0.1 day")
        assert ended.status == -9
        ended = here(folder, "--set", "time.end=0.1 day")
        assert ended.status == 0, ended.said
