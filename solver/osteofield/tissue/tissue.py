# SPDX-License-Identifier: LGPL-3.0-or-later
"""A network living on a sample: which population is where, volumes, areas, stiffness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import Sample
from ..integrator.halo import Halo, LocalMatrix
from ..integrator.system import Points, Problem
from ..kinetics import Kernels, Network
from .gather import Gather
from .marrow import marrow_mesh
from .measure import lumped

if TYPE_CHECKING:
    from mpi4py import MPI


@dataclass(frozen=True)
class WellMixed:
    """A sample without space: one cubic millimetre of marrow in contact with bone surface.

    Attributes:
        sigma0: Bone surface per marrow volume, 1/um.
        d0: Bone volume per bone surface, um.
    """

    sigma0: float
    d0: float
    dimension: int = 0
    volume: float = 1e9


@dataclass(frozen=True)
class Tissue:
    """Discrete tissue on this rank, with what is needed to collect it on rank 0.

    Attributes:
        sample: Where.
        network: What.
        problem: What the integrator takes.
        marrow_vertices: Sample point of every marrow value (whole sample).
        surface_vertices: Sample point of every surface value (whole sample).
        marrow_cells, surface_cells: Cells in those numberings (whole sample).
        volumes, areas: Lumped measure of every marrow and surface value (whole sample).
        gather_marrow, gather_surface: Collect rows in those numberings.
    """

    sample: Sample | WellMixed
    network: Network
    problem: Problem
    marrow_vertices: np.ndarray
    surface_vertices: np.ndarray
    marrow_cells: np.ndarray
    surface_cells: np.ndarray
    volumes: np.ndarray
    areas: np.ndarray
    gather_marrow: Gather
    gather_surface: Gather
    owned_marrow: np.ndarray
    owned_surface: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Populations in the order of totals and norms: marrow, then surface."""
        return tuple(p.name for p in (*self.network.marrow, *self.network.surface))


def build_tissue(
    sample: Sample | WellMixed, network: Network, kernels: Kernels, comm: MPI.Comm, *, open_faces: bool = False
) -> Tissue:
    """Collective: put a network on a sample.

    On an open outer boundary each solute k leaves with ``D dc/dn = kappa (c_far - c)``,
    ``kappa = sqrt(D d)`` with d its linear loss rate in the healthy state: the exact flux into an
    infinite healthy surrounding with that loss. c_far is the healthy value of the model.

    Args:
        sample: Geometry.
        network: Populations.
        kernels: Its compiled rates; told the sample's sigma0 and d0 here.
        comm: Communicator.
        open_faces: Whether the box faces are open instead of closed.
    """
    nd = max(network.n_diffusing, 1)
    marrow, surface = network.marrow, network.surface
    diffusivity = np.array([p.diffusivity for p in marrow[:nd]])
    populations = (*marrow, *surface)
    sigma0, d0 = sample.sigma0, sample.d0
    kernels.set_geometry(sigma0=sigma0 if sigma0 > 0 else 1.0, d0=d0)
    if isinstance(sample, WellMixed):
        root = comm.rank == 0  # one point lives on one rank
        rows = np.arange(1 if root else 0)
        on_surface = rows
        stiffness = keep = None
        local = LocalMatrix(
            np.zeros(len(rows) + 1, np.int32), np.zeros(0, np.int32), np.zeros(0), Halo(np.zeros(0, np.int64), (0, len(rows)), _alone())
        )
        marrow_vertices = surface_vertices = np.zeros(1, np.int64)
        marrow_cells = surface_cells = np.zeros((0, 1), np.int64)
        volumes, areas = np.array([sample.volume]), np.array([sample.volume * sigma0])
        half_thickness = np.array([d0])
        outer = np.zeros(1)
        position = np.zeros((len(rows), 3))
        owned = rows
    else:
        mesh = marrow_mesh(sample, comm)
        stiffness, keep = mesh.stiffness, mesh
        local = LocalMatrix.from_petsc(stiffness, comm)
        marrow_vertices, owned = mesh.vertices, mesh.owned
        place = np.full(len(sample.points), -1, np.int64)
        place[marrow_vertices] = np.arange(len(marrow_vertices))
        surface_vertices = np.unique(sample.surface)
        place_s = np.full(len(sample.points), -1, np.int64)
        place_s[surface_vertices] = np.arange(len(surface_vertices))
        n = len(sample.points)
        volumes = lumped(sample.points, sample.marrow, n)[marrow_vertices]
        areas_all = lumped(sample.points, sample.surface, n)
        areas = areas_all[surface_vertices]
        half_thickness = sample.half_thickness[surface_vertices]
        marrow_cells, surface_cells = place[sample.marrow], place_s[sample.surface]
        outer = sum(
            (lumped(sample.points, f, n)[marrow_vertices] for f in sample.faces.values() if len(f)),
            np.zeros(len(marrow_vertices)),
        )
        on_surface = np.flatnonzero(place_s[marrow_vertices[owned]] >= 0)
        position = np.zeros((len(owned), 3))
        position[:, : sample.dimension] = sample.points[marrow_vertices[owned]]
    m = np.ascontiguousarray(volumes[owned])
    if isinstance(sample, WellMixed):
        owned_surface = owned
    else:
        owned_surface = place_s[marrow_vertices[owned[on_surface]]]
    s = np.ascontiguousarray(areas[owned_surface])
    inside = np.ones(len(owned), bool)
    inside[on_surface] = False
    inside_rows = np.flatnonzero(inside).astype(np.int32)
    fields = network.fields
    g = np.zeros((len(on_surface), len(fields)))
    for k, f in enumerate(fields):
        g[:, k] = half_thickness[owned_surface] if f.name == "half_thickness" else f.initial
    open_rows = np.flatnonzero(outer[owned] > 0) if open_faces else np.zeros(0, np.int64)
    far = np.array([network.healthy[p.name] for p in marrow[:nd]])
    problem = Problem(
        comm=comm,
        diffusing=nd,
        marrow_width=len(marrow),
        surface_width=len(surface),
        stiffness=stiffness,
        local=local,
        diffusivity=diffusivity,
        volumes=m,
        inside=Points(kernels.marrow, inside_rows, np.zeros(len(inside_rows)), np.zeros((len(inside_rows), len(fields))), np.zeros(len(inside_rows))),
        surface=Points(kernels.surface, on_surface.astype(np.int32), s / (m[on_surface] * (sigma0 or 1.0)), g, s),
        position=position,
        open_rows=open_rows,
        open_area=outer[owned][open_rows],
        exchange=np.sqrt(diffusivity * _loss_rates(network, kernels, nd)),
        far=far,
        scale=np.array([p.scale for p in populations]),
        signed=np.array([p.name == network.roles.depth for p in populations]),
        explicit_time=network.explicit_time,
        keep=keep,
    )
    return Tissue(
        sample, network, problem, marrow_vertices, surface_vertices, marrow_cells, surface_cells, volumes, areas,
        Gather(comm, owned, len(marrow_vertices)), Gather(comm, owned_surface, len(surface_vertices)),
        owned, owned_surface,
    )  # fmt: skip


def _alone():
    from mpi4py import MPI

    return MPI.COMM_SELF


def _loss_rates(network: Network, kernels: Kernels, nd: int) -> np.ndarray:
    """Linear loss rate (1/day) of every diffusing population in healthy marrow, from the Jacobian."""
    kernel = kernels.marrow
    y = np.array([[network.healthy[n] for n in kernel.names]])
    J = np.zeros((1, len(kernel.jac_rows)))
    kernel.jacobian(
        0.0, np.zeros(1, np.int32), y, None, np.zeros(1), np.zeros((1, len(network.fields))), np.zeros((1, 3)), J
    )
    diagonal = np.zeros(len(kernel.names))
    on = kernel.jac_rows == kernel.jac_cols
    diagonal[kernel.jac_rows[on]] = J[0, on]
    return np.maximum(-diagonal[:nd], 0.0)
