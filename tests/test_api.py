# SPDX-License-Identifier: LGPL-3.0-or-later
"""The whole way from a case file to results: in Python, on the command line, interrupted and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import osteofield as of

from .conftest import PATIENCE
from .infected import plate, point

CASE = plate(head='title = "A plate"', time='end = "3 day"', output='every = "1 day"')


@pytest.fixture
def case_file(tmp_path: Path) -> Path:
    file = tmp_path / "plate.toml"
    file.write_text(CASE)
    return file


def equal(one, other):
    assert list(one) == list(other)
    return all(np.array_equal(one[c], other[c]) for c in one)


def test_run_gives_history_fields_and_record(case_file, tmp_path):
    days = []
    therapy = '[[therapy]]\ndrug = "anti_TNF"\nfrom = "1.25 day"\ndose = { level = 2.0 }\n'
    case_file.write_text(CASE.replace("[time]", f"{therapy}[time]"))
    result = of.run(case_file, tmp_path / "out", progress=lambda p: days.append(p.day))
    assert np.array_equal(result.history["time [day]"], [0, 1, 2, 3])
    assert list(result.history)[:3] == ["time [day]", "BV/TV [1]", "bone_loss [mm^3]"]
    assert result.marrow["RANKL"].unit == "pM"
    assert result.marrow["RANKL"].shape == (4, len(result.marrow.points))
    assert result.surface["depth"].unit == "um"
    depth = result.surface["depth"][-1]
    assert depth.max() == pytest.approx(result.history["depth.max [um]"][-1])
    eroded = result.surface["E.De"][-1]
    assert np.array_equal(np.isnan(eroded), depth <= 2.0)
    assert "bacteria" in result.marrow and "OCa" in result.surface
    assert days == sorted(days) and days[-1] == 3.0 and 1.25 in days

    record = result.record
    assert record == json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert record["status"] == "done" and record["time"] == 3.0
    assert record["case"]["name"] == "plate" and record["case"]["title"] == "A plate"
    assert {"osteofield", "dolfinx", "PETSc", "numpy", "python", "MPI"} <= set(record["versions"])
    assert record["ranks"] == 1
    assert record["model"]["name"] == "osteoimmune" and len(record["model"]["hash"]) == 64
    assert len(record["mesh"]["hash"]) == 64
    assert record["mesh"]["marrow_nodes"] == len(result.marrow.points)
    assert record["mesh"]["provenance"]["source"] == "shape"
    assert record["steps"]["accepted"] == len(days)
    assert record["steps"]["solves"] >= record["steps"]["accepted"] + record["steps"]["rejected"]
    assert {"sample", "tissue", "homeostasis", "integration", "memory_MB"} <= set(record["timings"])
    assert record["units"]["TNF"] == "pM"
    (focus,) = record["foci"]
    assert focus["marrow_volume"] == pytest.approx(np.pi * 120.0**2, rel=1e-5)
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {
        "marrow.xdmf", "marrow.h5", "surface.xdmf", "surface.h5", "history.csv", "case.resolved.toml",
        "run.json", "log.txt", "checkpoints",
    } <= names  # fmt: skip
    assert list((tmp_path / "out" / "checkpoints").glob("*.h5"))
    log = (tmp_path / "out" / "log.txt").read_text("utf-8")
    assert "done at day 3: day 3 was reached" in log
    assert "A plate\n" in log and "unknowns on 1 rank" in log


def test_resolved_case_runs_again_and_gives_the_same(case_file, tmp_path):
    first = of.run(case_file, tmp_path / "one", settings=["time.end=2 day", "model.switches.OPG_drop=false"])
    resolved = tmp_path / "one" / "case.resolved.toml"
    assert 'end = "2 day"' in resolved.read_text("utf-8")
    second = of.run(resolved, tmp_path / "two")
    assert equal(first.history, second.history)
    assert second.case == first.case
    other = of.run(case_file, tmp_path / "three", settings=["time.end=2 day"])
    assert not equal(first.history, other.history)


def test_results_are_moved_aside_or_replaced(case_file, tmp_path):
    out, short = tmp_path / "out", ["time.end=0.1 day"]
    of.run(case_file, out, settings=short)
    first = (out / "run.json").read_text("utf-8")
    of.run(case_file, out, settings=short)
    assert (tmp_path / "out.1" / "run.json").read_text("utf-8") == first
    of.run(case_file, out, settings=short, overwrite=True)
    assert not (tmp_path / "out.2").exists()


def test_default_folder_and_a_loaded_case(case_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    case = of.load_case(case_file, ["time.end=0.1 day"])
    assert of.run(case).path == Path("results/plate")
    assert of.open_results(tmp_path / "results/plate").record["status"] == "done"


def test_nothing_is_touched_when_the_input_is_wrong(case_file, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(of.InputError, match="TNFF"):
        of.run(case_file, out, settings=["output.fields=['TNFF']"])
    with pytest.raises(of.InputError, match="only bone"):
        of.run(case_file, out, settings=['focus.0.center=["400 um", "200 um"]', 'focus.0.radius="20 um"'])
    with pytest.raises(of.InputError, match="nothing to resume|no checkpoint"):
        of.run(case_file, out, resume=True)
    assert not out.exists()
    out.mkdir()
    (out / "mine.txt").write_text("kept")
    with pytest.raises(of.InputError, match="mine.txt"):
        of.run(case_file, out)
    assert [p.name for p in out.iterdir()] == ["mine.txt"]


def test_results_of_another_case_are_refused(case_file, tmp_path):
    of.run(case_file, tmp_path / "out", settings=["time.end=0.1 day"])
    other = tmp_path / "rod.toml"
    other.write_text(CASE)
    with pytest.raises(of.InputError, match="results of another case, 'plate'"):
        of.run(other, tmp_path / "out")


def test_a_computation_that_stops_leaves_results(case_file, tmp_path):
    settings = ['time.shortest_step="0.05 day"', 'time.first_step="0.1 day"', "time.tolerance=1e-7"]
    with pytest.raises(of.ComputationStopped, match=r"time step fell below 0.05 day.*a checkpoint are in"):
        of.run(case_file, tmp_path / "out", settings=settings)
    result = of.open_results(tmp_path / "out")
    assert result.record["status"] == "stopped"
    assert "time step fell below" in result.record["reason"]
    assert list((tmp_path / "out" / "checkpoints").glob("*.h5"))


def test_well_mixed_run_has_a_history_and_no_fields(case_file, tmp_path):
    case_file.write_text(point(time='end = "3 day"', output='every = "1 day"'))
    result = of.run(case_file, tmp_path / "out")
    assert len(result.times) == 4
    assert result.history["bacteria_total [CFU]"][0] == pytest.approx(1000.0)
    assert len(result.marrow) == len(result.surface) == 0
    assert not (tmp_path / "out" / "marrow.xdmf").exists()


def test_sample_without_bone_has_no_surface_file(case_file, tmp_path):
    case_file.write_text(
        CASE.replace('kind = "plate"', 'kind = "marrow"').replace('thickness = "200 um"\n', "")
    )
    result = of.run(case_file, tmp_path / "out", settings=["time.end=1 day"])
    assert "TNF" in result.marrow and len(result.surface) == 0
    assert result.history["bacteria_total [CFU]"][-1] > 0


# ---------------------------------------------------------------- the command


def start(command, *arguments, cwd):
    return subprocess.Popen(
        [command, "run", *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for_rows(process, history, rows):
    """Until that many rows are in the history of a running process."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if history.exists() and len(history.read_text("utf-8").splitlines()) > rows:
            return
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"no {rows} rows came:\n{process.communicate()[0]}")


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.mpi)])
def test_interrupted_and_resumed_on_the_command_line(case_file, tmp_path, command, ranks):
    """Exit status 3, everything readable; --resume ends with the history of one uninterrupted run."""
    settings = [
        "--set",
        "time.end=6 day",
        "--set",
        'output.every="0.5 day"',
        "--set",
        "time.tolerance=1e-6",
    ]
    out = tmp_path / "out"
    if ranks == 1:
        process = start(command, str(case_file), "-o", str(out), *settings, cwd=tmp_path)
        end = signal.SIGINT
    else:  # the launcher passes a SIGTERM on
        launcher = Path(command).with_name("mpiexec")
        if not launcher.exists():
            pytest.skip("this environment has no MPI launcher")
        process = subprocess.Popen(
            [launcher, "-n", str(ranks), command, "run", str(case_file), "-o", str(out), *settings],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        end = None
    wait_for_rows(process, out / "history.csv", 2)
    if end is not None:
        process.send_signal(end)
    else:
        (worker, *_) = children(process.pid)
        os.kill(worker, signal.SIGTERM)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, printed
    assert "interrupted at day" in printed and "signal asked for it" in printed

    stopped = of.open_results(out)
    assert stopped.record["status"] == "interrupted"
    reached = stopped.record["time"]
    assert 0.5 <= reached < 6.0
    assert stopped.times[-1] == reached
    assert len(stopped.marrow["TNF"]) == len(stopped.surface["depth"]) == len(stopped.times)
    assert np.isfinite(stopped.marrow["TNF"][:]).all()

    resumed = of.run(case_file, out, settings=settings[1::2], resume=True)
    assert resumed.record["status"] == "done"
    if ranks > 1:
        return
    whole = of.run(case_file, tmp_path / "whole", settings=settings[1::2])
    times = resumed.times
    assert (np.diff(times) > 0).all()
    extra = ~np.isin(times, whole.times)
    assert list(times[extra]) in ([], [reached])
    assert len(resumed.marrow["TNF"]) == len(times)
    for column, values in whole.history.items():
        scale = max(np.abs(values).max(), 1e-300)
        rest = 1e-4 if column.endswith(".residual [1]") else 1e-10 * scale
        assert np.abs(resumed.history[column][~extra] - values).max() <= rest, column


def children(pid):
    """Processes started below `pid` that run osteofield, deepest first."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text("utf-8").rsplit(")", 1)[1].split()
            text = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        found.append((int(folder.name), int(stat[1]), text))
    below, size = {pid}, 0
    while size != len(below):
        size = len(below)
        below |= {p for p, parent, _ in found if parent in below}
    return [p for p, _, text in found if p in below and b"run" in text and b"mpiexec" not in text
            and b"proxy" not in text]  # fmt: skip


def test_resume_without_a_checkpoint_is_exit_2(case_file, tmp_path, command):
    process = start(command, str(case_file), "--resume", cwd=tmp_path)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2, printed
    assert "resume" in printed and "Traceback" not in printed
    assert not (tmp_path / "results").exists()


def test_step_floor_is_exit_3(case_file, tmp_path, command):
    settings = ['time.shortest_step="0.05 day"', 'time.first_step="0.1 day"', "time.tolerance=1e-7"]
    arguments = [a for s in settings for a in ("--set", s)]
    process = start(command, str(case_file), *arguments, cwd=tmp_path)
    printed, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 3, printed
    assert "time step fell below 0.05 day" in printed and "Traceback" not in printed
    assert list((tmp_path / "results/plate/checkpoints").glob("*.h5"))
