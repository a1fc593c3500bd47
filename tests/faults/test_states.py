# SPDX-License-Identifier: LGPL-3.0-or-later
"""States that cannot go on, ranks that fail alone, and folders that two runs want."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time

import pytest

import osteofield as of
from osteofield.results import prepare
from osteofield.simulation import Simulation

from .conftest import can_resume, must_open, same_files
from .driver import at_step, plant_nan


def test_a_value_that_is_no_number(here, tmp_path, reference, monkeypatch):
    """The run stops, says where, and does not keep the broken state; from the one before it goes on."""
    folder = tmp_path / "out"
    with monkeypatch.context() as m:
        m.setattr(Simulation, "_step", Simulation._step)  # to be put back
        at_step(15, plant_nan)
        ended = here(folder)
    assert ended.status == 3, ended.said
    assert "the time step fell below" in ended.said
    assert "The state itself is damaged: not a number: " in ended.said
    assert "is not kept (not a number: " in ended.said
    assert "Traceback" not in ended.said
    must_open(folder, reference)
    assert can_resume(folder)
    ended = here(folder, "--resume")
    assert ended.status == 0, ended.said
    same_files(folder, reference)


@pytest.mark.mpi
def test_a_value_that_is_no_number_on_the_other_rank(start, tmp_path):
    ended = start(tmp_path / "out", {"nan": 15, "rank": 1}, ranks=2)
    assert ended.status == 3, ended.said
    assert "The state itself is damaged: not a number: " in ended.said
    assert "Traceback" not in ended.said


def test_a_step_that_cannot_converge(here, tmp_path):
    """Exit status 3 and a checkpoint; with shorter steps allowed the run goes on from it."""
    folder = tmp_path / "out"
    first = ("--set", "time.first_step=0.02 day", "--set", "time.tolerance=1e-6")
    ended = here(folder, *first, "--set", "time.shortest_step=0.01 day")
    assert ended.status == 3, ended.said
    assert "the time step fell below 0.01 day (last reason: error" in ended.said
    assert of.open_results(folder).record["status"] == "stopped"
    assert can_resume(folder)
    shorter = ("--set", "time.shortest_step=1e-9 day", "--set", "time.end=0.3 day")
    ended = here(folder, *first, *shorter, "--resume")
    assert ended.status == 0, ended.said


@pytest.mark.mpi
def test_a_rank_that_fails_alone_ends_the_others(start, here, tmp_path):
    """What nobody has thought of, on the rank that does not write: all end at once."""
    folder = tmp_path / "out"
    ended = start(folder, {"raise": 10, "rank": 1}, ranks=2)
    assert ended.status == 3, ended
    assert "this rank has no memory left" in ended.said
    assert can_resume(folder)
    assert here(folder, "--resume").status == 0


def test_two_runs_in_one_folder(start, tmp_path, file):
    """The second is told who is there, before it has computed anything; the first does not notice."""
    folder = tmp_path / "out"
    outcome: list[int | None] = []
    first = threading.Thread(
        target=lambda: outcome.append(start(folder, {}, "--set", "checkpoint.keep=3").status)
    )
    first.start()
    while not (folder / "checkpoints").exists():
        assert first.is_alive(), outcome
        time.sleep(0.01)
    with pytest.raises(of.InputError, match=r"another run is writing to this folder \(process \d+ on "):
        of.run(file, folder)
    with pytest.raises(of.InputError, match=r"another run is writing to this folder"):
        of.run(file, folder, resume=True)
    first.join()
    assert outcome == [0]
    of.run(file, folder, settings=["time.end=0.05 day"])
    assert (tmp_path / "out.1").exists()


# ---------------------------------------------------------------- where the file system has no locks


@pytest.fixture
def no_locks(monkeypatch):
    def refuse(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize(
    ("holder", "refused"),
    [
        ("", None),
        ("process 999999999 on {here}", None),  # killed
        ("process 1 on {here}", "another run is writing to this folder"),
        ("process 5 on elsewhere", r"cannot be known from here.*If it is over, remove .*\.lock"),
    ],
)
def test_the_holder_counts_without_locks(tmp_path, no_locks, holder, refused):
    folder = tmp_path / "out"
    prepare(folder, "demo", "h", screen=False).close()
    (folder / ".lock").write_text(holder.format(here=socket.gethostname()))
    if refused is None:
        prepare(folder, "demo", "h", screen=False).close()
        return
    with pytest.raises(of.InputError, match=refused):
        prepare(folder, "demo", "h", screen=False)
    assert sorted(os.listdir(tmp_path)) == ["out"]
    (folder / ".lock").unlink()
    prepare(folder, "demo", "h", screen=False).close()
