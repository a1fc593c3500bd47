# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield run``: what it says, and what it does when a scheduler says that time is nearly over."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from osteofield.cli import main
from osteofield.cli.run import _hearing_the_limit

from ..conftest import PATIENCE
from ..infected import point

CASE = point(time='end = "2 day"')

# the signal comes while the sample is made (sleep) or between two steps
SIGNALLED = """
import os, signal, sys, time
import osteofield.onecase as onecase
from osteofield.cli import main
from osteofield.cli.run import _hearing_the_limit
from osteofield.simulation.interrupt import Interrupt

def send():
    os.kill(os.getpid(), signal.SIGUSR1)

when, sys.argv = sys.argv[1], ["osteofield", "run", "case.toml"]
if when == "early":
    made = onecase.case_sample
    def case_sample(*args):
        send()
        time.sleep(600)
        return made(*args)
    onecase.case_sample = case_sample
elif when == "running":
    requested = Interrupt.requested
    def heard(self, comm):
        send()
        return requested(self, comm)
    Interrupt.requested = heard
status = main()
if when == "late":
    send()
sys.exit(status)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "case.toml").write_text(CASE)
    return tmp_path


@pytest.mark.parametrize("ranks", [1, pytest.param(2, marks=pytest.mark.mpi)])
def test_time_that_is_over_before_the_first_step(folder: Path, ranks: int) -> None:
    done = signalled(folder, "early", ranks)
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("before the first step, so there is nothing to save; ask for more time") == 1
    assert "Traceback" not in done.stderr


def test_a_notice_between_two_steps_asks_for_another_turn(folder: Path) -> None:
    done = signalled(folder, "running")
    assert done.returncode == 85, done.stderr
    assert "SIGUSR1 announced the end of the job's time" in done.stderr
    assert list((folder / "results/case/checkpoints").glob("*.h5"))


def test_a_notice_after_the_end_changes_nothing(folder: Path) -> None:
    done = signalled(folder, "late")
    assert done.returncode == 0, done.stderr


def test_a_run_within_another_program_gives_its_signals_back() -> None:
    with _hearing_the_limit(lambda: True, ending=False):
        assert signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def signalled(folder: Path, when: str, ranks: int = 1) -> subprocess.CompletedProcess[str]:
    script = folder / "signalled.py"
    script.write_text(SIGNALLED)
    command = [sys.executable, str(script), when]
    if ranks > 1:
        launcher = Path(sys.executable).with_name("mpiexec")
        if not launcher.exists():
            pytest.skip("this environment has no MPI launcher")
        command = [str(launcher), "-n", str(ranks), *command]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)


def test_what_is_said_first_and_last(folder: Path) -> None:
    said = run_case(folder)
    first, *_, last = said.splitlines()
    assert first == "case"
    assert "  sample  well mixed: one point of marrow in contact with bone surface" in said
    assert re.search(r"  model   osteoimmune: \d+ populations \(9 diffuse, ", said)
    assert re.search(r"  solve   22 unknowns on 1 rank, about 0.2 GB; 2 days", said)
    assert re.search(r"  bone lost +\S+ mm\^3, \S+ %\n  deepest erosion +\S+ um\n  bacteria +\S+ CFU\n", said)
    assert last == "results in results/case; osteofield plot results/case"


def test_quiet_and_verbose(folder: Path) -> None:
    assert run_case(folder, "--quiet") == ""
    assert "bone lost" in (folder / "results/case/log.txt").read_text("utf-8")
    said = run_case(folder, "--verbose")
    assert said.count("\nstep ") > 10
    assert main(["run", str(folder / "case.toml"), "--quiet", "--verbose"]) == 2


def test_quiet_still_tells_why_a_run_stopped(folder: Path) -> None:
    settings = (
        "--set",
        "time.shortest_step=0.5 day",
        "--set",
        "time.first_step=0.5 day",
        "--set",
        "time.tolerance=1e-9",
    )
    said = run_case(folder, "--quiet", *settings, status=3)
    assert said.startswith("osteofield: stopped at day 0:")
    assert len(said.splitlines()) == 1


def run_case(folder: Path, *arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "osteofield", "run", "case.toml", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    return done.stderr
