# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is integrated: a case on a mesh in memory, the same for osteofield and for every peer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from osteofield.case import Case
from osteofield.geometry import Sample
from osteofield.kinetics import Kernels, Network
from osteofield.parallel import load_fem
from osteofield.tissue import Tissue, build_tissue

from .error import Solution
from .semidiscrete import Semidiscrete


@dataclass(frozen=True)
class Start:
    """State at day 0 in the numbering of the sample, and the fields that belong to it.

    Attributes:
        marrow: (marrow values, marrow populations).
        surface: (surface values, surface populations).
        fields: (surface values, fields) coefficients that vary over the surface; None where there are none.
    """

    marrow: np.ndarray
    surface: np.ndarray
    fields: np.ndarray | None = None


@dataclass(frozen=True)
class Workload:
    """A case on its sample.

    Attributes:
        title: For people.
        case: Its output times are those at which errors are measured; `osteofield` runs it as it is.
        network: Its model.
        sample: The mesh.
        begin: Makes the state at day 0: ``begin(workload, tissue)``.
        floor: See `benchmarks.error.relative_errors`.
        exactness: Tolerance of its reference, of every population's scale, and relative.
    """

    title: str
    case: Case
    network: Network
    sample: Sample
    begin: Callable[[Workload, Tissue], Start]
    floor: float = 0.0
    exactness: float = 1e-8

    @property
    def times(self) -> tuple[float, ...]:
        """Output times, day."""
        return tuple(t for t in self.case.output.times if t > 0)

    def tissue(self) -> Tissue:
        """The mesh with assembled stiffness, and compiled rates; this process has all of it."""
        load_fem()
        from mpi4py import MPI

        return build_tissue(self.sample, self.network, Kernels(self.network), MPI.COMM_SELF)

    def start(self, tissue: Tissue) -> Start:
        """The state at day 0."""
        return self.begin(self, tissue)


def measures(tissue: Tissue) -> tuple[np.ndarray, np.ndarray]:
    """Lumped volumes and areas in the numbering of the sample, on one rank."""
    layout = tissue.layout
    volumes, areas = np.empty(layout.marrow_count), np.empty(layout.surface_count)
    volumes[layout.owned], areas[layout.owned_surface] = layout.volumes, layout.areas
    return volumes, areas


def place(start: Start, tissue: Tissue, system: Semidiscrete) -> np.ndarray:
    """The state at day 0 as one vector; sets the fields of the problem."""
    surface = tissue.layout.owned_surface
    y = np.zeros(system.size)
    system.marrow(y)[:] = start.marrow[tissue.layout.owned]
    system.surface(y)[:] = start.surface[surface]
    if start.fields is not None:
        system.problem.surface.g[:] = start.fields[surface]
    return y


def collect(states: list[np.ndarray], tissue: Tissue, system: Semidiscrete) -> Solution:
    """States at the output times in the numbering of the sample."""
    problem = system.problem
    marrow = np.zeros((len(states), system.rows, problem.marrow_width))
    surface = np.zeros((len(states), system.points, problem.surface_width))
    for k, y in enumerate(states):
        marrow[k, tissue.layout.owned] = system.marrow(y)
        surface[k, tissue.layout.owned_surface] = system.surface(y)
    return Solution(marrow, surface)
