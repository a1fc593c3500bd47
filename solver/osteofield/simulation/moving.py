# SPDX-License-Identifier: LGPL-3.0-or-later
"""A bone surface that moves while a run goes on: when it is cut anew, and what is carried over.

Between two cuts nothing moves: every point of the surface records its depth. When that has grown by
`recut` cells anywhere, the level set is displaced by the depth since the last cut and the grid cut
along it. Cells, bacteria and molecules keep their amounts; coefficients of the surface and the
recorded depth itself are interpolated. Every rank computes the geometry of the whole sample for now;
values are carried over on rank 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..geometry import Sample
from ..geometry.halfthickness import mean_thickness
from ..integrator import Integrator, System
from ..kinetics import Network
from ..parallel import agree
from ..remodelling import Bone, Books, Hats, LevelSet, Phase, Transfer
from ..tissue import Columns, Gather, Table, Tissue

if TYPE_CHECKING:
    from mpi4py import MPI

    from .snapshot import Restored

_MM3 = 1e-9
_SLICE = 1000.0  # um: 2-D results are per millimetre of thickness
HASTE = 0.25  # of the displacement between two cuts: a step may go so much beyond where one is due
PHI, REFERENCE = "geometry/phi", "geometry/depth_at_cut"


def _rows_of(whole: np.ndarray) -> Callable[[int, int], np.ndarray]:
    return lambda start, stop: whole[start:stop]


@dataclass(frozen=True)
class Carried:
    """A state on the mesh after a re-cut, in the numbering of the whole sample; rank 0 only.

    Attributes:
        marrow, surface, fields: ``(n, k)`` values of marrow and surface populations and of coefficients.
    """

    marrow: np.ndarray
    surface: np.ndarray
    fields: np.ndarray


class Moving:
    """The moving surface of a run.

    Args:
        sample: At day 0; it must know what it was cut out of.
        network: Its populations; one of them has the role of depth.
        recut: Displacement, in cells, after which the surface is cut anew.
        comm: Communicator.
        log: Hears of pieces that came loose.

    Attributes:
        bone: Where the surface is.
    """

    def __init__(
        self, sample: Sample, network: Network, recut: float, comm: MPI.Comm, log: Callable[[str], None]
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
        self._start_volume = self.bone.contour.volume
        n = len(np.unique(self.bone.sample.surface))
        self._at_cut = np.zeros(n)  # depth of every surface value when the surface was cut
        self._before: tuple[float, np.ndarray] = (0.0, np.zeros(0))  # the last step, and depth after it
        self._horizon = np.inf

    @property
    def sample(self) -> Sample:
        """The mesh now."""
        return self.bone.sample

    @property
    def at_cut(self) -> np.ndarray:
        """Depth of every surface value that the mesh shows already, um; the rest has come since then."""
        return self._at_cut

    @property
    def at_cut_name(self) -> str:
        """Its name among the fields of the bone surface."""
        return f"{self._depth}_at_cut"

    @property
    def kept(self) -> np.ndarray:
        """Populations whose amounts the last re-cut kept: not depth, and none on a surface that is gone."""
        on_surface = np.full(len(self._signed[1]), len(self.sample.surface) > 0)
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
            self._at_cut = self._whole(tissue, depth)

    # ---------------------------------------------------------------- moving
    def due(self, tissue: Tissue, integrator: Integrator) -> bool:
        """Collective: whether the surface has to be cut anew after the last step."""
        system = integrator.system
        depth = system.surface(integrator.y)[:, self._column]
        moved = depth - self._at_cut[tissue.layout.owned_surface]
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
        return self.bone.due(self._whole(tissue, moved), self._recut)

    def recut(self, tissue: Tissue, system: System, y: np.ndarray) -> Carried | None:
        """Collective: move the surface; `sample` is the new mesh, the state on it is returned on rank 0.

        Raises:
            ComputationStopped: See `Bone.recut`.
        """
        depth = self._whole(tissue, system.surface(y)[:, self._column])
        old = self.bone
        self.bone = old.recut(depth - self._at_cut, self._log).bone
        marrow = tissue.gather_marrow(system.marrow(y))
        surface = tissue.gather_surface(system.surface(y))
        fields = tissue.gather_surface(system.problem.surface.g)
        carried: Carried | None = None
        error: BaseException | None = None
        if marrow is not None and surface is not None and fields is not None:
            try:
                carried = self._carry(old.sample, marrow, surface, fields)
            except Exception as e:
                error = e
        agree(self._comm, error)
        self._at_cut = self._comm.bcast(None if carried is None else carried.surface[:, self._column], 0)
        self._horizon = np.inf
        self.__dict__.pop("_thickness", None)
        return carried

    def fill(self, carried: Carried | None, tissue: Tissue, system: System, t: float, y: np.ndarray) -> None:
        """Collective: hand the state after a re-cut out to the ranks that own its rows."""
        for gather, name, out in (
            (tissue.gather_marrow, "marrow", system.marrow(y)),
            (tissue.gather_surface, "surface", system.surface(y)),
            (tissue.gather_surface, "fields", system.problem.surface.g),
        ):
            gather.scatter(None if carried is None else _rows_of(getattr(carried, name)), out)
        self._before = t, system.surface(y)[:, self._column].copy()

    def _carry(self, old: Sample, marrow: np.ndarray, surface: np.ndarray, fields: np.ndarray) -> Carried:
        new = self.bone.sample
        inside = Transfer(Phase.of(old, old.marrow), Phase.of(new, new.marrow), self._hats)
        along = Transfer(Phase.of(old, old.surface), Phase.of(new, new.surface), self._hats)
        on_surface = along.conserved(surface, self._signed[1])
        on_surface[:, self._column] = along.interpolated(surface[:, [self._column]])[:, 0]
        return Carried(
            inside.conserved(marrow, self._signed[0], stays=self._stays),
            on_surface,
            along.interpolated(fields),
        )

    def _whole(self, tissue: Tissue, values: np.ndarray) -> np.ndarray:
        """Collective: values of this rank's surface rows as values of the whole surface, on every rank."""
        whole = tissue.gather_surface(np.ascontiguousarray(values[:, None]))
        return self._comm.bcast(None if whole is None else whole[:, 0], 0)

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
        moved = system.surface(y)[:, self._column] - self._at_cut[tissue.layout.owned_surface]
        pending = moved * system.problem.surface.weight
        lost, gained = system.reduce(
            np.array([np.maximum(pending, 0.0).sum(), np.maximum(-pending, 0.0).sum()])
        )
        volume = float(self.bone.contour.volume - lost + gained)
        total = float(np.prod(np.subtract(grid.upper, grid.origin)))
        scale = _MM3 * (_SLICE if grid.dimension == 2 else 1.0)
        loss = self._start_volume - volume
        bone = {
            "BV/TV [1]": volume / total,
            "bone_loss [mm^3]": loss * scale,
            "bone_loss [%]": 100.0 * loss / self._start_volume if self._start_volume else 0.0,
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
        """Mean local thickness of bone at the last cut, um."""
        s = self.bone.sample
        return mean_thickness(self.bone.level.phi, self.bone.grid, s.points[np.unique(s.surface)])[0]

    # ---------------------------------------------------------------- checkpoints
    def tables(self) -> list[Table]:
        """For a checkpoint: the unsnapped level set, and the depth that is part of it."""
        out: list[Table] = []
        for name, values in ((PHI, self.bone.level.phi.ravel()), (REFERENCE, self._at_cut)):
            total, here = len(values), self._comm.rank == 0  # every rank has them all; the first gives them
            gather = Gather(self._comm, np.arange(total if here else 0), total)
            out.append(Columns(gather, values[: total if here else 0, None], [name]))
        return out

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "books": self.bone.books.to_dict(),
            "moved": self.bone.level.moved,
            "checked": self.bone.checked,
            "horizon": None if np.isinf(self._horizon) else self._horizon,
        }

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self._horizon = np.inf if values["horizon"] is None else values["horizon"]

    def restore(self, restored: Restored) -> None:
        """Collective: go back to the geometry of a checkpoint."""
        arrays = restored.arrays
        phi, reference = self._comm.bcast(
            None if arrays is None else (np.array(arrays[PHI][:]), np.array(arrays[REFERENCE][:])), 0
        )
        facts = restored.facts["moving"]
        grid = self.bone.grid
        level = LevelSet(phi.reshape(grid.shape), grid, facts["moved"])
        books = Books(**facts["books"])
        if books.recuts:
            self.bone = Bone.again(self.bone.sample, level, books)
        self.bone.checked = facts["checked"]
        self._at_cut = reference


def follow(new: Integrator, old: Integrator, y: np.ndarray, first_step: float) -> None:
    """Collective: go on from `y` with an integrator on another mesh: error scales and counts stay."""
    state = old.state
    state["times"] = [old.t]
    if "order" in state:
        state["order"] = [0, 0, 0]
    new.state = state
    new.ledgers = old.ledgers[:1]
    new.restart(y, first_step)
