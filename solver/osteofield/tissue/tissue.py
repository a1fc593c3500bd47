# SPDX-License-Identifier: LGPL-3.0-or-later
"""A network living on a sample: which population is where, volumes, areas, stiffness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..geometry import Piece, Sample
from ..integrator import Points, Problem
from ..kinetics import Kernels, Network
from ..team import Team
from .gather import Gather, Rows, Table
from .layout import Layout, WellMixed, lay_out
from .order import places_of_cells

if TYPE_CHECKING:
    from mpi4py import MPI

GEOMETRY_FIELD = "half_thickness"  # the surface field that geometry gives


@dataclass(frozen=True)
class Tissue:
    """Discrete tissue on this rank, with what is needed to collect it on rank 0.

    Attributes:
        sample: Where.
        network: What.
        problem: What the integrator takes.
        layout: The values of this rank and their places among those of the whole sample.
        gather_marrow, gather_surface: Collect rows in the numbering of the whole sample.
    """

    sample: Sample | Piece | WellMixed
    network: Network
    problem: Problem
    layout: Layout
    gather_marrow: Gather
    gather_surface: Gather

    @property
    def names(self) -> tuple[str, ...]:
        """Populations in the order of totals and norms: marrow, then surface."""
        return tuple(p.name for p in (*self.network.marrow, *self.network.surface))

    def mesh_tables(self) -> list[Table]:
        """Collective: points (um) and cells of marrow and bone surface, to be collected.

        Cells come in an order that is the same on any number of ranks; there are none without space.
        """
        if isinstance(self.sample, WellMixed):
            return []
        comm, where = self.problem.comm, self.layout
        rows, d = len(where.owned), where.points.shape[1]
        tables: list[Table] = []
        for domain, gather, points, values, cells in (
            ("marrow", self.gather_marrow, slice(rows), where.values, where.cells[: where.own_cells]),
            ("surface", self.gather_surface, where.on_surface, where.surface_values, where.facets),
        ):
            short = np.int32 if gather.total < 1 << 31 else np.int64
            numbers = values.astype(short)[cells].reshape(-1, d + (domain == "marrow"))
            places = places_of_cells(Team(comm), numbers)
            total = int(comm.allreduce(len(numbers)))
            tables.append(Rows(gather, where.points[points], f"{domain}.points"))
            tables.append(Rows(Gather(comm, places, total), numbers, f"{domain}.cells"))
        return tables


def geometry_of(sample: Sample | Piece | WellMixed) -> dict[str, float]:
    """sigma0 (1/um) and d0 (um) for the rates; 1 without bone, where no point uses them."""
    return {
        "sigma0": sample.sigma0 if sample.sigma0 > 0 else 1.0,
        "d0": sample.d0 if np.isfinite(sample.d0) else 1.0,
    }


def build_tissue(
    sample: Sample | Piece | WellMixed,
    network: Network,
    kernels: Kernels,
    comm: MPI.Comm,
    *,
    open_faces: bool = False,
) -> Tissue:
    """Collective: put a network on a sample.

    On a surface node i the production P (per marrow volume of the well-mixed model) enters as
    ``a_i P``, ``a_i = S_i / (m_i sigma0)`` with lumped area S and volume m, which is the flux
    P / sigma0 through the bone surface; the sum of m_i a_i is the marrow volume.

    On an open outer boundary each solute leaves with ``D dc/dn = kappa (c_far - c)``,
    ``kappa = sqrt(D d)`` with d its linear loss rate in healthy marrow: the exact flux into an
    infinite healthy surrounding with that loss. c_far is the healthy value of the model.

    Args:
        sample: Geometry: this rank's piece, or a whole sample that every rank has.
        network: Populations.
        kernels: Its compiled rates; told the sample's sigma0 and d0 here.
        comm: Communicator.
        open_faces: Whether the box faces are open instead of closed.
    """
    layout = lay_out(sample, comm)
    sigma0 = sample.sigma0 or 1.0  # no bone: no surface node uses it
    kernels.set_geometry(**geometry_of(sample))
    nd = network.n_diffusing
    marrow, surface = network.marrow, network.surface
    diffusivity = np.array([p.diffusivity for p in marrow[:nd]])
    volumes, outer = layout.volumes, layout.outer
    open_rows = np.flatnonzero(outer > 0) if open_faces else np.zeros(0, np.int64)
    problem = Problem(
        comm=comm,
        diffusing=nd,
        marrow_width=len(marrow),
        surface_width=len(surface),
        local=layout.local,
        diffusivity=diffusivity,
        volumes=volumes,
        inside=_inside(layout, kernels, len(network.fields)),
        surface=_surface(layout, kernels, network, volumes, sigma0),
        position=layout.position,
        open_rows=open_rows,
        open_area=outer[open_rows],
        exchange=np.sqrt(diffusivity * _loss_rates(network, kernels, nd)),
        far=np.array([network.healthy[p.name] for p in marrow[:nd]]),
        scale=np.array([p.scale for p in (*marrow, *surface)]),
        signed=np.array([p.signed for p in (*marrow, *surface)], dtype=bool),
        explicit_time=network.explicit_time,
    )
    return Tissue(
        sample,
        network,
        problem,
        layout,
        Gather(comm, layout.owned, layout.marrow_count),
        Gather(comm, layout.owned_surface, layout.surface_count),
    )


def _inside(layout: Layout, kernels: Kernels, fields: int) -> Points:
    away = np.ones(len(layout.owned), bool)
    away[layout.on_surface] = False
    rows = np.flatnonzero(away).astype(np.int32)
    n = len(rows)
    return Points(kernels.marrow, rows, np.zeros(n), np.zeros((n, fields)), np.zeros(n))


def _surface(
    layout: Layout, kernels: Kernels, network: Network, volumes: np.ndarray, sigma0: float
) -> Points:
    areas = layout.areas
    g = np.zeros((len(areas), len(network.fields)))
    for k, field in enumerate(network.fields):
        g[:, k] = layout.half_thickness if field.name == GEOMETRY_FIELD else field.initial
    rows = layout.on_surface.astype(np.int32)
    return Points(kernels.surface, rows, areas / (volumes[rows] * sigma0), g, areas)


def _loss_rates(network: Network, kernels: Kernels, nd: int) -> np.ndarray:
    """Linear loss rate (1/day) of every diffusing population in healthy marrow, from the Jacobian."""
    kernel = kernels.marrow
    y = np.array([[network.healthy[n] for n in kernel.names]])
    J = np.zeros((1, len(kernel.jac_rows)))
    none, g = np.zeros(1), np.zeros((1, len(network.fields)))
    kernel.jacobian(0.0, np.zeros(1, np.int32), y, None, none, g, np.zeros((1, 3)), J)
    diagonal = np.zeros(len(kernel.names))
    on = kernel.jac_rows == kernel.jac_cols
    diagonal[kernel.jac_rows[on]] = J[0, on]
    return np.maximum(-diagonal[:nd], 0.0)
