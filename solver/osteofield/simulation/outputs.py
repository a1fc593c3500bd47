# SPDX-License-Identifier: LGPL-3.0-or-later
"""Output times: states read from the dense output become frames for the writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..case.types import Case
from ..errors import ComputationStopped
from ..integrator import Rodas, System
from ..kinetics import Population
from ..parallel import agree
from ..tissue import Tissue, WellMixed
from .ledger import Ledger
from .measures import Measures
from .writer import Frame, MeshData, Writer


class Outputs:
    """Writes what is due; the integrator's steps do not depend on it.

    Attributes:
        rows: Frames written so far at times that the case asks for (an extra one where a run ends
            early is not counted: a resumed run drops it).
        last_row: The last row of the history (rank 0), if any.
    """

    def __init__(self, case: Case, tissue: Tissue, system: System, writer: Writer | None):
        self._case, self._tissue, self._system, self._writer = case, tissue, system, writer
        self._measures = Measures(tissue, case.output.eroded_above, case.output.infected_above)
        self._next = 0
        self._last_time = -np.inf
        self.rows = 0
        self.last_row: Mapping[str, float] | None = None

    # ---------------------------------------------------------------- what is written
    def begin(self, record: Mapping[str, Any]) -> None:
        """Collective: geometry, units and facts."""
        units = {p.name: p.unit for p in self._tissue.network.populations}
        error: BaseException | None = None
        if self._writer is not None:
            try:
                self._writer.begin(self._mesh(), units, record)
            except OSError as e:
                error = _not_written(e)
        agree(self._tissue.problem.comm, error)

    def start(self, y: np.ndarray, ledger: Ledger) -> None:
        """Collective: the frame at day 0, if it is asked for."""
        if self._due() <= 0.0:
            self._write(0.0, y, np.zeros(self._system.populations), ledger)

    def follow(self, integrator: Rodas, ledger: Ledger) -> None:
        """Collective: everything that became due in the last step."""
        while self._due() <= integrator.t:
            self._interpolated(self._due(), integrator, ledger)

    def finish(self, integrator: Rodas, ledger: Ledger) -> None:
        """Collective: the state where a run ends early."""
        if self._case.output.times and integrator.t > self._last_time:
            before = self.rows, self._next
            self._interpolated(integrator.t, integrator, ledger)
            self.rows, self._next = before

    def resume_at(self, t: float) -> None:
        """Go on from `t`: what the case asks for up to there has been written."""
        self._next = int(np.searchsorted(self._case.output.times, t, side="right"))

    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"rows": self.rows}

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self.rows = values["rows"]

    # ---------------------------------------------------------------- details
    def _due(self) -> float:
        times = self._case.output.times
        return times[self._next] if self._next < len(times) else np.inf

    def _interpolated(self, t: float, integrator: Rodas, ledger: Ledger) -> None:
        dense = integrator.system.vector()
        integral = integrator.interpolate(t, dense)
        self._write(t, dense, ledger.residuals(dense, integral), ledger)

    def _write(self, t: float, y: np.ndarray, residuals: np.ndarray, ledger: Ledger) -> None:
        """Collective: hand a frame out; a full disk on rank 0 stops all ranks."""
        frame = self._frame(t, y, residuals, ledger.conserved(y))
        error: BaseException | None = None
        if frame is not None:
            self.last_row = frame.row
            try:
                if self._writer is not None:
                    self._writer.frame(frame)
            except OSError as e:
                error = _not_written(e)
        agree(self._tissue.problem.comm, error)
        self._last_time = t
        self.rows += 1
        self._next += 1

    def _frame(
        self, time: float, y: np.ndarray, residuals: np.ndarray, conserved: Mapping[str, float]
    ) -> Frame | None:
        """Collective: everything at one time on rank 0, None elsewhere."""
        t, network = self._tissue, self._tissue.network
        marrow = t.gather_marrow(self._system.marrow(y))
        surface = t.gather_surface(self._system.surface(y))
        if marrow is None or surface is None:
            return None
        depth = network.roles.depth
        kept = {n: float(r) for n, r in zip(t.names, residuals, strict=True) if n != depth} | dict(conserved)
        row = self._measures.row(time, marrow, surface, kept)
        wanted = self._case.output.fields

        def pick(values: np.ndarray, populations: Sequence[Population]) -> dict[str, np.ndarray]:
            return {
                p.name: np.ascontiguousarray(values[:, k] / p.factor)
                for k, p in enumerate(populations)
                if wanted is None or p.name in wanted or p.name == depth
            }

        return Frame(time, pick(marrow, network.marrow), pick(surface, network.surface), row)

    def _mesh(self) -> MeshData | None:
        t = self._tissue
        if isinstance(t.sample, WellMixed):
            return None
        points = t.sample.points
        return MeshData(
            points[t.marrow_vertices], t.marrow_cells, points[t.surface_vertices], t.surface_cells
        )


def _not_written(e: OSError) -> ComputationStopped:
    return ComputationStopped(f"the results could not be written: {e.strerror or e}.")
