# SPDX-License-Identifier: LGPL-3.0-or-later
"""One run: homeostasis, infection, therapy, outputs, stops."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..case.types import Case
from ..errors import ComputationStopped
from ..geometry import Sample
from ..integrator import Rodas, StepControl, System, steady_state
from ..kinetics import Network, Population
from ..parallel import agree
from ..tissue import Tissue, WellMixed, build_tissue
from .events import Events
from .facts import Stopwatch, about_focus, peak_memory, run_facts, step_facts
from .interrupt import Interrupt
from .ledger import Ledger
from .measures import Measures
from .schedule import Schedule
from .seeding import Focus, place_foci
from .writer import Frame, MeshData, Writer

if TYPE_CHECKING:
    from mpi4py import MPI


@dataclass(frozen=True)
class Progress:
    """Where a run is: for a live line on the screen.

    Attributes:
        day, end: Simulated time and its goal.
        steps, rejected: Time steps.
        step: Last step, day.
        iterations: Krylov iterations per solve so far.
        row: The last output row (rank 0), if any.
    """

    day: float
    end: float
    steps: int
    rejected: int
    step: float
    iterations: float
    row: Mapping[str, float] | None


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        status: ``done``, ``stopped`` (the computation could not go on) or ``interrupted``.
        reason: One sentence.
        time: Last time reached, day.
        steps: Accepted and rejected steps, iterations, solves.
        timings: Wall seconds by phase.
    """

    status: str
    reason: str
    time: float
    steps: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """0 done, 3 the computation stopped or was interrupted (a checkpoint is left)."""
        return 0 if self.status == "done" else 3


class Simulation:
    """A case on its sample, ready to run.

    Args:
        case: What to do.
        network: Its model with the case's parameters.
        healthy: The same model with its own (healthy) parameters, for homeostasis.
        sample: Its geometry.
        comm: Communicator.
        log: Called with a line of text on every rank; must print on rank 0 only.
    """

    def __init__(
        self,
        case: Case,
        network: Network,
        healthy: Network,
        sample: Sample | WellMixed,
        comm: MPI.Comm,
        log: Callable[[str], None] = lambda line: None,
    ):
        self.case, self.network, self._healthy, self.comm, self._log = case, network, healthy, comm, log
        self.timings: dict[str, float] = {}
        with self._phase("tissue"):
            self._kernels = _compile_once(network, comm)
            self._healthy_kernels = _compile_once(healthy, comm)
            self.tissue: Tissue = build_tissue(
                sample, healthy, self._healthy_kernels, comm, open_faces=case.outer == "open"
            )
            self.system = System(self.tissue.problem)
        self.names = self.tissue.names
        self.schedule = Schedule.of(case, network)
        self._events = Events(network, self.tissue, self.schedule.defaults)
        self.foci: list[Focus] = []
        self._measures = Measures(self.tissue, case.output.eroded_above, case.output.infected_above)
        roles = network.roles
        fixed = network.model.steady.fixed if network.model.steady else {}
        # without a set point of their own: homeostasis leaves them where they start
        self._held = np.array([n == roles.depth or n in fixed for n in self.names], bool)
        self._bacteria = [k for k, n in enumerate(self.names) if n in (roles.bacteria or ())]
        self._clearing = not isinstance(sample, WellMixed) and bool(self._bacteria)
        self._cleared_at: float | None = None
        self._last_row: Mapping[str, float] | None = None

    # ---------------------------------------------------------------- phases
    def _phase(self, name: str) -> Stopwatch:
        return Stopwatch(self.timings, name)

    def start_state(self) -> np.ndarray:
        """Collective: the state at day 0, homeostasis and foci included."""
        s, y = self.system, self.system.vector()
        if self.case.initial == "homeostasis":
            healthy = self._healthy.healthy
            s.marrow(y)[:] = [healthy[p.name] for p in self.network.marrow]
            s.surface(y)[:] = [healthy[p.name] for p in self.network.surface]
            y = self._homeostasis(y)
        else:
            self._initial(y)
        self._use_case_parameters()
        self.foci = place_foci(self.case, self.tissue, self.network.roles.inoculum)
        for focus in self.foci:
            self._log(about_focus(focus, self.network, self.tissue.sample.dimension))
            column = self.names.index(focus.population)
            s.marrow(y)[:, column] += focus.density[self.tissue.owned_marrow]
        return y

    def _initial(self, y: np.ndarray) -> None:
        """The initial values of the model, which may vary in space."""
        s, place = self.system, self.tissue.layout.position
        for k, p in enumerate(self.network.marrow):
            s.marrow(y)[:, k] = self.network.initial_at(p.name, place)
        at_bone = place[s.problem.surface.node]
        for k, p in enumerate(self.network.surface):
            s.surface(y)[:, k] = self.network.initial_at(p.name, at_bone)

    def _homeostasis(self, y: np.ndarray) -> np.ndarray:
        with self._phase("homeostasis"):
            found = steady_state(self.system, y, self._held)
            self._set_fields(found.y)
        self._log(
            f"homeostasis: {found.steps} steps ({found.days:.3g} days), {found.newton} Newton iterations, "
            f"largest relative rate left {found.rate:.1e} per day"
        )
        return found.y

    def _set_fields(self, y: np.ndarray) -> None:
        """Evaluate point by point the fields that are frozen at homeostasis."""
        s, surface = self.system, self.system.problem.surface
        for k, f in enumerate(self.network.fields):
            if f.at_homeostasis and len(surface.node):
                surface.g[:, k] = surface.kernel.quantity(
                    f.at_homeostasis, 0.0, surface.node, s.marrow(y), s.surface(y), surface.a, surface.g,
                    s.problem.position,
                )  # fmt: skip

    def _use_case_parameters(self) -> None:
        """From now on the case's own parameters (disease) instead of the healthy ones."""
        problem, sample = self.system.problem, self.tissue.sample
        self._kernels.set_geometry(sigma0=sample.sigma0 if sample.sigma0 > 0 else 1.0, d0=sample.d0)
        problem.inside.kernel, problem.surface.kernel = self._kernels.marrow, self._kernels.surface
        self.system.set_diffusivity(
            np.array([p.diffusivity for p in self.network.marrow[: problem.diffusing]])
        )

    # ---------------------------------------------------------------- output
    def _facts(self) -> dict[str, Any]:
        output = self.case.output
        return {
            **run_facts(self.tissue, self.network, self.foci),
            "ranks": self.comm.size,
            "eroded_above": output.eroded_above,
            "infected_above": output.infected_above,
        }

    def _progress(self, integrator: Rodas) -> Progress:
        n, s = integrator.statistics, self.system
        per_solve = s.iterations / max(s.solves, 1)
        return Progress(
            integrator.t,
            self.case.time.end,
            n.accepted,
            n.rejected,
            integrator.control.step,
            per_solve,
            self._last_row,
        )

    def mesh_data(self) -> MeshData | None:
        """Geometry of the fields (rank 0 uses it)."""
        t = self.tissue
        if isinstance(t.sample, WellMixed):
            return None
        points = t.sample.points
        return MeshData(
            points[t.marrow_vertices], t.marrow_cells, points[t.surface_vertices], t.surface_cells
        )

    def _frame(
        self, time: float, y: np.ndarray, residuals: np.ndarray, conserved: Mapping[str, float]
    ) -> Frame | None:
        """Collective: everything at one time on rank 0, None elsewhere."""
        marrow = self.tissue.gather_marrow(self.system.marrow(y))
        surface = self.tissue.gather_surface(self.system.surface(y))
        if marrow is None or surface is None:
            return None
        depth = self.network.roles.depth
        kept = {n: float(r) for n, r in zip(self.names, residuals, strict=True) if n != depth}
        kept |= conserved
        row = self._measures.row(time, marrow, surface, kept)
        wanted = self.case.output.fields

        def pick(values: np.ndarray, populations: Sequence[Population]) -> dict[str, np.ndarray]:
            return {
                p.name: np.ascontiguousarray(values[:, k] / p.factor)
                for k, p in enumerate(populations)
                if wanted is None or p.name in wanted or p.name == self.network.roles.depth
            }

        return Frame(time, pick(marrow, self.network.marrow), pick(surface, self.network.surface), row)

    def _write(self, writer: Writer | None, frame: Frame | None) -> None:
        """Collective: hand a frame out; a full disk on rank 0 stops all ranks."""
        error: BaseException | None = None
        if frame is not None:
            self._last_row = frame.row
            try:
                if writer is not None:
                    writer.frame(frame)
            except OSError as e:
                error = ComputationStopped(f"the results could not be written: {e.strerror or e}.")
        agree(self.comm, error)

    # ---------------------------------------------------------------- the run
    def run(
        self,
        writer: Writer | None = None,
        *,
        progress: Callable[[Progress], None] | None = None,
        restored: tuple[Mapping[str, np.ndarray] | None, Mapping[str, Any]] | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Collective: integrate to the end, writing on the way.

        Args:
            writer: Receives results on rank 0 (None elsewhere, or for a dry run).
            progress: Called after every step on rank 0.
            restored: Arrays (rank 0) and facts (all ranks) of a checkpoint to go on from.
            record: Facts for ``run.json`` that the simulation does not know itself.
        """
        case, comm, s = self.case, self.comm, self.system
        output = iter(case.output.times)
        due = next(output, None)
        facts: Mapping[str, Any] = {}
        if restored is None:
            y, t = self.start_state(), 0.0
        else:
            y, t, facts = self._restore(restored)
        self._set_levels(t)
        control = StepControl(
            float(facts.get("step", case.time.first_step)), case.time.shortest_step,
            case.time.longest_step or np.inf,
        )  # fmt: skip
        integrator = Rodas(s, t, y, control, case.time.tolerance, case.time.linear_tolerance)
        ledger = Ledger(s, self.network, self.tissue.sample.sigma0)
        if facts:
            integrator.magnitudes = np.array(facts["magnitudes"])
            integrator.ledger = np.array(facts["integral"]) / comm.size
            ledger.state = facts["ledger"]
            self._cleared_at = facts["cleared_at"]
            self._events.state = facts["events"]
            self._set_levels(t)
            while due is not None and due <= t:
                due = next(output, None)
        else:
            ledger.start(t, y)
            self._events.start(integrator, self._kernels.inputs)
        error: BaseException | None = None
        if writer is not None:
            try:
                writer.begin(
                    self.mesh_data(),
                    {p.name: p.unit for p in self.network.populations},
                    {**(record or {}), **self._facts()},
                )
            except OSError as e:
                error = ComputationStopped(f"the results could not be written: {e.strerror or e}.")
        agree(comm, error)
        dense = s.vector()
        status, reason = "done", f"day {case.time.end:g} was reached"
        with Interrupt() as interrupt, self._phase("integration"):
            try:
                if due is not None and due <= 0.0 and not facts:
                    self._write(writer, self._frame(0.0, y, np.zeros(s.populations), ledger.conserved(y)))
                    due = next(output, None)
                while integrator.t < case.time.end:
                    before = integrator.t
                    integrator.step(min(self.schedule.next_event(before), self._events.instant))
                    happens = self._events.search(integrator, self._kernels.inputs)
                    if happens is not None and happens < integrator.t:
                        integrator.undo()
                        continue
                    ledger.step(integrator.t - before, integrator.t, integrator.y)
                    while due is not None and due <= integrator.t:
                        integral = integrator.interpolate(due, dense)
                        residuals, sums = ledger.residuals(dense, integral), ledger.conserved(dense)
                        self._write(writer, self._frame(due, dense, residuals, sums))
                        due = next(output, None)
                    if happens is not None:
                        self._happen(integrator, ledger)
                    if happens is not None or integrator.t in self.schedule.events:
                        self._set_levels(integrator.t)
                        integrator.restart(integrator.y, case.time.first_step)
                    stop = self._stops(integrator, ledger)
                    if progress is not None and comm.rank == 0:
                        progress(self._progress(integrator))
                    asked = interrupt.requested(comm)
                    if stop or asked:
                        status = "done" if stop else "interrupted"
                        reason = stop or f"a {asked} signal asked for it"
                        if case.output.times and integrator.t < case.time.end:
                            integral = integrator.interpolate(integrator.t, dense)
                            residuals, sums = ledger.residuals(dense, integral), ledger.conserved(dense)
                            self._write(writer, self._frame(integrator.t, dense, residuals, sums))
                        break
            except ComputationStopped as e:
                status, reason = (
                    "stopped",
                    re.sub(r"population (\d+)", lambda m: self.names[int(m[1])], str(e)),
                )
        self._checkpoint(writer, integrator, ledger)
        outcome = Outcome(
            status, reason, integrator.t, step_facts(integrator, self.names), dict(self.timings)
        )
        outcome.timings["memory_MB"] = peak_memory(comm)
        if writer is not None:
            try:
                writer.end(
                    {"status": status, "reason": reason, "time": integrator.t, "steps": outcome.steps,
                     "timings": outcome.timings, "cleared_at": self._cleared_at}
                )  # fmt: skip
            except OSError as e:
                self._log(f"run.json could not be finished: {e.strerror or e}")
        return outcome

    def _set_levels(self, t: float) -> None:
        self._kernels.set_inputs(self.schedule.levels(t, self._events.levels))

    def _happen(self, integrator: Rodas, ledger: Ledger) -> None:
        """Collective: what the model's events do to the state and the inputs."""
        s, y = self.system, integrator.y
        before = s.totals(y)
        for event in self._events.happen(integrator, y, self._kernels.inputs):
            self._log(f"day {integrator.t:.6g}: {event.meaning or event.name}")
        ledger.jump(s.reduce(s.totals(y) - before))

    def _stops(self, integrator: Rodas, ledger: Ledger) -> str | None:
        """Collective: apply the clearing rule and the case's stop conditions; a reason to end, or None."""
        s, t = self.system, integrator.t
        if self._clearing and self._cleared_at is None:
            amounts = s.reduce(s.totals(integrator.y))
            total = float(amounts[self._bacteria].sum())
            thickness = 1000.0 if self.tissue.sample.dimension == 2 else 1.0
            limit = self.network.roles.cleared_below or 0.0
            if 0.0 < total * thickness < limit:
                self._cleared_at = t
                change = np.zeros(s.populations)
                change[self._bacteria] = -amounts[self._bacteria]
                s.marrow(integrator.y)[:, self._bacteria] = 0.0
                ledger.jump(change)
                self._log(f"day {t:.4g}: the infection is cleared (less than {limit * 1e-9:g} CFU left)")
        if "cleared" in self.case.stop and self._cleared_at is not None:
            return f"the infection was cleared on day {self._cleared_at:.4g}"
        if "steady" in self.case.stop and t >= 1.0:
            rate = s.vector()
            s.rate(t, integrator.y, rate)
            relative = s.largest(rate) / s.problem.scale
            if float(relative[~self._held].max(initial=0.0)) < 1e-6:
                return f"a steady state was reached on day {t:.4g}"
        return None

    # ---------------------------------------------------------------- checkpoints
    def _checkpoint(self, writer: Writer | None, integrator: Rodas, ledger: Ledger) -> None:
        marrow = self.tissue.gather_marrow(self.system.marrow(integrator.y))
        surface = self.tissue.gather_surface(self.system.surface(integrator.y))
        fields = self.tissue.gather_surface(self.system.problem.surface.g)
        integral = self.system.reduce(integrator.ledger)
        if writer is None or marrow is None or surface is None or fields is None:
            return
        facts = {
            "step": integrator.control.step,
            "magnitudes": integrator.magnitudes.tolist(),
            "integral": integral.tolist(),
            "ledger": ledger.state,
            "cleared_at": self._cleared_at,
            "events": self._events.state,
            "populations": list(self.names),
        }
        arrays = {"marrow": marrow, "surface": surface, "fields": fields}
        try:
            writer.checkpoint(integrator.t, arrays, facts)
        except OSError as e:
            self._log(f"the checkpoint could not be written: {e.strerror or e}")

    def _restore(
        self, restored: tuple[Mapping[str, np.ndarray] | None, Mapping[str, Any]]
    ) -> tuple[np.ndarray, float, Mapping[str, Any]]:
        arrays, facts = restored
        s, y = self.system, self.system.vector()
        problem = s.problem

        def part(name: str) -> np.ndarray | None:
            return None if arrays is None else np.asarray(arrays[name])

        s.marrow(y)[:] = self.tissue.gather_marrow.scatter(part("marrow"), problem.marrow_width)
        s.surface(y)[:] = self.tissue.gather_surface.scatter(part("surface"), problem.surface_width)
        problem.surface.g[:] = self.tissue.gather_surface.scatter(part("fields"), problem.surface.g.shape[1])
        self._use_case_parameters()
        self.foci = place_foci(self.case, self.tissue, self.network.roles.inoculum)
        return y, float(facts["time"]), facts


def _compile_once(network: Network, comm: MPI.Comm) -> Any:
    """Collective: rank 0 compiles into the cache, the others load what it left there."""
    error: BaseException | None = None
    kernels = None
    if comm.rank == 0:
        try:
            kernels = network.compile()
        except Exception as e:
            error = e
    agree(comm, error)
    return kernels if kernels is not None else network.compile()
