# SPDX-License-Identifier: LGPL-3.0-or-later
"""Events of a model: when their conditions turn true, and what they then set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ComputationStopped
from ..integrator import Integrator
from ..integrator.reduction import reduced
from ..kinetics import Network
from ..kinetics.evaluation import Evaluation
from ..kinetics.event import Event
from ..kinetics.expression import holds
from ..tissue import Tissue

Inputs = Callable[[float], Mapping[str, float]]
"""Levels of the inputs at a time (day), internal units."""

_ROUNDS = 100  # events that set off each other at one instant


class Events:
    """Watches the conditions of a network's events while it is integrated.

    An event happens at the instant at which its condition turns from false to true; one that holds
    at the start waits until it has been false. Conditions see the mean of every population over its
    domain. A condition that turns true and false again within one step is not seen.

    Attributes:
        levels: Inputs that events have set, internal units.
        instant: When something is known to happen that the integrator has not reached yet; else infinity.
    """

    def __init__(self, network: Network, tissue: Tissue, levels: Mapping[str, float]):
        self._network, self._tissue = network, tissue
        self._events: Sequence[Event] = tuple(network.model.events.values())
        mine, n = tissue.layout, network
        volume, area = reduced(tissue.problem.comm, np.array([mine.volumes.sum(), mine.areas.sum()])).tolist()
        self._measures = np.array([volume] * len(n.marrow) + [max(area, 1e-300)] * len(n.surface))
        self._was = np.zeros(len(self._events), bool)
        self._due = np.zeros(len(self._events), bool)
        self.instant = np.inf
        self.levels = {n: levels[n] for e in self._events for n in e.set if n in levels}

    # ---------------------------------------------------------------- conditions
    def _values(self, t: float, totals: np.ndarray, inputs: Mapping[str, float]) -> Evaluation:
        n = self._network
        means = dict(zip(self._tissue.names, totals / self._measures, strict=True))
        return Evaluation(n.definitions, {**n.uniform(inputs), **means, "t": t})

    def _truth(
        self, integrator: Integrator, t: float, y: np.ndarray, inputs: Mapping[str, float]
    ) -> np.ndarray:
        """Collective: which conditions hold."""
        s = integrator.system
        values = self._values(t, s.reduce(s.totals(y)), inputs)
        with np.errstate(all="ignore"):
            return np.array([bool(holds(e.when.tree, values)) for e in self._events])

    def start(self, integrator: Integrator, inputs: Inputs) -> None:
        """Collective: note what holds at the beginning."""
        if self._events:
            self._was = self._truth(integrator, integrator.t, integrator.y, inputs(integrator.t))

    def search(self, integrator: Integrator, inputs: Inputs) -> float | None:
        """Collective: the first instant within the last step at which something happens, or None.

        If that is before the end of the step, the step is to be undone and one taken to `instant`,
        after which this returns it again.
        """
        if not self._events:
            return None
        if np.isfinite(self.instant):
            return self.instant if integrator.t >= self.instant else None
        now = self._truth(integrator, integrator.t, integrator.y, inputs(integrator.t))
        if not (now & ~self._was).any():
            self._was = now
            return None
        before, after = integrator.span
        dense = integrator.scratch
        while before < (t := 0.5 * (before + after)) < after:
            integrator.interpolate(t, dense)
            there = self._truth(integrator, t, dense, inputs(t))
            if (there & ~self._was).any():
                after, now = t, there
            else:
                before = t
        self._due, self.instant = now & ~self._was, after
        return after

    # ---------------------------------------------------------------- changes
    def happen(self, integrator: Integrator, y: np.ndarray, inputs: Mapping[str, float]) -> list[Event]:
        """Collective: apply what is due to `y` and `levels`; events set off thereby follow at once.

        Raises:
            ComputationStopped: Events set off each other without end.
        """
        due, current = self._due, dict(inputs)
        done: list[Event] = []
        self.instant = np.inf
        for _ in range(_ROUNDS):
            happening = [e for e, d in zip(self._events, due, strict=True) if d]
            self._apply(happening, integrator, y, current)
            done += happening
            now = self._truth(integrator, integrator.t, y, current)
            touched = {n for e in happening for n in e.set}
            # round-off may leave a condition just short of true; only what was set may turn it back
            held = np.array(
                [d and not self._depends(e, touched) for e, d in zip(self._events, due, strict=True)], bool
            )
            due, self._was = now & ~(self._was | due), now | held
            if not due.any():
                return done
        names = ", ".join(e.name for e in happening)
        raise ComputationStopped(f"at day {integrator.t:.6g} events set off each other without end: {names}.")

    def _depends(self, event: Event, names: set[str]) -> bool:
        uses = self._network.structure.uses
        return any(uses.get(s, frozenset()) & names for s in event.when.symbols)

    def _apply(
        self, events: Sequence[Event], integrator: Integrator, y: np.ndarray, inputs: dict[str, float]
    ) -> None:
        s, n = integrator.system, self._network
        means = self._values(integrator.t, s.reduce(s.totals(y)), inputs)
        marrow, surface, problem = s.marrow(y), s.surface(y), s.problem
        node = problem.surface.node
        known: dict[str, Any] = {**n.uniform(inputs), "t": integrator.t}
        places = (
            {c: problem.position[:, k] for k, c in enumerate("xyz")} if problem.position is not None else {}
        )
        inside = known | places | {p.name: marrow[:, k].copy() for k, p in enumerate(n.marrow)}
        at_bone = {k: v[node] if isinstance(v, np.ndarray) else v for k, v in inside.items()}
        at_bone |= {p.name: surface[:, k].copy() for k, p in enumerate(n.surface)}
        at_bone |= {f.name: problem.surface.g[:, k] for k, f in enumerate(n.fields)}
        volume, bone = Evaluation(n.definitions, inside), Evaluation(n.definitions, at_bone)
        column = {p.name: k for k, p in enumerate(n.marrow)}
        columns = {p.name: k for k, p in enumerate(n.surface)}
        changes: dict[str, float] = {}
        for event in events:
            for name, e in event.set.items():
                if name in column:
                    marrow[:, column[name]] = volume.of(e)
                elif name in columns:
                    surface[:, columns[name]] = bone.of(e)
                else:
                    changes[name] = float(np.real(means.of(e)))
        # a therapy may come on top of what events have set
        inputs |= {k: inputs[k] + v - self.levels[k] for k, v in changes.items()}
        self.levels |= changes

    # ---------------------------------------------------------------- checkpoints
    @property
    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        instant = self.instant if np.isfinite(self.instant) else None
        return {
            "levels": dict(self.levels), "was": self._was.tolist(), "due": self._due.tolist(),
            "instant": instant,
        }  # fmt: skip

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        self.levels = dict(values["levels"])
        self._was, self._due = np.array(values["was"], bool), np.array(values["due"], bool)
        self.instant = np.inf if values["instant"] is None else values["instant"]
