# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bone whose surface moves: where it is, when it has to be cut anew, and what became of its volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from ..errors import ComputationStopped
from ..geometry.cut import Cut, cut
from ..geometry.grid import Grid
from ..geometry.morphometry import Morphometry, areas, connectivity_density, non_manifold_edges, total_volume
from ..geometry.sample import Origin, Sample
from .closest import Facets
from .contour import Contour
from .levelset import LevelSet
from .topology import Topology, perforations

RECUT = 0.2  # cells of displacement
UNLIMITED = 1e9  # um: half thickness of bone that is not known to be eroded through


@dataclass(frozen=True)
class Books:
    """What became of bone since the start, from the unsnapped contour.

    Attributes:
        resorbed: Bone lost by a receding surface, um^3 (2-D: um^2).
        formed: Bone gained by an advancing surface.
        detached: Bone of pieces that came loose and were taken out, not resorbed.
        filled: Marrow of closed pockets that became bone, not formed.
        perforations: Places where loss of bone changed its topology.
        recuts: How often the surface was cut anew.
    """

    resorbed: float = 0.0
    formed: float = 0.0
    detached: float = 0.0
    filled: float = 0.0
    perforations: int = 0
    recuts: int = 0

    def plus(self, other: Books) -> Books:
        """Both together."""
        return Books(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_dict(self) -> dict[str, float]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Recut:
    """What one re-cut changed.

    Attributes:
        bone: The bone afterwards.
        lost: Bone volume that every cube of the grid lost to resorption (negative: gained), without
            detached and filled pieces; um^3 (2-D: um^2).
        detached: Bone volume of detached pieces in every cube (negative: marrow filled).
    """

    bone: Bone
    lost: np.ndarray
    detached: np.ndarray


class Bone:
    """A sample, the level set it was cut from and the books.

    Attributes:
        sample: The mesh now.
        level: The bone surface, unsnapped.
        books: Volumes since the start.
        contour: Zero level of `level`.
        checked: Displacement in cells up to which the topology was looked at since the last cut.
    """

    def __init__(self, sample: Sample, level: LevelSet, books: Books, contour: Contour | None = None):
        assert sample.origin is not None
        self.sample, self.level, self.books = sample, level, books
        self.contour = contour or Contour(level.phi, level.grid)
        self._facets: Facets | None = None
        self.checked = 0.0

    @classmethod
    def at_start(cls, sample: Sample) -> Bone:
        """The bone of a sample; from now on its sigma0 and d0 are frozen.

        Raises:
            ValueError: The sample does not know what it was cut out of.
        """
        if sample.origin is None:
            raise ValueError("a sample from a file has no level set that could move")
        level = LevelSet(sample.origin.phi, sample.origin.grid).mended()
        reference = (sample.sigma0, sample.d0)
        return cls(replace(sample, reference=reference, half_thickness=_unlimited(sample)), level, Books())

    @classmethod
    def again(cls, before: Sample, level: LevelSet, books: Books) -> Bone:
        """The bone that was cut from a level set once before (`before`: any mesh of the same sample)."""
        return cls(_sample(before, _mesh(level), level), level, books)

    @property
    def grid(self) -> Grid:
        return self.level.grid

    def due(self, depth: np.ndarray, recut: float = RECUT) -> bool:
        """Whether the surface has to be cut anew.

        That is so when it has moved by `recut` cells anywhere, or by half of that if pieces or holes
        of bone have come or gone by then.

        Args:
            depth: ``(surface vertices,)`` displacement since the last cut, um, in the order of `np.unique`
                of the facets; positive where bone is lost.
        """
        moved = float(np.abs(depth).max(initial=0.0)) / self.grid.h
        if moved >= recut:
            return True
        if moved < 0.5 * recut or moved < self.checked:
            return False
        self.checked = 1.5 * moved
        return Topology.of(self._displaced(depth).phi) != Topology.of(self.level.phi)

    def _displaced(self, depth: np.ndarray) -> LevelSet:
        s = self.sample
        if self._facets is None:
            self._facets = Facets(s.points[s.surface])
        values = np.zeros(len(s.points))
        values[np.unique(s.surface)] = depth
        return self.level.displaced(self._facets, s.surface, values)

    def recut(self, depth: np.ndarray, log: Callable[[str], None] = lambda line: None) -> Recut:
        """Move the surface and cut the grid along it.

        Args:
            depth: See `due`.
            log: Hears of pieces that came loose.

        Raises:
            ComputationStopped: The new surface is not a manifold (not seen), or no marrow is left.
        """
        moved = self._displaced(depth)
        between = Contour(moved.phi, self.grid)
        lost = self.contour.volumes - between.volumes
        mesh = _mesh(moved)
        flipped = mesh.bone_removed + mesh.marrow_removed
        level = moved.replaced(mesh.phi) if flipped else moved
        contour = Contour(level.phi, self.grid) if flipped else between
        detached = between.volumes - contour.volumes
        books = self.books.plus(
            Books(
                resorbed=float(np.maximum(lost, 0.0).sum()),
                formed=float(np.maximum(-lost, 0.0).sum()),
                detached=float(np.maximum(detached, 0.0).sum()),
                filled=float(np.maximum(-detached, 0.0).sum()),
                perforations=perforations(self.level.phi, moved.phi),
                recuts=1,
            )
        )
        if mesh.bone_removed:
            log(f"{np.maximum(detached, 0.0).sum() * 1e-9:.3g} mm^3 of bone came loose and were taken out")
        sample = _sample(self.sample, mesh, level)
        return Recut(Bone(sample, level, books, contour), lost, detached)


def _mesh(level: LevelSet) -> Cut:
    """The grid cut along a level set.

    Raises:
        ComputationStopped: The surface is not a manifold, or no marrow is left.
    """
    mesh = cut(level.phi, level.grid, islands="detached" if level.grid.dimension == 3 else "keep")
    bad = non_manifold_edges(mesh.surface)
    if bad:
        raise ComputationStopped(
            f"the new bone surface has {bad} non-manifold edges; this is a bug, please report it."
        )
    if not len(mesh.marrow):
        raise ComputationStopped("bone has filled the whole sample; there is no marrow left.")
    return mesh


def _sample(before: Sample, mesh: Cut, level: LevelSet) -> Sample:
    """A sample on a new mesh; `level` is what the mesh was cut from."""
    grid = level.grid
    numbers = Morphometry(
        bone_volume=total_volume(mesh.points, mesh.bone),
        marrow_volume=total_volume(mesh.points, mesh.marrow),
        bone_surface=float(areas(mesh.points, mesh.surface).sum()),
        bone_pieces=mesh.components[0],
        marrow_pieces=mesh.components[1],
        quality=mesh.quality,
        connectivity=connectivity_density(level.phi, grid) if grid.dimension == 3 else None,
    )
    sample = replace(
        before, points=mesh.points, marrow=mesh.marrow, bone=mesh.bone, surface=mesh.surface,
        faces=mesh.faces, morphometry=numbers, origin=Origin(grid, level.phi, mesh.keys),
    )  # fmt: skip
    return replace(sample, half_thickness=_unlimited(sample))


def _unlimited(sample: Sample) -> np.ndarray:
    out = np.full(len(sample.points), np.nan)
    out[np.unique(sample.surface)] = UNLIMITED
    return out
