# SPDX-License-Identifier: LGPL-3.0-or-later
"""Launch checks and collective errors."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from osteofield.errors import InputError, Problem
from osteofield.parallel import agree, is_root, world

from .conftest import RunMpi

LAUNCHERS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID")


# rank 0 stops what reads its output for a moment, then speaks and ends the run
BUSY = """
import os, signal, subprocess, sys, time
from mpi4py import MPI
from osteofield.parallel import end_all_ranks

if MPI.COMM_WORLD.rank == 0:
    reader = os.getppid()
    os.kill(reader, signal.SIGSTOP)
    subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -CONT {reader}"], stdout=subprocess.DEVNULL)
    print("the last words")
    end_all_ranks(3)
time.sleep(30)
"""


@pytest.fixture
def fresh():
    """`world` keeps its answer; ask anew."""
    world.cache_clear()
    yield
    world.cache_clear()


@pytest.fixture
def launched(monkeypatch, fresh):
    """``launched({variable: value})``: as if a launcher had set these, and only these."""
    for name in list(os.environ):
        if name.startswith(("SLURM_", "PMI_", "OMPI_")):
            monkeypatch.delenv(name)

    def set_all(variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"PMI_SIZE": "4"}, "PMI_SIZE is 4 but this process is alone"),
        (
            {"PMI_SIZE": "1", "OMPI_COMM_WORLD_SIZE": "4"},
            "OMPI_COMM_WORLD_SIZE is 4 but this process is alone",
        ),
        (
            {"SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "4", "SLURM_PROCID": "1"},
            "SLURM_STEP_NUM_TASKS is 4 but this process is alone.*'srun --mpi=pmi2 osteofield",
        ),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, r"4 tasks \(SLURM_NTASKS\).*without a launcher"),
    ],
)
def test_unconnected_copies_are_refused(launched, variables, said):
    launched(variables)
    with pytest.raises(InputError, match=said):
        world()


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"PMI_SIZE": "1"},
        {"PMI_SIZE": "many"},
        {"SLURM_NTASKS": "8"},  # a shell inside an allocation
        {"SLURM_NTASKS": "8", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"},  # srun -n 1
        {"SLURM_NTASKS": "8", "SLURM_PROCID": "0", "PMI_SIZE": "1"},  # mpiexec -n 1 in a batch script
    ],
)
def test_one_process_may_be_alone(launched, variables):
    launched(variables)
    assert world().size == 1


@pytest.mark.parametrize("variable", LAUNCHERS)
def test_root_is_told_by_the_launcher(monkeypatch, variable):
    for name in LAUNCHERS:
        monkeypatch.delenv(name, raising=False)
    assert is_root()
    monkeypatch.setenv(variable, "0")
    assert is_root()
    monkeypatch.setenv(variable, "2")
    assert not is_root()


def test_importing_osteofield_starts_no_mpi():
    code = "import sys, osteofield, osteofield.case, osteofield.parallel; print('mpi4py' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_agree_on_one_rank():
    agree(world(), None)
    with pytest.raises(ValueError, match="mine"):
        agree(world(), ValueError("mine"))


AGREE = """
import traceback
from osteofield.errors import InputError, Problem
from osteofield.parallel import agree, is_root, world
comm = world()

def check():
    agree(comm, None)
    try:
        agree(comm, InputError(Problem("bad", key="a.b")) if comm.rank == 1 else None)
    except InputError as e:
        assert str(e) == "a.b: bad" and e.problems[0].key == "a.b", (comm.rank, str(e))
    else:
        raise AssertionError(f"no error on rank {comm.rank}")
    own = ValueError(f"rank {comm.rank}")
    try:
        agree(comm, own)
    except ValueError as e:
        assert e is own
    assert is_root() == (comm.rank == 0)
    print("agreed")

try:
    check()
except BaseException:  # the other rank would wait
    traceback.print_exc()
    comm.Abort(1)
"""


@pytest.mark.mpi
def test_all_ranks_hear_of_an_error(run_mpi):
    assert run_mpi(2, AGREE).count("agreed") == 2


def test_errors_travel():
    import pickle

    error = InputError([Problem("bad", "case.toml", 3, "a.b"), Problem("worse")])
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == "case.toml:3: a.b: bad\nworse"
    assert copy.problems == error.problems


@pytest.mark.mpi
def test_what_was_said_last_arrives_though_the_launcher_is_busy(run_mpi: RunMpi) -> None:
    for _ in range(4):  # without waiting one in four is lost
        assert run_mpi(2, BUSY, status=3) == "the last words\n"
