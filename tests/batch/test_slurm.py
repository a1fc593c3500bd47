# SPDX-License-Identifier: LGPL-3.0-or-later
"""Jobs of ``osteofield submit`` on a real Slurm: time limit, requeue, resume, arrays, wrong launches."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import osteofield as of

from ..conftest import PATIENCE
from ..infected import ball, point

pytestmark = [pytest.mark.slurm, pytest.mark.mpi, pytest.mark.slow]

BALL = ball('[initial]\nstate = "model"', time='end = "5 day"')

POINT = point(time='end = "2 day"')

# osteofield, but slow in the first life of a job: the limit comes long before the end, on any machine
PACED = """\
#!{python}
import os, sys, time
from osteofield.cli import main
from osteofield.simulation.interrupt import Interrupt

requested = Interrupt.requested

def paced(self, comm):
    time.sleep(4.0)
    return requested(self, comm)

if os.environ.get("SLURM_RESTART_COUNT", "0") == "0":
    Interrupt.requested = paced
sys.exit(main())
"""

PROFILE = """\
[environment]
venv = "{environment}"
commands = ["export PATH={folder}/bin:$PATH"{more}]
"""

LOADS = ("1", "10", "100", "1000")


@dataclass(frozen=True)
class Jobs:
    """What was sent, all at once, and the folder it was sent from."""

    folder: Path
    limit: str
    cancelled: str
    killed: str
    array: str
    without_mpi: subprocess.Popen[str]


@pytest.fixture(scope="module")
def jobs(slurm, command: str, tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    folder = tmp_path_factory.mktemp("jobs")
    environment = Path(sys.executable).parents[1]
    if not (environment / "bin" / "activate").exists():
        pytest.skip("the tests do not run in a virtual environment")
    (folder / "ball.toml").write_text(BALL)
    (folder / "term.toml").write_text(BALL)
    (folder / "kill.toml").write_text(BALL)
    (folder / "point.toml").write_text(POINT)
    (folder / "bin").mkdir()
    wrapper = folder / "bin" / "osteofield"
    wrapper.write_text(PACED.format(python=sys.executable))
    wrapper.chmod(0o755)
    check = ', "osteofield check term.toml"'  # one process where the job has two tasks
    for name, more in (("paced", ""), ("checking", check)):
        text = PROFILE.format(environment=environment, folder=folder, more=more)
        (folder / f"{name}.toml").write_text(text)

    def submit(*arguments: str) -> str:
        done = subprocess.run(
            [command, "submit", *arguments, "--now"],
            cwd=folder,
            env=slurm.env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("sent as job ")[2].partition(";")[0]

    # the shortest limit that Slurm knows is a minute, and it looks every 30 s; hence the long notice.
    # On a machine that is busy with other things the run needs longer to come to its first step.
    busy = os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)
    limit_s, notice = ("3", "100") if busy else ("1", "59")
    limit = submit(
        "ball.toml", "--ranks", "2", "--time", limit_s, "--notice", notice, "--profile", "paced.toml"
    )
    cancelled = submit("term.toml", "--ranks", "2", "--time", "9", "--profile", "checking.toml")
    killed = submit("kill.toml", "--ranks", "2", "--time", "9", "--profile", "paced.toml")
    loads = ",".join(f"{x} CFU/mm^3" for x in LOADS)
    array = submit("point.toml", "--time", "5", "--array", f"focus.0.load={loads}", "--set", "time.end=3 day")
    alone = subprocess.Popen(
        ["srun", "--mpi=none", "-n", "2", command, "run", "point.toml", "-o", "alone"],
        cwd=folder, env=slurm.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    return Jobs(folder, limit, cancelled, killed, array, alone)


def over(slurm, number: str) -> Callable[[], bool]:
    return lambda: (
        slurm.job(number)["JobState"] in ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL")
    )


def log_of(jobs: Jobs, case: str, number: str) -> str:
    return (jobs.folder / f"{case}-{number}.log").read_text("utf-8")


def test_unconnected_copies_are_refused(jobs):
    """``srun`` without the MPI that osteofield was built with."""
    said, _ = jobs.without_mpi.communicate(timeout=PATIENCE)
    assert "SLURM_STEP_NUM_TASKS is 2 but this process is alone" in said
    assert said.count("osteofield: 1 problem; nothing was started.") == 1
    assert jobs.without_mpi.returncode == 2
    assert not (jobs.folder / "alone").exists()


def test_every_task_of_an_array_runs_its_variant(slurm, jobs):
    slurm.wait(
        "the end of the array", lambda: f"{jobs.array}_" not in slurm("squeue", "-h", "-o", "%i"), PATIENCE
    )
    begun = []
    for n, load in enumerate(LOADS):
        log = (jobs.folder / f"point-{jobs.array}_{n}.log").read_text("utf-8")
        folder = jobs.folder / "results" / "point-array" / f"focus.0.load={load}CFU_per_mm_3"
        result = of.open_results(folder)
        assert result.record["status"] == "done", log
        assert result.times[-1] == 3.0
        begun.append(result.history["bacteria_total [CFU]"][0])
    assert np.array(begun) / begun[0] == pytest.approx([float(x) for x in LOADS])


def test_a_terminated_job_leaves_a_checkpoint_and_is_not_queued_again(slurm, jobs):
    history = jobs.folder / "results" / "term" / "history.csv"
    slurm.wait("the first row of the history", history.exists, PATIENCE)
    slurm("scancel", "--signal=TERM", jobs.cancelled)
    slurm.wait("the end of the job", over(slurm, jobs.cancelled), PATIENCE)
    job = slurm.job(jobs.cancelled)
    log = log_of(jobs, "term", jobs.cancelled)
    assert (job["JobState"], job["ExitCode"], job["Restarts"]) == ("FAILED", "3:0", "0"), log
    assert "time          5 days" in log  # what 'check' said
    assert "a SIGTERM signal asked for it" in log
    assert list((jobs.folder / "results" / "term" / "checkpoints").glob("*.h5"))


def test_a_killed_job_can_be_queued_again(slurm, jobs):
    """What the ranks left behind in shared memory must not be in the way of the next ones."""
    history = jobs.folder / "results" / "kill" / "history.csv"
    slurm.wait("the first row of the history", history.exists, PATIENCE)
    slurm("scancel", "--signal=KILL", f"{jobs.killed}.0")
    slurm.wait("the end of the job", over(slurm, jobs.killed), PATIENCE)
    assert slurm.job(jobs.killed)["ExitCode"] == "137:0"
    slurm("scontrol", "requeue", jobs.killed)
    slurm.wait("its second end", over(slurm, jobs.killed), PATIENCE)
    job = slurm.job(jobs.killed)
    assert (job["JobState"], job["Restarts"]) == ("COMPLETED", "1"), log_of(jobs, "kill", jobs.killed)
    assert of.open_results(jobs.folder / "results" / "kill").record["status"] == "done"


def test_time_limit_requeue_resume_completion(slurm, jobs, command):
    slurm.wait("the end of the job", over(slurm, jobs.limit), 2 * PATIENCE)
    job = slurm.job(jobs.limit)
    log = log_of(jobs, "ball", jobs.limit)
    assert job["JobState"] == "COMPLETED", log
    assert int(job["Restarts"]) >= 1, log + slurm.logs()
    assert "SIGUSR1 announced the end of the job's time" in log
    assert "Resuming at" in log
    result = of.open_results(jobs.folder / "results" / "ball")
    assert result.record["status"] == "done"
    assert result.record["ranks"] == 2
    assert result.times[-1] == 5.0
    assert set(range(6)) <= set(np.round(result.times, 9))
    assert np.all(np.diff(result.times) > 0)
