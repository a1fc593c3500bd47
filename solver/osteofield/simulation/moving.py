# SPDX-License-Identifier: LGPL-3.0-or-later
"""A bone surface that moves while a run goes on: when it is cut anew, and what is carried over.

Between two cuts nothing moves: every point of the surface records its depth. When that has grown by
`recut` cells anywhere, the level set is displaced by the depth since the last cut and the grid cut
along it. Cells, bacteria and molecules keep their amounts; coefficients of the surface and the
recorded depth itself are interpolated. Every rank does so for its box of the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..geometry import Piece
from ..geometry.boxes import Box, Partition
from ..geometry.cloud import Cloud
from ..geometry.halfthickness import mean_thickness_over
from ..integrator import Integrator, System
from ..kinetics import Network
from ..remodelling import Bone, Books, Hats, LevelSet, Transfer, balanced
from ..tissue import Columns, Gather, Table, Tissue

if TYPE_CHECKING:
    from mpi4py import MPI

    from .snapshot import Restored

_MM3 = 1e-9
_SLICE = 1000.0  # um: 2-D results are per millimetre of thickness
HASTE = 0.25  # of the displacement between two cuts: a step may go so much beyond where one is due
PHI, REFERENCE = "geometry/phi", "geometry/depth_at_cut"


@dataclass(frozen=True)
class Carried:
    """This rank's part of a state on the mesh after a re-cut, in the order of the numbers of the points.

    Attributes:
        marrow, surface: ``(n, k)`` values of the populations, one state after the other.
        fields: ``(n, k)`` values of coefficients.
    """

    marrow: np.ndarray
    surface: np.ndarray
    fields: np.ndarray


class Moving:
    """The moving surface of a run.

    Args:
        sample: This rank's piece at day 0; it must know what it was cut out of.
        network: Its populations; one of them has the role of depth.
        recut: Displacement, in cells, after which the surface is cut anew.
        comm: Communicator.
        log: Hears of pieces that came loose.

    Attributes:
        bone: Where the surface is.
        start_volume: Bone at day 0, um^3 (2-D: um^2).
    """

    def __init__(
        self, sample: Piece, network: Network, recut: float, comm: MPI.Comm, log: Callable[[str], None]
    ):
        self.bone = Bone.at_start(sample)
        self._hats, self._recut, self._comm, self._log = Hats(self.bone.grid), recut, comm, log
        names = [p.name for p in network.surface]
        if network.roles.depth not in names:
            raise ValueError("a moving surface needs a surface population with the role of depth")
        self._depth = network.roles.depth
        self._column = names.index(network.roles.depth)
        self._signed = (
            np.array([p.signed for p in network.marrow], bool),
            np.array([p.signed for p in network.surface], bool),
        )
        self._stays = np.array([p.diffusivity == 0 for p in network.marrow], bool)
        self.start_volume = self.bone.contour.volume
        # depth when the surface was cut, of this rank's points of it in the order of their numbers
        self._at_cut = np.zeros(self.bone.surface.own)
        self._before: tuple[float, np.ndarray] = (0.0, np.zeros(0))  # the last step, and depth after it
        self._horizon = np.inf

    @property
    def sample(self) -> Piece:
        """The mesh now."""
        return self.bone.sample

    def at_cut(self, tissue: Tissue) -> np.ndarray:
        """Depth of this rank's surface rows that the mesh shows already, um; the rest has come since then."""
        out = np.empty(len(self._at_cut))
        out[_by_number(tissue)[1]] = self._at_cut
        return out

    @property
    def at_cut_name(self) -> str:
        """Its name among the fields of the bone surface."""
        return f"{self._depth}_at_cut"

    @property
    def kept(self) -> np.ndarray:
        """Populations whose amounts the last re-cut kept: not depth, and none on a surface that is gone."""
        on_surface = np.full(len(self._signed[1]), self.sample.surface_points > 0)
        on_surface[self._column] = False
        return np.concatenate([np.ones(len(self._signed[0]), bool), on_surface])

    @property
    def horizon(self) -> float:
        """When, at the speed of the last step, the surface has to be cut anew; day."""
        return self._horizon

    def begin(self, tissue: Tissue, integrator: Integrator, *, fresh: bool) -> None:
        """Collective: a run starts (`fresh`: displacement counts from here) or goes on."""
        depth = integrator.system.surface(integrator.y)[:, self._column].copy()
        self._before = integrator.t, depth
        if fresh:
            self._at_cut = depth[_by_number(tissue)[1]]

    # ---------------------------------------------------------------- moving
    def due(self, tissue: Tissue, integrator: Integrator) -> bool:
        """Collective: whether the surface has to be cut anew after the last step."""
        system = integrator.system
        depth = system.surface(integrator.y)[:, self._column]
        moved = depth - self.at_cut(tissue)
        speed = (depth - self._before[1]) / (integrator.t - self._before[0])
        furthest, fastest = system.reduce(
            np.array([np.abs(moved).max(initial=0.0), np.abs(speed).max(initial=0.0)]), "MAX"
        )
        self._before = integrator.t, depth.copy()
        limit = self._recut * self.bone.grid.h
        left = max(limit - furthest, HASTE * limit)
        self._horizon = integrator.t + left / fastest if fastest > 0 else np.inf
        if furthest < 0.5 * limit:
            return False
        return self.bone.due(moved[_by_number(tissue)[1]], self._recut)

    def recut(self, tissue: Tissue, system: System, states: Sequence[np.ndarray]) -> Carried:
        """Collective: move the surface; `sample` is the new mesh, the states on it are returned.

        Args:
            tissue, system: On the mesh before.
            states: The state now, and earlier ones that the integrator goes on from.

        Raises:
            ComputationStopped: See `Bone.recut`.
        """
        inside, at_bone = _by_number(tissue)
        marrow = np.hstack([system.marrow(y)[inside] for y in states])
        surface = np.hstack([system.surface(y)[at_bone] for y in states])
        old = self.bone
        self.bone = old.recut(surface[:, self._column] - self._at_cut, self._log).bone
        carried = self._carry(old, marrow, surface, system.problem.surface.g[at_bone])
        self._at_cut = carried.surface[:, self._column].copy()
        self._horizon = np.inf
        self.__dict__.pop("_thickness", None)
        return carried

    def fill(
        self, carried: Carried, tissue: Tissue, system: System, t: float, states: Sequence[np.ndarray]
    ) -> None:
        """Give the rows of this rank their values after a re-cut."""
        inside, at_bone = _by_number(tissue)
        for k, y in enumerate(states):
            for rows, width, out, values in (
                (inside, len(self._signed[0]), system.marrow(y), carried.marrow),
                (at_bone, len(self._signed[1]), system.surface(y), carried.surface),
            ):
                out[rows] = values[:, k * width : (k + 1) * width]
        system.problem.surface.g[at_bone] = carried.fields
        self._before = t, system.surface(states[0])[:, self._column].copy()

    def _carry(self, old: Bone, marrow: np.ndarray, surface: np.ndarray, fields: np.ndarray) -> Carried:
        inside = Transfer(old.marrow, self.bone.marrow, self._hats)
        along = Transfer(old.surface, self.bone.surface, self._hats)
        signed, at_bone = self._signed
        many = surface.shape[1] // len(at_bone)
        depths = self._column + len(at_bone) * np.arange(many)
        on_surface = along.conserved(surface, np.tile(at_bone, many))
        on_surface[:, depths] = along.interpolated(surface[:, depths])
        return Carried(
            inside.conserved(marrow, np.tile(signed, many), stays=np.tile(self._stays, many)),
            on_surface,
            along.interpolated(fields),
        )

    # ---------------------------------------------------------------- history
    def row(
        self, row: Mapping[str, float], tissue: Tissue, system: System, y: np.ndarray
    ) -> dict[str, float]:
        """Collective: a row of the history with what became of bone.

        What was displaced since the last cut is added to the books as depth times area.

        Args:
            row: As for a surface that stays in place.
            tissue, system, y: The state.
        """
        books, grid = self.bone.books, self.bone.grid
        moved = system.surface(y)[:, self._column] - self.at_cut(tissue)
        pending = moved * system.problem.surface.weight
        lost, gained = system.reduce(
            np.array([np.maximum(pending, 0.0).sum(), np.maximum(-pending, 0.0).sum()])
        )
        volume = float(self.bone.contour.volume - lost + gained)
        total = float(np.prod(np.subtract(grid.upper, grid.origin)))
        scale = _MM3 * (_SLICE if grid.dimension == 2 else 1.0)
        loss = self.start_volume - volume
        bone = {
            "BV/TV [1]": volume / total,
            "bone_loss [mm^3]": loss * scale,
            "bone_loss [%]": 100.0 * loss / self.start_volume if self.start_volume else 0.0,
            "resorbed [mm^3]": float(books.resorbed + lost) * scale,
            "formed [mm^3]": float(books.formed + gained) * scale,
            "detached [mm^3]": books.detached * scale,
            "perforations [1]": float(books.perforations),
            "BS/BV [1/mm]": 1e3 * float(system.surface_area) / volume if volume > 0 else 0.0,
        }
        if grid.dimension == 3:
            bone["Tb.Th [mm]"] = 1e-3 * self._thickness
            bone["Conn.D [1/mm^3]"] = 1e9 * (self.bone.sample.morphometry.connectivity or 0.0)
        return {"time [day]": row["time [day]"], **bone, **{c: v for c, v in row.items() if c not in bone}}

    @cached_property
    def _thickness(self) -> float:
        """Collective: mean local thickness of bone at the last cut, um."""
        surface, level = self.bone.surface, self.bone.level
        cloud = Cloud(level.nodes.team, surface.own_points, surface.own_keys)
        return mean_thickness_over(level.phi, level.grid, level.nodes, cloud)[0]

    # ---------------------------------------------------------------- checkpoints
    def tables(self) -> list[Table]:
        """For a checkpoint: the unsnapped level set, and the depth that is part of it."""
        level, surface = self.bone.level, self.bone.surface
        return [
            self._nodes_table(level),
            Columns(
                Gather(self._comm, surface.number[: surface.own], self.sample.surface_points),
                self._at_cut[:, None], [REFERENCE],
            ),
        ]  # fmt: skip

    def _nodes_table(self, level: LevelSet) -> Columns:
        own, whole = level.nodes.own, level.grid.shape
        places = np.ravel_multi_index(
            np.meshgrid(*map(np.arange, own.lo, own.hi), indexing="ij", sparse=True), whole
        )
        return Columns(
            Gather(self._comm, places.ravel(), int(np.prod(whole))), level.phi.reshape(-1, 1), [PHI]
        )

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "books": self.bone.books.to_dict(),
            "moved": self.bone.level.moved,
            "checked": self.bone.checked,
            "boxes": [[list(b.lo), list(b.hi)] for b in self.bone.level.nodes.boxes],
            "horizon": None if np.isinf(self._horizon) else self._horizon,
        }

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self._horizon = np.inf if values["horizon"] is None else values["horizon"]

    def restore(self, restored: Restored) -> None:
        """Collective: go back to the geometry of a checkpoint.

        On as many ranks as it was written by every rank gets its box back, so that a run goes on bit by bit.
        """
        facts, level = restored.facts["moving"], self.bone.level
        boxes = [Box(tuple(lo), tuple(hi)) for lo, hi in facts["boxes"]]
        if len(boxes) == self._comm.size:
            level = level.on(Partition(level.nodes.team, level.grid.shape, boxes))
        self._nodes_table(level).read(restored.arrays)
        level.moved = facts["moved"]
        books = Books(**facts["books"])
        if books.recuts:
            level = level if len(boxes) == self._comm.size else balanced(level)
            self.bone = Bone.again(self.bone.sample, level, books)
        self.bone.checked = facts["checked"]
        surface = self.bone.surface
        reference = np.empty((surface.own, 1))
        gather = Gather(self._comm, surface.number[: surface.own], self.sample.surface_points)
        Columns(gather, reference, [REFERENCE]).read(restored.arrays)
        self._at_cut = reference[:, 0]


def _by_number(tissue: Tissue) -> tuple[np.ndarray, np.ndarray]:
    """Rows of marrow and of the bone surface in the order of the numbers of their points."""
    return np.argsort(tissue.layout.owned), np.argsort(tissue.layout.owned_surface)
