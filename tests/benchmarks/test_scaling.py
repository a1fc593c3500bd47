# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scaling benchmark on a small sample."""

from __future__ import annotations

import importlib
import json

import pytest
from benchmarks.scaling.__main__ import main
from benchmarks.scaling.phases import EXCHANGES, PHASES
from benchmarks.scaling.predict import Costs, Network
from benchmarks.scaling.predict import table as predicted
from benchmarks.scaling.report import balance, exchanges, of_phase, table, total

from osteofield.parallel import load_fem


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


@pytest.mark.parametrize(("_label", "module", "name"), [*PHASES, *EXCHANGES])
def test_everything_that_is_watched_exists(_label, module, name):
    load_fem()
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)


@pytest.mark.mpi
@pytest.mark.slow
def test_one_and_two_ranks(tmp_path, capsys, run_mpi):
    options = ["--kind", "strong", "--size", "0.6", "--cell", "60", "--days", "0.02", "-o", str(tmp_path)]
    changes = ["--set", 'focus.0.radius="120 um"', "--set", 'sample.synthetic.spacing="400 um"']
    assert main([*options, *changes]) == 0
    runs = json.loads((tmp_path / "strong.json").read_text("utf-8"))
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


def test_prediction_follows_from_what_was_measured():
    """A step costs 2 ms and 1 us per row, set-up 30 us per row; one face of 10^6 rows has 2e4 ghosts."""

    def run(ranks, rows):
        mine = rows // ranks
        one = {
            "spent": {
                "time steps": {"cpu": 10 * (2e-3 + 1e-6 * mine), "cpu_waiting": 0.0},
                "cut": {"cpu": 3e-5 * mine, "cpu_waiting": 0.0},
            },
            "calls": [["halo", "time steps", 400, 1e7], ["reduction", "time steps", 150, 0.0]],
            "rows": mine, "ghosts": 20_000,
        }  # fmt: skip
        steps = {"accepted": 9, "rejected": 1}
        return {"steps": steps, "marrow_points": rows, "cells": 7 * rows, "ranks": [one] * ranks}

    costs = Costs.of([run(1, 2_000_000), run(2, 2_000_000)], [run(1, 1000)])
    assert (costs.step, costs.row, costs.setup) == pytest.approx((2e-3, 1e-6, 3e-5))
    assert (costs.halos, costs.sent, costs.reductions) == pytest.approx((40, 50.0, 15))
    assert (costs.ghosts, costs.rows_per_cell) == pytest.approx((2.0, 1 / 7))
    network = Network(latency=1e-6, bandwidth=1e9, slowdown=1.5)
    assert costs.seconds_per_step(1e6, 1, network) == pytest.approx(1.002)
    n = 1e6 / 64
    halo = 40 * 14 * 1e-6 + 50 * 6 * 2 * n ** (2 / 3) / 1e9
    wanted = 2e-3 + 1.5e-6 * n + halo + 15 * 2 * 6 * 1e-6
    assert costs.seconds_per_step(1e6, 64, network) == pytest.approx(wanted)
    assert costs.seconds_of_setup(1e6, 64, network) == pytest.approx(1.5 * 3e-5 * (n ** (1 / 3) + 8) ** 3)
    rows = predicted(costs, 7e6, [1, 64], network).splitlines()
    assert rows[2] == "| 1 | 1,000,000 | 1,002 | 1 | 100% | 30 |"
    assert rows[3].startswith(f"| 64 | 15,625 | {1e3 * wanted:.1f} | {1.002 / wanted:.0f} |")
