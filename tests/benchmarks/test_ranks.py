# SPDX-License-Identifier: LGPL-3.0-or-later
"""One rank beside several: alternation, the last line, and a run on two ranks."""

from __future__ import annotations

import json
import re

import pytest
from benchmarks import ranks, tuning
from benchmarks.problem_w.__main__ import main
from benchmarks.registry import METHODS
from benchmarks.tuning import Meshes, _record

W = {"kind": "w", "n": 12}


@pytest.fixture
def runs(monkeypatch):
    """Runs that answer at once; the numbers of ranks, in order."""
    done, wall = [], {1: [10.0, 12.0, 9.0], 2: [5.0, 8.0, 6.0]}
    facts = {"setup": 1.0, "error": 9e-4, "steps": 3, "solves": 4, "cycles": 5}

    def launch(request, count, module):
        if request["path"] is None:
            assert request["workload"] == {"kind": "w", "n": 12}
            return {"wall": 3.0 + count}
        found = {**facts, "wall": wall[count][done.count(count)], "cpu": [4.0] * count}
        done.append(count)
        return found

    monkeypatch.setattr(ranks, "launch", launch)
    monkeypatch.setattr(ranks, "ensure_reference", lambda request: "reference")
    monkeypatch.setattr(ranks, "tuned", lambda *_: {"tolerance": 1e-3})
    monkeypatch.setattr(ranks, "METHODS", {"cvode": METHODS["ours"]})
    return done, facts


def test_the_last_line_is_the_median_of_the_gains(runs):
    lines = []
    assert ranks.compare(Meshes(W, W), 2, 3, lines.append) == 0
    assert lines[-3:] == [
        "the machine allows 1.60 (median)",
        "least of 1 rank / least of 2 ranks = 1.80",
        "1.50x",
    ]
    assert runs[0] == [1, 2, 2, 1, 1, 2]


def test_no_gain_where_the_error_is_too_large(runs):
    runs[1]["error"] = 2e-3
    lines = []
    assert ranks.compare(Meshes(W, W), 2, 1, lines.append) == 3
    assert lines[-1] == "There is no gain: an error of 2.00e-03 exceeds 0.001."


def test_unrelated_runs_have_a_share_of_the_nodes():
    assert ranks._share({"kind": "w", "n": 64}, 2)["n"] == 51  # 52^3 of 65^3 nodes


@pytest.mark.mpi
@pytest.mark.slow
def test_one_and_two_ranks(sundae, caches, run_mpi, monkeypatch, capfd):
    monkeypatch.setattr(tuning, "cache_folder", lambda: caches)
    path = _record(METHODS["ours"], W)
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = {"tolerance": 1e-3, "linear_tolerance": 1e-2}
    path.write_text(json.dumps({"settings": settings, "source": None, "log": []}))
    assert main(["--n", "12", "--ranks", "2", "--pairs", "1"]) == 0
    lines = capfd.readouterr().out.strip().splitlines()
    one, two = (next(line for line in lines if f": {n} rank" in line) for n in (1, 2))
    steps, solves = (re.findall(rf"(\d+) {what}", one + two) for what in ("steps", "solves"))
    assert steps[0] == steps[1] and solves[0] == solves[1]
    assert "2 unrelated runs, kind w, n 12" in lines[-4] and lines[-3].startswith("the machine allows ")
    assert lines[-1].endswith("x")
