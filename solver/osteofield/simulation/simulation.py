# SPDX-License-Identifier: LGPL-3.0-or-later
"""One run: homeostasis, infection, therapy, outputs, stops."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..case.types import Case
from ..errors import ComputationStopped
from ..geometry import Piece, Sample
from ..integrator import System
from ..kinetics import Network
from ..tissue import Tissue, WellMixed
from . import snapshot
from .budget import budget_rows, closure
from .clock import CheckpointClock
from .equations import Equations
from .events import Events
from .facts import Stopwatch, about_focus, peak_memory, run_facts, step_facts
from .held import InBone, bone_volume, thickness_by_number
from .interrupt import MEANING, REQUEUE, Interrupt
from .ledger import Ledger
from .moving import Moving
from .outcome import Outcome, Progress
from .outputs import Outputs
from .schedule import Schedule
from .seeding import Focus, place_foci
from .snapshot import Keeper, Restored
from .start import homeostasis, initial_values, with_names
from .stops import Stops
from .writer import Writer

if TYPE_CHECKING:
    from mpi4py import MPI


class Simulation:
    """A case on its sample, ready to run.

    Args:
        case: What to do.
        network: Its model with the case's parameters.
        healthy: The same model with its own (healthy) parameters, for homeostasis.
        sample: Its geometry.
        comm: Communicator.
        log: Called with a line of text on every rank; must print on rank 0 only.
        start: The end of another run, where the case begins with that.
    """

    def __init__(
        self,
        case: Case,
        network: Network,
        healthy: Network,
        sample: Sample | Piece | WellMixed,
        comm: MPI.Comm,
        log: Callable[[str], None] = lambda line: None,
        start: Restored | None = None,
    ):
        self.case, self.network, self._healthy, self.comm, self._log = case, network, healthy, comm, log
        self._start = start
        self.timings: dict[str, float] = {}
        with self._phase("tissue"):
            self.equations = Equations(case, network, healthy, comm)
            self._moving: Moving | None = None
            bone = bone_volume(sample)
            self._thickness: np.ndarray | None = None
            if case.surface == "moves" and isinstance(sample, Piece):
                self._thickness = thickness_by_number(sample)
                self._moving = Moving(sample, network, case.recut, comm, log)
                sample, bone = self._moving.sample, self._moving.start_volume
            self.equations.settle(sample)
        self._in_bone = InBone(case.held, bone, self.tissue)
        self.names = self.tissue.names
        self.foci: list[Focus] = []
        self._events = Events(network, self.tissue, self.schedule.defaults)
        self._stops = Stops(case, self.tissue, log)

    def _phase(self, name: str) -> Stopwatch:
        return Stopwatch(self.timings, name)

    @property
    def tissue(self) -> Tissue:
        """The populations on the sample as it is now."""
        return self.equations.tissue

    @property
    def system(self) -> System:
        """Their equations."""
        return self.equations.system

    @property
    def schedule(self) -> Schedule:
        """What is given when."""
        return self.equations.schedule

    # ---------------------------------------------------------------- the start
    def start_state(self) -> np.ndarray:
        """Collective: the state at day 0, homeostasis and foci included."""
        if self.case.initial == "homeostasis":
            with self._phase("homeostasis"):
                y = homeostasis(self.tissue, self.system, self._healthy, self._stops.held, self._log)
        elif self._start is not None:
            y = self.system.vector()
            snapshot.restore_fields(self._start, self.tissue, self.system, y)
        else:
            y = initial_values(self.tissue, self.system, self.network)
        self.equations.use_case_parameters()
        self._place_foci()
        for focus in self.foci:
            self._log(about_focus(focus, self.network, self.tissue.sample.dimension))
            column = self.names.index(focus.population)
            self.system.marrow(y)[:, column] += focus.density
        self.equations.faces.fill(self.system, y, self._log)
        if self._start is None:
            self._in_bone.fill(self.tissue, self.system, y, self._thickness)
        return y

    def _place_foci(self) -> None:
        self.foci = place_foci(self.case, self.tissue, self.network.roles.inoculum)

    def _begin(self, restored: Restored | None, writer: Writer | None) -> None:
        """Collective: integrator, ledger and outputs at day 0 or where a checkpoint was taken."""
        if restored is None:
            y, t = self.start_state(), 0.0
        else:
            self._place_foci()  # where they were put at day 0
            if self._moving is not None:
                self._moving.restore(restored)
                self.equations.settle(self._moving.sample)
            y, t = self.system.vector(), restored.time
            self.equations.use_case_parameters()
        self._integrator = self.equations.integrator(t, y)
        self._ledger = Ledger(self.system, self.network, self.tissue.sample.sigma0)
        self._outputs = Outputs(self.case, self.tissue, self.system, writer, self._in_bone, self._moving)
        if restored is None:
            self._set_levels(t)
            self._ledger.start(t, y)
            self._events.start(self._integrator, self._inputs)
        else:
            snapshot.restore_facts(restored, self._keepers)
            snapshot.restore_integrator(restored, self.tissue, self.system, self._integrator)
            self._outputs.resume_at(t)
            self._set_levels(t)
        if self._moving is not None:
            self._moving.begin(self.tissue, self._integrator, fresh=restored is None)

    @property
    def _keepers(self) -> dict[str, Keeper]:
        """What a checkpoint keeps besides the fields."""
        keepers: dict[str, Keeper] = {
            "integrator": self._integrator,
            "ledger": self._ledger,
            "events": self._events,
            "stops": self._stops,
            "outputs": self._outputs,
        }
        return keepers if self._moving is None else keepers | {"moving": self._moving}

    # ---------------------------------------------------------------- the run
    def run(
        self,
        writer: Writer | None = None,
        *,
        progress: Callable[[Progress], None] | None = None,
        restored: Restored | None = None,
        record: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Collective: integrate to the end, writing on the way.

        Args:
            writer: Receives results on rank 0 (None elsewhere, or for a dry run).
            progress: Called after every step on rank 0.
            restored: A checkpoint to go on from.
            record: Facts for ``run.json`` that the simulation does not know itself.
        """
        self._begin(restored, writer)
        outputs = self._outputs
        outputs.begin({**(record or {}), **self._facts()}, resumed=restored is not None)
        end = self.case.time.end
        status, reason, begun = "done", f"day {end:g} was reached", False
        with Interrupt() as interrupt, self._phase("integration"):
            try:
                if restored is None:
                    outputs.start(self._integrator.y, self._ledger)
                    self._checkpoint(writer)
                begun = True
                clock = CheckpointClock(self.case.checkpoint, self._integrator.t, self.comm, writer)
                while self._integrator.t < end:
                    if not self._step():
                        continue
                    if progress is not None and self.comm.rank == 0:
                        progress(self._progress())
                    stop = self._stops.reason(self._integrator)
                    asked = interrupt.requested(self.comm)
                    if stop or asked:
                        status = "done" if stop else "requeue" if asked == REQUEUE else "interrupted"
                        reason = stop or MEANING[asked or ""]
                        if self._integrator.t < end:
                            outputs.finish(self._integrator, self._ledger)
                        break
                    if clock.due(self._integrator.t):
                        self._checkpoint(writer)
            except ComputationStopped as e:
                status = "stopped"
                reason = with_names(str(e), self.names)
                if broken := snapshot.damage(self.tissue, self.system, self._integrator.y):
                    reason += f" The state itself is damaged: {broken}."
        # without a first one the frame at day 0 would be missing for ever
        kept = begun and self._checkpoint(writer)
        if status == "requeue" and not kept:
            status, reason = (
                "stopped",
                f"{reason}; but without a checkpoint another turn would come no further",
            )
        return self._end(writer, status, reason)

    def _step(self) -> bool:
        """Collective: one step and all that comes with it; False if it was taken back for an event."""
        integrator = self._integrator
        before = {name: keeper.state for name, keeper in self._keepers.items()}
        stop = min(self.schedule.next_event(integrator.t), self._events.instant)
        integrator.step(stop if self._moving is None else min(stop, self._moving.horizon))
        happens = self._events.search(integrator, self._inputs)
        if happens is not None and happens < integrator.t:
            integrator.undo()
            return False
        try:
            self._follow(happens is not None)
        except ComputationStopped:  # no checkpoint halfway: what came with this step is not complete
            integrator.take_back(before.pop("integrator"))
            for name, state in before.items():
                self._keepers[name].state = state
            raise
        if self._moving is not None and self._moving.due(self.tissue, integrator):
            del integrator  # it is about to be replaced, with all that it holds
            with self._phase("re-cuts"):
                self._recut(self._moving)
        return True

    def _follow(self, happens: bool) -> None:
        """Collective: outputs, events, doses and clearing that belong to the last step."""
        integrator, ledger = self._integrator, self._ledger
        begin, t = integrator.span

        def half_way() -> np.ndarray:
            middle = integrator.scratch
            integrator.interpolate(0.5 * (begin + t), middle)
            return middle

        ledger.step(t, integrator.y, integrator.points, half_way)
        self._outputs.follow(integrator, ledger)
        if happens:
            self._happen()
        if happens or t in self.schedule.events:
            self._set_levels(t)
            integrator.restart(integrator.y, self.case.time.first_step)
            ledger.restart(integrator.t, integrator.y)
        self._stops.clear(integrator, ledger)

    def _recut(self, moving: Moving) -> None:
        """Collective: cut the surface anew where it is now, and go on from there."""
        old, t = self._integrator, self._integrator.t
        carried = moving.recut(self.tissue, self.system, old.legacy)
        before = self.system.reduce(self.system.totals(old.y))
        ledger, events = self._ledger.state, self._events.state
        self.equations.settle(moving.sample)
        self.equations.use_case_parameters()
        self._set_levels(t)
        states = [self.system.vector() for _ in old.legacy]
        moving.fill(carried, self.tissue, self.system, t, states)
        y = states[0]
        self._integrator = self.equations.integrator(t, y)
        self._integrator.inherit(old.state, old.ledgers, states)
        self._events = Events(self.network, self.tissue, self.schedule.defaults)
        self._events.state = events
        self._ledger = Ledger(self.system, self.network, self.tissue.sample.sigma0)
        self._ledger.state = ledger
        self._ledger.restart(t, self._integrator.y)
        kept = moving.kept
        self._ledger.jump(np.where(kept, 0.0, self.system.reduce(self.system.totals(y)) - before))
        if not moving.sample.surface_points:
            self._log(f"day {t:.6g}: no bone surface is left; what lived on it is gone")
        self._outputs.on(self.tissue, self.system)
        del old
        gc.collect()  # the old system, hundreds of MB of it, refers to itself

    def _set_levels(self, t: float) -> None:
        self.equations.set_levels(t, self._events.levels)

    def _inputs(self, t: float) -> dict[str, float]:
        """Levels of the inputs at a time, internal units."""
        return self.schedule.levels(t, self._events.levels)

    def _happen(self) -> None:
        """Collective: what the model's events do to the state and the inputs."""
        s, integrator = self.system, self._integrator
        before = s.totals(integrator.y)
        for event in self._events.happen(integrator, integrator.y, self._inputs(integrator.t)):
            self._log(f"day {integrator.t:.6g}: {event.meaning or event.name}")
        self._ledger.jump(s.reduce(s.totals(integrator.y) - before))

    # ---------------------------------------------------------------- what is told
    def _facts(self) -> dict[str, Any]:
        output = self.case.output
        return {
            **run_facts(self.tissue, self.network, self.foci),
            "faces": self.equations.faces.facts,
            "ranks": self.comm.size,
            "eroded_above": output.eroded_above,
            "infected_above": output.infected_above,
        }

    def _progress(self) -> Progress:
        n, s, integrator = self._integrator.statistics, self.system, self._integrator
        return Progress(
            integrator.t,
            self.case.time.end,
            n.accepted,
            n.rejected,
            integrator.control.step,
            s.iterations / max(s.solves, 1),
            self._outputs.last_row,
        )

    def _checkpoint(self, writer: Writer | None) -> bool:
        """Collective: hand the full state to the writer; whether it could be kept."""
        further = () if self._moving is None else self._moving.tables()
        return snapshot.keep(
            writer, self.tissue, self.system, self._integrator, self._keepers, further, self._log
        )

    def _end(self, writer: Writer | None, status: str, reason: str) -> Outcome:
        """Collective: the last facts."""
        integrator = self._integrator
        outcome = Outcome(
            status, reason, integrator.t, step_facts(integrator, self.names), dict(self.timings),
            self._outputs.last_row,
        )  # fmt: skip
        outcome.timings["memory_MB"] = peak_memory(self.comm)
        budget = budget_rows(self.tissue, self.system, self._ledger, integrator.t, integrator.y)
        budget += self._in_bone.rows(self.system, integrator.y, self._ledger)
        self._log(closure(budget))
        if writer is not None:
            try:
                writer.end(
                    {"status": status, "reason": reason, "time": integrator.t, "steps": outcome.steps,
                     "timings": outcome.timings, "cleared_at": self._stops.cleared_at, "budget": budget}
                )  # fmt: skip
            except OSError as e:
                self._log(f"run.json could not be finished: {e.strerror or e}")
        return outcome
