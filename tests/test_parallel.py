# SPDX-License-Identifier: LGPL-3.0-or-later
"""Launch checks and collective errors."""

from __future__ import annotations

import subprocess
import sys

import pytest

from osteofield.errors import InputError, Problem
from osteofield.parallel import agree, is_root, world

LAUNCHERS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID")


@pytest.fixture
def fresh():
    """`world` keeps its answer; ask anew."""
    world.cache_clear()
    yield
    world.cache_clear()


@pytest.mark.parametrize(
    ("variable", "others"),
    [("PMI_SIZE", {}), ("OMPI_COMM_WORLD_SIZE", {}), ("SLURM_NTASKS", {"SLURM_PROCID": "1"})],
)
def test_unconnected_copies_are_refused(monkeypatch, fresh, variable, others):
    for name in ("SLURM_NTASKS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {variable: "4", **others}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=rf"{variable} is 4 but this process is alone"):
        world()


@pytest.mark.parametrize("variables", [{}, {"PMI_SIZE": "1"}, {"SLURM_NTASKS": "8"}, {"PMI_SIZE": "many"}])
def test_one_process_may_be_alone(monkeypatch, fresh, variables):
    """Also inside a Slurm allocation of many tasks that was not started with srun."""
    for name in ("SLURM_NTASKS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
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
