# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bone morphometry of a sample (nomenclature of Bouxsein et al. 2010, JBMR 25:1468)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..team import ALONE
from .boxes import Partition
from .grid import Grid
from .kuhn import kuhn
from .quality import Quality
from .snap import determinant


@dataclass(frozen=True)
class Morphometry:
    """Sums over the mesh, in um (2-D: areas for volumes, lengths for areas).

    Attributes:
        bone_volume: BV, um^3 (2-D: um^2).
        marrow_volume: Marrow volume.
        bone_surface: BS, um^2 (2-D: um).
        bone_pieces: Connected pieces of bone.
        marrow_pieces: Connected pieces of marrow.
        quality: Shape of the cells; None where it was not measured.
        connectivity: Conn.D, 1/um^3 (3-D); None where it was not measured.
        thickness: Tb.Th, um, mean of the local thickness; None where it was not measured.
        thickness_sd: Its standard deviation over the bone.
        separation: Tb.Sp, um.
        separation_sd: Its standard deviation over the marrow.
        anisotropy: DA; None where it was not measured.
    """

    bone_volume: float
    marrow_volume: float
    bone_surface: float
    bone_pieces: int
    marrow_pieces: int
    quality: Quality | None = None
    connectivity: float | None = None
    thickness: float | None = None
    thickness_sd: float | None = None
    separation: float | None = None
    separation_sd: float | None = None
    anisotropy: float | None = None

    @property
    def total_volume(self) -> float:
        """TV."""
        return self.bone_volume + self.marrow_volume

    @property
    def bv_tv(self) -> float:
        """BV/TV."""
        return self.bone_volume / self.total_volume

    @property
    def bs_bv(self) -> float:
        """BS/BV, 1/um; nan without bone."""
        return self.bone_surface / self.bone_volume if self.bone_volume else float("nan")

    @property
    def bs_tv(self) -> float:
        """BS/TV, 1/um."""
        return self.bone_surface / self.total_volume

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Morphometry:
        quality = data.get("quality")
        return cls(**{**data, "quality": Quality(**quality) if quality else None})


def volumes(points: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Signed volumes of tetrahedra or areas of triangles, ``(n,)``."""
    x = points[cells]
    return determinant(x[:, 1:] - x[:, :1]) / (2.0 if cells.shape[1] == 3 else 6.0)


def areas(points: np.ndarray, facets: np.ndarray) -> np.ndarray:
    """Areas of triangles or lengths of edges, ``(n,)``."""
    x = points[facets]
    if facets.shape[1] == 2:
        return np.linalg.norm(x[:, 1] - x[:, 0], axis=1)
    return 0.5 * np.linalg.norm(np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]), axis=1)


def total_volume(points: np.ndarray, cells: np.ndarray, chunk: int = 200_000) -> float:
    """Sum of volumes, in pieces that keep memory small."""
    return float(sum(volumes(points, cells[i : i + chunk]).sum() for i in range(0, len(cells), chunk)))


def anisotropy(points: np.ndarray, surface: np.ndarray, directions: int = 500) -> float:
    """DA: longest over shortest axis of the ellipsoid of mean intercept lengths; 1 is isotropic.

    A line of direction u meets the surface A |n . u| times per volume and length, summed over its
    facets, so the mean intercept lengths (Whitehouse 1974, J Microsc 101:153) are exact for the
    mesh, without random lines. The ellipsoid is fitted to 1/MIL^2 by least squares (Harrigan and
    Mann 1984, J Mater Sci 19:761).

    Args:
        points: ``(N, d)``.
        surface: ``(n, d)`` facets between bone and marrow.
        directions: How many, spread evenly over half of all.
    """
    d = surface.shape[1]
    k = np.arange(directions) + 0.5
    if d == 2:
        u = np.column_stack([np.cos(np.pi * k / directions), np.sin(np.pi * k / directions)])
    else:  # a Fibonacci spiral over half the sphere
        z, turn = k / directions, np.pi * (1 + np.sqrt(5)) * k
        u = np.column_stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z])
    met = np.zeros(directions)
    for i in range(0, len(surface), 20_000):
        x = points[surface[i : i + 20_000]]
        if d == 2:
            along = x[:, 1] - x[:, 0]
            normal = np.column_stack([along[:, 1], -along[:, 0]])
        else:
            normal = np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0])
        met += np.abs(normal @ u.T).sum(0)
    pairs = [(i, j) for i in range(d) for j in range(i, d)]
    terms = np.column_stack([u[:, i] * u[:, j] * (1 if i == j else 2) for i, j in pairs])
    found = np.linalg.lstsq(terms, (met / met.mean()) ** 2, rcond=None)[0]
    tensor = np.zeros((d, d))
    for (i, j), value in zip(pairs, found, strict=True):
        tensor[i, j] = tensor[j, i] = value
    axes = np.linalg.eigvalsh(tensor)
    if axes[0] <= 1e-12 * axes[-1]:  # lines along a plate or rod never meet it
        return float("inf")
    return float(np.sqrt(axes[-1] / axes[0]))


def non_manifold_edges(surface: np.ndarray, mine: np.ndarray | None = None) -> int:
    """Edges (2-D: points) of a surface that more than two of its facets share.

    Args:
        surface: ``(n, d)`` facets.
        mine: Whether a point belongs to this rank; counted are the edges whose smallest point does.
    """
    if not len(surface):
        return 0
    if surface.shape[1] == 2:
        often = np.flatnonzero(np.bincount(surface.ravel()) > 2)
        return len(often) if mine is None else int(mine[often].sum())
    e = np.sort(np.concatenate([surface[:, [0, 1]], surface[:, [1, 2]], surface[:, [0, 2]]]), 1)
    if mine is not None:
        e = e[mine[e[:, 0]]]
    key = np.sort(e[:, 0] * (surface.max() + 1) + e[:, 1])
    return int((key[2:] == key[:-2]).sum())


def connectivity_density(phi: np.ndarray, grid: Grid, nodes: Partition | None = None) -> float:
    """Collective: Conn.D = (1 - Euler number of bone) / TV (Odgaard and Gundersen 1993, Bone 14:173).

    Args:
        phi: Positive in bone, at this rank's nodes.
        grid: The background grid.
        nodes: Which of its nodes are whose; by default all are here.
    """
    side = np.array(grid.upper) - np.array(grid.origin)
    return (1 - euler_number(phi, nodes)) / float(np.prod(side))


def euler_number(phi: np.ndarray, nodes: Partition | None = None) -> int:
    """Collective: Euler number of bone: pieces - tunnels + cavities.

    Cut bone contracts onto the Kuhn simplices whose nodes all lie in it, so their alternating
    count is its Euler number.

    Args:
        phi: Positive in bone, at this rank's nodes.
        nodes: Which nodes are whose; by default all are here.
    """
    nodes = nodes or Partition.even(ALONE, phi.shape)
    bone = nodes.fetch(phi > 0, nodes.own.grown(0, 1, nodes.whole))
    euler = 0
    for sign, offsets in kuhn(phi.ndim).chains:
        views = starting(offsets, nodes.own.shape, bone)
        if views:
            euler += sign * int(np.logical_and.reduce(views).sum())
    return int(nodes.team.sum(euler))


def starting(offsets: np.ndarray, own: tuple[int, ...], held: np.ndarray) -> list[np.ndarray]:
    """Values at each node of the chains that start at a node of this rank and lie in the grid.

    Args:
        offsets: ``(n, d)`` of the nodes of a chain (`Kuhn.chains`).
        own: Shape of this rank's nodes.
        held: Values at them and at one more layer above.

    Returns:
        One array per node of the chain, all of one shape; nothing where there is no such chain.
    """
    reach = offsets[-1]
    size = [min(n, m - r) for n, m, r in zip(own, held.shape, reach, strict=True)]
    if min(size) <= 0:
        return []
    return [held[tuple(slice(o, o + n) for o, n in zip(offset, size, strict=True))] for offset in offsets]
