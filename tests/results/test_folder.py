# SPDX-License-Identifier: LGPL-3.0-or-later
"""The results folder: what is moved, refused, locked, resumed; nothing of old results is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.results import ResultsFolder, ResumePoint, open_results, prepare
from osteofield.results.atomic import replace_file
from osteofield.results.checkpoint import read_checkpoint
from osteofield.simulation.writer import ArraySpec, Writer, write_arrays, write_frame

from .conftest import RECORD, UNITS, cube, frame


def run(folder: Path, times=(0.0, 1.0, 2.0), *, name="demo", key="h1", at=(1.0,), **options) -> ResultsFolder:
    """A whole small run, with checkpoints at the times `at`."""
    mesh, start, rows, needed = cube(1), -1.0, 0, True
    if options.pop("resume", False):
        results = ResumePoint(folder, name).open(key, screen=False)
        assert results.resume_from is not None
        start, rows = results.resume_from.time, results.resume_from.facts["rows"]
        needed = results.begin(UNITS, RECORD, rows)
    else:
        results = prepare(folder, name, key, screen=False, **options)
        results.begin(UNITS, RECORD)
    writer: Writer = results
    for t in times:
        if t > start:
            write_frame(writer, frame(t, mesh, new=needed))
            rows, needed = rows + 1, False
        if t in at and t > start:
            y = np.full(4, t)
            write_arrays(writer.checkpoint(t, {"rows": rows}, {"y": ArraySpec.of(y)}), {"y": y})
    writer.end({"status": "done", "steps": {"accepted": 7}})
    results.close()
    return results


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_folder_has_the_promised_files(tmp_path: Path) -> None:
    run(tmp_path / "deep" / "demo")
    assert sorted(snapshot(tmp_path / "deep" / "demo")) == [
        "case.resolved.toml", "checkpoints/checkpoint_000001.h5", "history.csv", "log.txt", "marrow.h5",
        "marrow.xdmf", "run.json", "surface.h5", "surface.xdmf",
    ]  # fmt: skip


def test_same_case_again_moves_the_old_folder_aside(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    run(folder)
    (folder / "notes.txt").write_text("mine")
    first = snapshot(folder)
    run(folder, times=[0.0], key="changed")
    second = snapshot(folder)
    assert snapshot(tmp_path / "demo.1") == first
    run(folder)
    assert snapshot(tmp_path / "demo.1") == first
    assert snapshot(tmp_path / "demo.2") == second
    assert "moved to" in (folder / "log.txt").read_text("utf-8")


def test_overwrite_replaces(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    run(folder)
    (folder / "pictures").mkdir()
    (folder / "pictures" / "depth.png").write_bytes(b"old")
    run(folder, times=[0.0], overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]
    assert not (folder / "pictures").exists()
    assert open_results(folder).times.tolist() == [0.0]


@pytest.mark.parametrize("foreign", ["notes.txt", "pictures/figure.svg", "checkpoints/a.doc", "sub/x.h5"])
def test_overwrite_refuses_to_delete_foreign_files(tmp_path: Path, foreign: str) -> None:
    folder = tmp_path / "demo"
    run(folder)
    (folder / foreign).parent.mkdir(exist_ok=True)
    (folder / foreign).write_text("mine")
    before = snapshot(folder)
    with pytest.raises(InputError, match="was not overwritten"):
        run(folder, overwrite=True)
    after = snapshot(folder)
    after.pop(".lock", None)
    assert after == before


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"resume": True}])
def test_another_case_is_refused(tmp_path: Path, options) -> None:
    folder = tmp_path / "demo"
    run(folder)
    before = snapshot(folder)
    with pytest.raises(InputError) as e:
        run(folder, name="other", **options)
    message = str(e.value)
    assert all(part in message for part in [str(folder), "'demo'", "h1", "-o", "remove"])
    assert snapshot(folder) == before


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"resume": True}])
def test_folder_of_foreign_files_is_refused(tmp_path: Path, options) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "run.json").write_text('{"mine": 1}')
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match=r"not results of osteofield \(run.json\)"):
        run(tmp_path / "photos", **options)
    assert snapshot(tmp_path) == before


def test_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    run(tmp_path / "demo")
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]


def test_what_a_killed_run_left_of_the_record_is_no_foreign_file(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    for name in (".run.json.tmp", ".lock"):
        (tmp_path / "demo" / name).write_text('{"kind"')
    run(tmp_path / "demo")
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]


def test_a_file_that_could_not_be_replaced_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(tmp_path / "a.json", "{}")
    assert list(tmp_path.iterdir()) == []


def test_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    with pytest.raises(InputError, match="this is a file"):
        run(tmp_path / "demo")
    with pytest.raises(InputError, match="cannot be written"):
        run(tmp_path / "demo" / "below")


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = prepare(folder, "demo", "h1", screen=False)
    for options in [{}, {"overwrite": True}]:
        with pytest.raises(InputError, match="another run is writing to this folder \\(process"):
            run(folder, **options)
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]
    first.close()
    run(folder)


def test_lock_of_a_killed_run_does_not_hold(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from osteofield.results import prepare\n"
        "prepare(sys.argv[1], 'demo', 'h1', screen=False); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    folder = tmp_path / "demo"
    assert subprocess.run([sys.executable, "-c", code, str(folder)]).returncode == -9
    assert (folder / ".lock").exists()
    run(folder)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo", "demo.1"]
    assert not (tmp_path / "demo.1" / ".lock").exists()


def test_resume_goes_on_from_the_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    run(folder, times=[0.0, 1.0, 2.0, 3.0], at=[1.0])  # 2 and 3 came after the last checkpoint
    resumed = run(folder, times=[0.0, 1.0, 2.0, 4.0], resume=True)
    assert resumed.resume_from is not None
    checkpoint = read_checkpoint(resumed.resume_from.path)
    np.testing.assert_array_equal(checkpoint.arrays["y"], np.full(4, 1.0))
    assert checkpoint.facts == {"rows": 2, "identity": {}}
    result = open_results(folder)
    assert result.times.tolist() == [0, 1, 2, 4]
    assert result.marrow.times.tolist() == [0, 1, 2, 4]
    for i, t in enumerate(result.times):
        np.testing.assert_array_equal(result.marrow["RANKL"][i], frame(t, cube(1)).marrow["RANKL"])
    assert [s["status"] for s in result.record["sessions"]] == ["done", "done"]
    assert "Resuming at 1 day" in (folder / "log.txt").read_text("utf-8")


def test_resume_passes_over_a_damaged_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    run(folder, at=[0.0, 1.0])
    (folder / "checkpoints" / "checkpoint_000002.h5").write_bytes(b"broken")
    resumed = run(folder, resume=True)
    assert resumed.resume_from is not None
    assert resumed.resume_from.time == 0.0
    assert "checkpoint_000002.h5 is not used: it is damaged" in (folder / "log.txt").read_text("utf-8")


def test_resume_without_a_checkpoint_is_an_input_error(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with pytest.raises(InputError, match="no such folder"):
        run(folder, resume=True)
    run(folder, at=[])
    before = snapshot(folder)
    with pytest.raises(InputError, match="no checkpoint to resume from"):
        run(folder, resume=True)
    assert snapshot(folder) == before


def test_resume_after_fields_were_lost(tmp_path: Path) -> None:
    """Deleted or damaged fields do not hold up a run whose checkpoint is intact."""
    for damage in (Path.unlink, lambda p: p.write_bytes(p.read_bytes()[:700])):
        folder = tmp_path / damage.__name__
        run(folder, times=[0.0, 1.0, 2.0])
        record = json.loads((folder / "run.json").read_text("utf-8"))
        record["mesh"] = {"marrow_nodes": 8, "surface_nodes": 4}
        (folder / "run.json").write_text(json.dumps(record))
        damage(folder / "marrow.h5")
        run(folder, times=[2.0, 3.0], resume=True)
        result = open_results(folder)
        assert result.times.tolist() == result.surface.times.tolist() == [0, 1, 2, 3]
        assert result.marrow.times.tolist() == [2, 3]
        np.testing.assert_array_equal(result.marrow["RANKL"][-1], frame(3.0, cube(1)).marrow["RANKL"])
        assert "fields written so far cannot be continued" in (folder / "log.txt").read_text("utf-8")


def test_record_tells_what_ran_and_how_it_ended(tmp_path: Path) -> None:
    run(tmp_path / "demo")
    record = json.loads((tmp_path / "demo" / "run.json").read_text("utf-8"))
    assert record["kind"] == "osteofield results"
    assert record["case"] == {"name": "demo", "hash": "h1", "file": "demo.toml"}
    assert record["status"] == "done"
    assert record["steps"] == {"accepted": 7}
    assert record["units"] == UNITS
    assert record["versions"] == RECORD["versions"]
    assert record["ranks"] == 2
    assert "resolved" not in record
    assert (tmp_path / "demo" / "case.resolved.toml").read_text("utf-8") == RECORD["resolved"]


def test_record_takes_numpy_values(tmp_path: Path) -> None:
    with prepare(tmp_path / "demo", "demo", "h1", screen=False) as results:
        facts = {"mesh": {"n": np.int64(3), "box": np.eye(2)}, "file": Path("a.toml")}
        results.begin(UNITS, facts)
        results.end({"status": "stopped", "reason": "why", "timings": {"solve": np.float64(0.5)}})
    record = json.loads((tmp_path / "demo" / "run.json").read_text("utf-8"))
    assert record["mesh"] == {"n": 3, "box": [[1, 0], [0, 1]]}
    assert (record["status"], record["reason"]) == ("stopped", "why")


def test_failure_inside_the_run_is_recorded(tmp_path: Path) -> None:
    def fail() -> None:
        with prepare(tmp_path / "demo", "demo", "h1", screen=False) as results:
            results.begin(UNITS, RECORD)
            raise RuntimeError("the step became too short")

    with pytest.raises(RuntimeError):
        fail()
    record = json.loads((tmp_path / "demo" / "run.json").read_text("utf-8"))
    assert (record["status"], record["reason"]) == ("stopped", "the step became too short")


def test_well_mixed_run_has_no_fields(tmp_path: Path) -> None:
    with prepare(tmp_path / "demo", "demo", "h1", screen=False) as results:
        results.begin(UNITS, RECORD)
        write_frame(results, frame(0.0, cube(1)))
        results.end({})
    assert not list((tmp_path / "demo").glob("*.xdmf"))
    assert open_results(tmp_path / "demo").history["time [day]"].tolist() == [0.0]


def test_no_mpi_and_no_dolfinx_is_imported() -> None:
    code = (
        "import sys, osteofield.results; print(sorted({'mpi4py', 'dolfinx', 'petsc4py'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
