# SPDX-License-Identifier: LGPL-3.0-or-later
"""The record of measurements: kept as it is written, a run in the place of the same one, drawn as figures."""

from __future__ import annotations

import pytest


def run(**changes):
    from benchmarks.record import Measured
    from benchmarks.worker import Report

    facts = {"nodes": 4913, "unknowns": 39304, "solves": 98, "cycles": 158, "iterations per solve": 1.61}
    report = Report(error=8.4213e-4, cpu=0.31415, facts=facts)
    workload = {"kind": "osteoimmune", "voxels": 4.0, "image": "/home/me/scan.nrrd", "crop": None}
    about = {"workload": workload, "method": "ours", "tolerance": 1e-3, "run": report, "date": "2026-11-21"}
    return Measured.of(**{**about, **changes})


def test_keeps_no_path_and_no_more_digits_than_are_known():
    kept = run()
    assert kept.workload == {"kind": "osteoimmune", "voxels": 4.0, "image": "scan.nrrd"}
    assert kept.error == 8.42e-4 and kept.cpu == 0.31
    assert kept.facts == {"nodes": 4913, "unknowns": 39304, "solves": 98, "cycles": 158}


def test_a_run_takes_the_place_of_the_same_one(tmp_path):
    from benchmarks.record import Record

    record = Record("a machine", [], [])
    record.add(run())
    record.add(run(tolerance=1e-4))
    record.add(run(date="2026-11-22"))
    record.write(tmp_path / "record.json")
    again = Record.read(tmp_path / "record.json")
    assert again == record
    dates = {r.tolerance: r.date for r in again.of(run().workload, "ours")}
    assert dates == {1e-3: "2026-11-22", 1e-4: "2026-11-21"}
    assert list(dates) == [1e-3, 1e-4]  # the loosest first
    assert again.of(run().workload, "cvode") == []


def test_draws_every_figure_of_the_performance_page(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra 'view')")
    from pathlib import Path

    from benchmarks import figures

    assert figures.main(["--folder", str(tmp_path)]) == 0
    drawn = {p.name for p in tmp_path.glob("*.png")}
    page = (Path(figures.__file__).parents[1] / "docs" / "performance.md").read_text("utf-8")
    assert drawn == {name for name in drawn if f"(figures/performance/{name})" in page}
    assert len(drawn) == 3
    from matplotlib.image import imread

    for name in drawn:
        pixels = imread(tmp_path / name)
        assert 1300 < pixels.shape[1] < 1500  # the width of a page at 200 dots per inch
        assert 0.02 < (pixels[..., :3].min(axis=2) < 0.9).mean() < 0.5  # something is drawn, with room around


def test_a_phase_that_no_group_names_is_drawn_too(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra 'view')")
    from benchmarks.figures import phases
    from benchmarks.record import Phases, Record

    record = Record(
        "a machine",
        [],
        [Phases("A run", 2.0, {"cycles, operator, products": 60.0, "waiting": 40.0}, "2026-11-21")],
    )
    (ax,) = phases(record).axes
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels[0] == "cycles, operator, products" and labels[-1] == "waiting"
    assert [bar.get_width() for bar in ax.patches if bar.get_width()] == [60.0, 40.0]


def test_says_what_a_ladder_needs(capsys):
    from benchmarks import ladder

    with pytest.raises(SystemExit):
        ladder.main(["--n", "8", "--voxels", "8"])
    assert "only one" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        ladder.main(["--n", "8", "--without-error"])
    assert "--settings and --tolerances" in capsys.readouterr().err
