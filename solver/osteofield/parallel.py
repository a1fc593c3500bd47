# SPDX-License-Identifier: LGPL-3.0-or-later
"""The one place where DOLFINx, PETSc and MPI enter: import order, communicator, launch check."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from .errors import InputError, Problem

if TYPE_CHECKING:
    from mpi4py import MPI


@lru_cache(1)
def load_fem() -> None:
    """Import the finite-element stack in the right order; call before any dolfinx import.

    The PyPI wheel of DOLFINx must be loaded through `dolfinx_solver` before mpi4py and petsc4py;
    conda-forge's and Debian's builds have no such module.

    Raises:
        InputError: DOLFINx is not installed.
    """
    try:
        import dolfinx_solver  # noqa: F401
    except ModuleNotFoundError as e:
        if e.name != "dolfinx_solver":
            raise
    try:
        import dolfinx  # noqa: F401
        import petsc4py

        petsc4py.init([])  # the command line is ours
    except ModuleNotFoundError as e:
        raise InputError(
            Problem(
                f"DOLFINx is not installed (no module named {e.name!r}). Install it with "
                "'pip install osteofield[fem]' on Linux x86-64, or with conda: 'environment.yml'."
            )
        ) from None


@lru_cache(1)
def world() -> MPI.Comm:
    """The communicator of the run.

    Raises:
        InputError: The job was launched as several unconnected one-rank copies.
    """
    load_fem()
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    for variable in ("SLURM_NTASKS", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"):
        wanted = os.environ.get(variable, "1")
        stepless = variable == "SLURM_NTASKS" and "SLURM_PROCID" not in os.environ
        if wanted.isdigit() and int(wanted) > 1 and comm.size == 1 and not stepless:
            raise InputError(
                Problem(
                    f"{variable} is {wanted} but this process is alone (1 MPI rank): the launcher belongs "
                    "to another MPI than osteofield's. Use the environment's own 'mpiexec', or "
                    "'srun --mpi=pmi2'."
                )
            )
    return comm


def is_root() -> bool:
    """Whether this process may print, without importing MPI: read from the launcher's variables."""
    for variable in ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"):
        if variable in os.environ:
            return os.environ[variable] == "0"
    return True


def agree(comm: MPI.Comm, error: BaseException | None) -> None:
    """Collective: raise on every rank the error of the first rank that has one."""
    for other in comm.allgather(error):
        if other is not None:
            raise error if error is not None else other
