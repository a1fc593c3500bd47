# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scaling benchmark on a small sample."""

from __future__ import annotations

import json

import pytest
from benchmarks.scaling.__main__ import main
from benchmarks.scaling.phases import PHASES
from benchmarks.scaling.report import balance, exchanges, of_phase, table, total


def report(ranks: int, seconds: float) -> dict:
    spent = {"wall": seconds, "waiting": 0.0, "cpu": seconds, "cpu_waiting": 0.25 * seconds}
    one = {
        "spent": {"cut": spent, "time steps": {k: 2 * v for k, v in spent.items()}},
        "calls": [["halo", "time steps", 40, 8e6], ["reduction", "cut", 3, 24.0]],
        "rows": 100, "surface_rows": 10, "ghosts": 9, "memory": 3e8, "memory_before": 1e8,
    }  # fmt: skip
    steps = {"accepted": 9, "rejected": 1, "solves": 20, "iterations": 50}
    sizes = {"cells": 1000, "unknowns": 4000}
    return {"steps": steps, **sizes, "ranks": [{**one, "rows": 100 + k} for k in range(ranks)]}


def test_table():
    runs = [report(1, 4.0), report(2, 2.5)]
    assert of_phase(runs[0], "time steps", "wall") == 8.0
    assert total(runs[0], "work") == 9.0
    assert exchanges(runs[1], "halo") == (40, 8e6) and exchanges(runs[1], "reduction") == (0, 0.0)
    assert balance(runs[1]) == pytest.approx(101 / 100.5)
    text = table(runs, "strong")
    assert "speed-up, wall                       1.00             1.60" in text
    assert "halo calls per step                     4                4" in text
    assert "MB sent per step                     0.80             0.80" in text


@pytest.mark.mpi
@pytest.mark.slow
def test_one_and_two_ranks(tmp_path, capsys, run_mpi):
    options = ["--kind", "strong", "--size", "0.6", "--cell", "60", "--days", "0.02", "-o", str(tmp_path)]
    changes = ["--set", 'focus.0.radius="120 um"', "--set", 'sample.synthetic.spacing="400 um"']
    assert main([*options, *changes]) == 0
    runs = json.loads((tmp_path / "strong.json").read_text())
    assert runs[0]["hash"] == runs[1]["hash"] and [len(r["ranks"]) for r in runs] == [1, 2]
    for run in runs:
        assert run["status"] == "done"
        assert {label for label, *_ in PHASES} <= set(run["ranks"][0]["spent"])
        assert sum(r["rows"] for r in run["ranks"]) == run["marrow_points"]
    assert exchanges(runs[1], "halo")[1] > 0 == exchanges(runs[0], "halo")[1]
    assert (tmp_path / "scaling.png").stat().st_size > 10_000
    assert "strong scaling" in capsys.readouterr().out


@pytest.mark.parametrize("ranks", ["2,1", "0,1", "a"])
def test_faulty_ranks_are_told(ranks, capsys):
    with pytest.raises(SystemExit):
        main(["--ranks", ranks])
    assert "--ranks" in capsys.readouterr().err
