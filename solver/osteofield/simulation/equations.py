# SPDX-License-Identifier: LGPL-3.0-or-later
"""The equations of a case: its populations on the sample as it is now, and what drives them from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..case.types import Case
from ..geometry import Piece, Sample
from ..integrator import METHODS, Integrator, StepControl, System
from ..kinetics import Kernels, Network
from ..parallel import agree
from ..tissue import Tissue, WellMixed, build_tissue, geometry_of
from .faces import Faces
from .schedule import Schedule

if TYPE_CHECKING:
    from mpi4py import MPI


class Equations:
    """Collective: populations, faces, doses and the system to be integrated.

    On a new sample they are those of health; `use_case_parameters` makes them the case's own.

    Args:
        case: Method, tolerances, faces and therapies.
        network: Its model with the case's parameters.
        healthy: The same model with its own (healthy) parameters.
        comm: Communicator.

    Attributes:
        tissue, system, faces, schedule: As of the last sample.
        kernels: Compiled rates with the case's parameters.
    """

    tissue: Tissue
    system: System
    faces: Faces
    schedule: Schedule

    def __init__(self, case: Case, network: Network, healthy: Network, comm: MPI.Comm):
        self._case, self._network, self._healthy, self._comm = case, network, healthy, comm
        self.kernels = _compile_once(network, comm)
        self._healthy_kernels = _compile_once(healthy, comm)

    def settle(self, sample: Sample | Piece | WellMixed) -> None:
        """Collective: populations and their equations on a sample."""
        self.tissue = build_tissue(
            sample, self._healthy, self._healthy_kernels, self._comm, open_faces=self._case.outer == "open"
        )
        self.faces = Faces(self._case, self.tissue)
        self.schedule = Schedule.of(self._case, self._network, self.faces.jumps)
        self.tissue.problem.explicit_time |= self.schedule.varies
        self.system = System(self.tissue.problem)
        self.tissue.problem.local.let_go()  # the system has them in a form of its own

    def use_case_parameters(self) -> None:
        """From now on the case's own parameters (disease) instead of the healthy ones."""
        problem = self.system.problem
        self.kernels.set_geometry(**geometry_of(self.tissue.sample))
        problem.inside.kernel, problem.surface.kernel = self.kernels.marrow, self.kernels.surface
        self.system.set_diffusivity(
            np.array([p.diffusivity for p in self._network.marrow[: problem.diffusing]])
        )

    def set_levels(self, t: float, changed: Mapping[str, float]) -> None:
        """Let faces flow and inputs be as they are from a time on, until the next event.

        Args:
            t: Time, day.
            changed: Levels that events of the model have set, internal units.
        """
        self.faces.flow(self.system, t)
        if self.schedule.varies:
            self.kernels.follow(lambda at: self.schedule.course(at, changed))
        else:
            self.kernels.set_inputs(self.schedule.levels(t, changed))

    def integrator(self, t: float, y: np.ndarray) -> Integrator:
        """A new integrator at a state, as ``[time]`` asks for it."""
        time = self._case.time
        control = StepControl(time.first_step, time.shortest_step, time.longest_step or np.inf)
        method = time.method
        if method == "auto":
            method = "rodas" if isinstance(self.tissue.sample, WellMixed) else "bdf"
        return METHODS[method](self.system, t, y, control, time.tolerance, time.linear_tolerance)


def _compile_once(network: Network, comm: MPI.Comm) -> Kernels:
    """Collective: rank 0 compiles into the cache, the others load what it left there."""
    error: BaseException | None = None
    kernels = None
    if comm.rank == 0:
        try:
            kernels = Kernels(network)
        except Exception as e:
            error = e
    agree(comm, error)
    return kernels if kernels is not None else Kernels(network)
