# SPDX-License-Identifier: LGPL-3.0-or-later
"""Output times: states read from the dense output become frames for the writer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..case.types import Case
from ..errors import ComputationStopped
from ..integrator import Integrator, System
from ..parallel import agree
from ..tissue import Columns, Table, Tissue
from .held import InBone
from .ledger import Ledger
from .measures import Measures
from .moving import Moving
from .probes import Probes
from .stream import hand_out
from .writer import Writer


class Outputs:
    """Writes what is due; the integrator's steps do not depend on it.

    Attributes:
        rows: Frames written so far at times that the case asks for (an extra one where a run ends
            early is not counted: a resumed run drops it).
        new_mesh: Whether the geometry has changed since the last of them.
        last_row: The last row of the history, if any.
    """

    def __init__(
        self,
        case: Case,
        tissue: Tissue,
        system: System,
        writer: Writer | None,
        in_bone: InBone,
        moving: Moving | None = None,
    ):
        self._case, self._writer, self._moving, self._in_bone = case, writer, moving, in_bone
        self.on(tissue, system)
        self._next = 0
        self._last_time = -np.inf
        self.rows = 0
        self.last_row: Mapping[str, float] | None = None

    def on(self, tissue: Tissue, system: System) -> None:
        """From now on values live on this mesh."""
        output = self._case.output
        self._tissue, self._system = tissue, system
        self._measures = Measures(tissue, system, output.eroded_above, output.infected_above)
        self._probes = Probes(self._case, tissue, system)
        self.new_mesh = True

    # ---------------------------------------------------------------- what is written
    def begin(self, record: Mapping[str, Any], *, resumed: bool) -> None:
        """Collective: units and facts."""
        comm = self._tissue.problem.comm
        units = {p.name: p.unit for p in self._tissue.network.populations}
        if self._moving is not None:
            units[self._moving.at_cut_name] = "um"
        error: BaseException | None = None
        needed = False
        if self._writer is not None:
            try:
                needed = self._writer.begin(units, record, self.rows if resumed else None)
            except OSError as e:
                error = _not_written(e)
        agree(comm, error)
        self.new_mesh |= comm.bcast(needed, 0)

    def start(self, y: np.ndarray, ledger: Ledger) -> None:
        """Collective: the frame at day 0, if it is asked for."""
        if self._due() <= 0.0:
            self._write(0.0, y, np.zeros(self._system.populations), ledger)

    def follow(self, integrator: Integrator, ledger: Ledger) -> None:
        """Collective: everything that became due in the last step."""
        while self._due() <= integrator.t:
            self._interpolated(self._due(), integrator, ledger)

    def finish(self, integrator: Integrator, ledger: Ledger) -> None:
        """Collective: the state where a run ends early."""
        if self._case.output.times and integrator.t > self._last_time:
            before = self.rows, self._next, self.new_mesh
            self._interpolated(integrator.t, integrator, ledger)
            self.rows, self._next, self.new_mesh = before

    def resume_at(self, t: float) -> None:
        """Go on from `t`: what the case asks for up to there has been written."""
        self._next = int(np.searchsorted(self._case.output.times, t, side="right"))

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"rows": self.rows, "new_mesh": self.new_mesh}

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self.rows, self.new_mesh = values["rows"], values["new_mesh"]

    # ---------------------------------------------------------------- details
    def _due(self) -> float:
        times = self._case.output.times
        return times[self._next] if self._next < len(times) else np.inf

    def _interpolated(self, t: float, integrator: Integrator, ledger: Ledger) -> None:
        dense = integrator.scratch
        integral = integrator.interpolate(t, dense)
        self._write(t, dense, ledger.residuals(dense, integral), ledger)

    def _write(self, t: float, y: np.ndarray, residuals: np.ndarray, ledger: Ledger) -> None:
        """Collective: hand a frame out; a full disk on rank 0 stops all ranks."""
        tissue, depth = self._tissue, self._tissue.network.roles.depth
        kept = {n: float(r) for n, r in zip(tissue.names, residuals, strict=True) if n != depth}
        row = self._measures.row(t, y, kept | ledger.conserved(y))
        if self._moving is not None:
            row = self._moving.row(row, tissue, self._system, y)
        row |= self._in_bone.columns(self._system, y, ledger)
        row |= self._probes.columns(y)
        tables = [*(tissue.mesh_tables() if self.new_mesh else ()), *self._fields(y)]
        writer = self._writer
        try:
            hand_out(
                tissue.problem.comm, tables, None if writer is None else lambda a: writer.frame(t, row, a)
            )
        except OSError as e:
            raise _not_written(e) from None
        self.last_row, self._last_time, self.new_mesh = row, t, False
        self.rows += 1
        self._next += 1

    def _fields(self, y: np.ndarray) -> list[Table]:
        """The populations that are to be written, in their units."""
        t, network, wanted = self._tissue, self._tissue.network, self._case.output.fields
        out: list[Table] = []
        for domain, gather, populations, values in (
            ("marrow", t.gather_marrow, network.marrow, self._system.marrow(y)),
            ("surface", t.gather_surface, network.surface, self._system.surface(y)),
        ):
            chosen = [
                k
                for k, p in enumerate(populations)
                if wanted is None or p.name in wanted or p.name == network.roles.depth
            ]
            names = [f"{domain}/{populations[k].name}" for k in chosen]
            out.append(Columns(gather, values[:, chosen], names, [populations[k].factor for k in chosen]))
        if self._moving is not None:
            at_cut = self._moving.at_cut(t)[:, None]
            out.append(Columns(t.gather_surface, at_cut, [f"surface/{self._moving.at_cut_name}"], [1.0]))
        return out


def _not_written(e: OSError) -> ComputationStopped:
    return ComputationStopped(f"the results could not be written: {e.strerror or e}.")
