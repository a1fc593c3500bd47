# SPDX-License-Identifier: LGPL-3.0-or-later
"""The one place where DOLFINx, PETSc and MPI enter: import order, communicator, launch check."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import termios
import time
import warnings
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn, TextIO

from .errors import InputError, Problem

if TYPE_CHECKING:
    from mpi4py import MPI


@lru_cache(1)
def load_mpi() -> None:
    """Import MPI: all that a run needs of the finite-element stack, without the seconds DOLFINx takes.

    The PyPI wheel of DOLFINx must be loaded through `dolfinx_solver` before mpi4py and petsc4py;
    conda-forge's and Debian's builds have no such module.

    Raises:
        InputError: It is not installed.
    """
    with _installed(), warnings.catch_warnings():  # mpi4py's, where `world` says more, and once
        warnings.filterwarnings("ignore", r"\s*suspicious MPI execution environment", RuntimeWarning)
        if find_spec("dolfinx_solver") is not None:
            import dolfinx_solver  # noqa: F401
        from mpi4py import MPI  # noqa: F401


@lru_cache(1)
def load_fem() -> None:
    """Import DOLFINx and PETSc in the right order; call before any dolfinx import.

    Raises:
        InputError: DOLFINx is not installed.
    """
    load_mpi()
    with _installed():
        import dolfinx  # noqa: F401
        import petsc4py

        petsc4py.init([])  # the command line is ours


@contextmanager
def _installed() -> Iterator[None]:
    """Say how to install what cannot be imported."""
    try:
        yield
    except ModuleNotFoundError as e:
        raise InputError(
            Problem(
                f"DOLFINx is not installed (no module named {e.name!r}). Install it with "
                "'pip install osteofield[fem]' on Linux x86-64, or with conda: 'environment.yml'."
            )
        ) from None


def stack_versions() -> dict[str, str]:
    """Versions of the finite-element stack that MPI belongs to, without loading all of it."""
    versions = {}
    with suppress(ImportError):
        import petsc4py

        versions["PETSc"] = petsc4py.__version__
    wheel = sys.modules.get("dolfinx_solver")
    with suppress(metadata.PackageNotFoundError):
        versions["dolfinx"] = wheel.DOLFINX_VERSION if wheel else metadata.version("fenics-dolfinx")
    return versions


@lru_cache(1)
def world() -> MPI.Comm:
    """The communicator of the run.

    Raises:
        InputError: The job was launched as several unconnected one-rank copies.
    """
    load_mpi()
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    fault = _launched_wrongly() if comm.size == 1 else None
    if fault:
        raise InputError(Problem(fault))
    return comm


def _launched_wrongly() -> str | None:
    """Why a process whose communicator holds only itself should not be alone; None if it may be.

    What an MPI launcher says counts more than what Slurm says about the job around it.
    """
    mine = (
        "Use the environment's own 'mpiexec', or let Slurm start the ranks: 'srun --mpi=pmi2 osteofield ...'"
    )
    for variables in (("PMI_SIZE", "OMPI_COMM_WORLD_SIZE"), ("SLURM_STEP_NUM_TASKS",)):
        told = {v: os.environ[v] for v in variables if os.environ.get(v, "").isdigit()}
        for variable, number in told.items():
            if int(number) > 1:
                return (
                    f"{variable} is {number} but this process is alone (1 MPI rank): the launcher belongs to "
                    f"another MPI than osteofield's, and {number} copies would each compute the whole case. "
                    f"{mine} (with Open MPI: --mpi=pmix)."
                )
        if told:
            return None
    tasks = os.environ.get("SLURM_NTASKS", "")
    if tasks.isdigit() and int(tasks) > 1 and "SLURM_PROCID" in os.environ:  # set in a batch script
        return (
            f"this job has {tasks} tasks (SLURM_NTASKS), but osteofield was started without a launcher and "
            f"would use one of them. {mine}, or 'srun -n 1 osteofield ...' where one is meant."
        )
    return None


def is_root() -> bool:
    """Whether this process may print, without importing MPI: read from the launcher's variables."""
    for variable in ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"):
        if variable in os.environ:
            return os.environ[variable] == "0"
    return True


def end_all_ranks(status: int) -> NoReturn:
    """End this process, and at once all others of the run, wherever they are; never returns."""
    end_other_ranks(status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def end_other_ranks(status: int, last_words: Callable[[], object] | None = None) -> None:
    """Where this is one of several ranks, say `last_words` and end them all; else do nothing."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None or not mpi.Is_initialized() or mpi.Is_finalized() or mpi.COMM_WORLD.size == 1:
        return
    if last_words is not None:
        last_words()
    for stream in sys.stdout, sys.stderr:
        stream.flush()
        _wait_until_read(stream)
    mpi.COMM_WORLD.Abort(status)


def _wait_until_read(stream: TextIO, limit: float = 10.0) -> None:
    """Wait at most `limit` seconds until a pipe is empty.

    Hydra, busy for a moment, may hear of the abort before it reads what was printed, and then drops it.
    """
    waiting = array("i", [0])
    end = time.monotonic() + limit
    with suppress(OSError, ValueError):
        pipe = stream.fileno()
        while stat.S_ISFIFO(os.fstat(pipe).st_mode) and time.monotonic() < end:
            fcntl.ioctl(pipe, termios.FIONREAD, waiting)
            if not waiting[0]:
                break
            time.sleep(0.005)


def agree(comm: MPI.Comm, error: BaseException | None) -> None:
    """Collective: raise on every rank the error of the first rank that has one."""
    for other in comm.allgather(error):
        if other is not None:
            raise error if error is not None else other
