# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bone whose surface moves: where it is, when it has to be cut anew, and what became of its volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property

import numpy as np

from ..errors import ComputationStopped
from ..geometry.boxes import Partition
from ..geometry.cut import Cut, Islands, cut_over
from ..geometry.cutpiece import measure, piece_of
from ..geometry.grid import Grid
from ..geometry.morphometry import non_manifold_edges
from ..geometry.piece import Piece, part_of
from ..geometry.sample import Sample
from ..geometry.source import vertices
from ..team import ALONE
from .contour import Contour
from .levelset import LevelSet
from .phase import Phase
from .recession import Recession
from .topology import Topology, perforations

RECUT = 0.2  # cells of displacement
UNEVEN = 0.1  # a rank may have so much more marrow than the mean before it is dealt out anew
VOXELS = ("image", "foam")  # sources of samples whose distances are only nearly such
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
        lost: Bone volume that the cube above every node of this rank, before, lost to resorption (negative:
            gained), without detached and filled pieces; um^3 (2-D: um^2).
        detached: That of detached pieces in the cube above every node after (negative: marrow filled).
    """

    bone: Bone
    lost: np.ndarray
    detached: np.ndarray


class Bone:
    """Collective: this rank's piece of a sample, the level set it was cut from and the books.

    Attributes:
        sample: The mesh now.
        level: The bone surface, unsnapped.
        books: Volumes since the start, of all ranks.
        contour: Zero level of `level`.
        checked: Displacement in cells up to which the topology was looked at since the last cut.
    """

    def __init__(self, sample: Piece, level: LevelSet, books: Books, contour: Contour | None = None):
        assert sample.origin is not None
        self.sample, self.level, self.books = sample, level, books
        self.contour = contour or Contour(level.phi, level.grid, level.nodes)
        self.checked = 0.0

    @classmethod
    def at_start(cls, sample: Sample | Piece) -> Bone:
        """Collective: the bone of a piece, or of a sample on one process; sigma0 and d0 are frozen now.

        Shapes bring exact distances. Those of voxels are to points of their surface: bone lost over them is
        off by 1 to 2 % on cells of two voxels, so that they are measured anew, once.

        Raises:
            ValueError: The sample does not know what it was cut out of.
        """
        piece = part_of(sample, ALONE) if isinstance(sample, Sample) else sample
        origin = piece.origin
        if origin is None:
            raise ValueError("a sample from a file has no level set that could move")
        level = LevelSet(origin.phi, origin.grid, 0.0, origin.nodes).mended()
        if piece.provenance.get("source") in VOXELS:
            level = level.measured()
        return cls(replace(piece, half_thickness=_unlimited(piece)), level, Books())

    @classmethod
    def again(cls, before: Piece, level: LevelSet, books: Books) -> Bone:
        """Collective: the bone cut from a level set once before (`before`: any mesh of the same sample)."""
        return cls(_piece(before, _mesh(level), level), level, books)

    @property
    def grid(self) -> Grid:
        return self.level.grid

    @cached_property
    def marrow(self) -> Phase:
        """The marrow of the mesh."""
        return Phase.marrow(self.sample)

    @cached_property
    def surface(self) -> Phase:
        """Its bone surface."""
        return Phase.surface(self.sample)

    def due(self, depth: np.ndarray, recut: float = RECUT) -> bool:
        """Collective: whether the surface has to be cut anew.

        That is so when it has moved by `recut` cells anywhere, or by half of that if pieces or holes
        of bone have come or gone by then.

        Args:
            depth: Displacement of this rank's points of the surface since the last cut, um, in the order of
                their numbers; positive where bone is lost.
        """
        moved = self._furthest(depth) / self.grid.h
        if moved >= recut:
            return True
        if moved < 0.5 * recut or moved < self.checked:
            return False
        self.checked = 1.5 * moved
        nodes = self.level.nodes
        return Topology.of(self._displaced(depth).phi, nodes) != Topology.of(self.level.phi, nodes)

    def _furthest(self, depth: np.ndarray) -> float:
        return float(self.level.nodes.team.most(float(np.abs(depth).max(initial=0.0))))

    def _displaced(self, depth: np.ndarray) -> LevelSet:
        return self.level.displaced(Recession(self.surface, depth))

    def recut(self, depth: np.ndarray, log: Callable[[str], None] = lambda line: None) -> Recut:
        """Collective: move the surface and cut the grid along it.

        Ranks keep their boxes of the grid as long as they have about the same number of marrow vertices.

        Args:
            depth: See `due`.
            log: Hears of pieces that came loose, on every rank.

        Raises:
            ComputationStopped: The new surface is not a manifold (not seen), or no marrow is left.
        """
        moved = self._displaced(depth)
        team, before = moved.nodes.team, moved.nodes
        between = Contour(moved.phi, self.grid, before)
        lost = self.contour.volumes - between.volumes
        holes = perforations(self.level.phi, moved.phi, before)
        moved = balanced(moved)
        mesh = _mesh(moved)
        flipped = mesh.bone_removed + mesh.marrow_removed
        level = moved.replaced(mesh.phi) if flipped else moved
        contour = Contour(level.phi, self.grid, level.nodes)
        if flipped:
            detached = before.fetch(between.volumes, level.nodes.own) - contour.volumes
        else:
            detached = np.zeros(level.nodes.own.shape)
        changes = [np.maximum(v, 0.0).sum() for v in (lost, -lost, detached, -detached)]
        resorbed, formed, gone, filled = team.sum(changes).tolist()
        books = Books(resorbed, formed, gone, filled, perforations=holes, recuts=1)
        if mesh.bone_removed:
            log(f"{books.detached * 1e-9:.3g} mm^3 of bone came loose and were taken out")
        piece = _piece(self.sample, mesh, level)
        return Recut(Bone(piece, level, self.books.plus(books), contour), lost, detached)


def balanced(level: LevelSet) -> LevelSet:
    """Collective: the level set with its nodes dealt out anew, if one rank has too much of the marrow."""
    nodes, whole = level.nodes, level.grid.shape
    if nodes.team.size == 1:
        return level
    weight = _weight(level, nodes).sum()
    if nodes.team.most(weight) * nodes.team.size <= (1 + UNEVEN) * nodes.team.sum(weight):
        return level
    rough = Partition.even(nodes.team, whole)
    return level.on(Partition.balanced(rough, _weight(level, rough)))


def _weight(level: LevelSet, nodes: Partition) -> np.ndarray:
    bone = level.nodes.fetch(level.phi > 0, nodes.own.grown(0, 1, nodes.whole))
    return vertices(np.where(bone, 1, -1), nodes)


def _mesh(level: LevelSet) -> Cut:
    """Collective: the grid cut along a level set.

    Raises:
        ComputationStopped: The surface is not a manifold, or no marrow is left.
    """
    team = level.nodes.team
    islands: Islands = "detached" if level.grid.dimension == 3 else "keep"
    mesh = cut_over(level.phi, level.grid, level.nodes, islands=islands)
    bad, marrow = team.sum([non_manifold_edges(mesh.surface, mesh.mine), mesh.own_marrow]).tolist()
    if bad:
        raise ComputationStopped(
            f"the new bone surface has {bad} non-manifold edges; this is a bug, please report it."
        )
    if not marrow:
        raise ComputationStopped("bone has filled the whole sample; there is no marrow left.")
    return mesh


def _piece(before: Piece, mesh: Cut, level: LevelSet) -> Piece:
    """Collective: this rank's piece of a new mesh; `level` is what the mesh was cut from."""
    grid, nodes = level.grid, level.nodes
    nowhere = np.full(len(mesh.points), np.nan)
    numbers = measure(mesh, grid, nodes)
    piece = piece_of(mesh, grid, nodes, numbers, nowhere, before.provenance, origin=True)
    assert piece.origin is not None
    return replace(
        piece, half_thickness=_unlimited(piece), sigma0=before.sigma0, d0=before.d0,
        origin=replace(piece.origin, phi=level.phi),
    )  # fmt: skip


def _unlimited(piece: Piece) -> np.ndarray:
    out = np.full(len(piece.points), np.nan)
    own = np.flatnonzero(piece.surface_number[: piece.own] >= 0)
    out[own] = UNLIMITED
    return out
