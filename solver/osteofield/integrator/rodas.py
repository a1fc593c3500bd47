# SPDX-License-Identifier: LGPL-3.0-or-later
"""RODAS4: a stiffly accurate, L-stable Rosenbrock method of order 4 with dense output.

Coefficients: Hairer & Wanner, Solving Ordinary Differential Equations II, 2nd ed. 1996,
section IV.7 and the authors' code RODAS (method 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .acceptance import Acceptance, Statistics
from .control import StepControl
from .system import System

GAMMA = 0.25
ALPHA = (0.0, 0.386, 0.21, 0.63, 1.0, 1.0)
GAMMA_SUM = (0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0)
A = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
)
C = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
WEIGHTS = (*A[5], 1.0)
DENSE = (
    (10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662, 0.0),
    (-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872, 0.0),
)
STAGES = 6
GENTLY = 0.01  # of the last step: the first one after a change of mesh


def _stage_sums() -> np.ndarray:
    """B with k_i = h sum_j B_ij (F_j) for the scalar system Q' = R: the stages of a pure quadrature."""
    lower = np.zeros((STAGES, STAGES))
    for i, row in enumerate(C):
        lower[i, : len(row)] = row
    return GAMMA * np.linalg.inv(np.eye(STAGES) - GAMMA * lower)


_B = _stage_sums()


class Rodas:
    """Adaptive integration of a `System` with error control per population.

    Attributes:
        t, y: Time (day) and state after the last accepted step.
        ledger: This rank's part of the time integral of every population's reaction total, from
            the same stages as the solution: total(t) - total(0) - ledger is what the linear
            solves, the stiffness and the halo exchange failed to conserve.
    """

    def __init__(
        self,
        system: System,
        t: float,
        y: np.ndarray,
        control: StepControl,
        tolerance: float,
        linear_tolerance: float = 1e-2,
        *,
        acceptance: Acceptance | None = None,
        room: Callable[[], np.ndarray] | None = None,
    ):
        self.system, self.control = system, control
        self.tolerance, self.linear_tolerance = tolerance, linear_tolerance
        self._acceptance = acceptance or Acceptance(system, y, tolerance)
        self.ledger = np.zeros(system.populations)
        self._room = room or system.vector
        self._k = [self._room() for _ in range(STAGES)]
        self._f = self._room()
        self._stage: np.ndarray | None = None  # there is one while a step is tried
        self._old: np.ndarray | None = None
        self.t, self.y = t, y
        if room is None:
            self.y = self._room()
            self.y[:] = y
        self._ft = system.vector() if system.problem.explicit_time else None
        self._span: tuple[float, float] = (t, t)
        self._ledger_old = self.ledger.copy()
        self._stage_reaction = np.zeros((STAGES, system.populations))
        self._flows = self._stage_reaction  # of the last step's stages, with what their Jacobian adds

    def restart(self, y: np.ndarray, first_step: float) -> None:
        """Collective: go on from a state that was changed from outside, with a short first step."""
        self.y[:] = y
        self._acceptance.grow(y)
        self.control.step = self.control.rung(min(first_step, self.control.step))

    @property
    def legacy(self) -> list[np.ndarray]:
        """States, newest first, that `inherit` goes on from."""
        return [self.y]

    def inherit(self, facts: Mapping[str, Any], ledgers: np.ndarray, states: Sequence[np.ndarray]) -> None:
        """Collective: go on where another integrator is, on another mesh: error scales and counts stay.

        Args:
            facts, ledgers: `state` and `ledgers` of the other.
            states: Its `legacy` as it is on this mesh.
        """
        self.state, self.ledgers = facts, ledgers
        self.restart(states[0], GENTLY * facts["control"]["step"])

    @property
    def points(self) -> int:
        """See `Bdf.points`: what `interpolate` goes through are not ends of steps."""
        return 0

    @property
    def span(self) -> tuple[float, float]:
        """Begin and end of the last step."""
        return self._span

    def take_back(self, before: Mapping[str, Any]) -> None:
        """As if the last step had never been; `before`: `state` before it."""
        self.undo()
        self.state = before

    def undo(self) -> None:
        """Take the last step back, to take a shorter one."""
        self.t = self._span[0]
        old, new = self.ends
        self.y, self._old = old, new
        self.ledger = self._ledger_old
        self.statistics.accepted -= 1

    @property
    def statistics(self) -> Statistics:
        """Counts of steps."""
        return self._acceptance.statistics

    @property
    def magnitudes(self) -> np.ndarray:
        """Scale of every population that errors are measured against (largest mean so far)."""
        return self._acceptance.size

    @property
    def work(self) -> list[np.ndarray]:
        """Vectors that it needs no more once nobody asks for what was inside the last step."""
        return list(self._k)

    @property
    def free(self) -> np.ndarray:
        """A vector that it needs no more after its last step."""
        return self._f

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """States before and after the last step; not copies."""
        return self.y if self._old is None else self._old, self.y

    # ---------------------------------------------------------------- for checkpoints
    @property
    def states(self) -> list[np.ndarray]:
        """All states that the next steps depend on, newest first."""
        return [self.y]

    @property
    def ledgers(self) -> np.ndarray:
        """(states, populations): this rank's integrals that belong to them."""
        return self.ledger[None]

    @ledgers.setter
    def ledgers(self, values: np.ndarray) -> None:
        self.ledger = np.array(values[0])

    @property
    def state(self) -> dict[str, Any]:
        """What besides `states` and `ledgers` the next steps depend on; JSON. Set it before those two."""
        return {"times": [self.t], "control": self.control.state, "acceptance": self._acceptance.state}

    @state.setter
    def state(self, values: Mapping[str, Any]) -> None:
        (self.t,) = values["times"]
        self.control.state, self._acceptance.state = values["control"], values["acceptance"]

    # ---------------------------------------------------------------- steps
    def step(self, stop: float) -> None:
        """Collective: one accepted step, not beyond `stop`, which is hit exactly.

        Raises:
            ComputationStopped: The step would become shorter than the shortest one allowed.
        """
        if self._stage is None:
            self._stage = self._room()
        while True:
            h = self.control.fit(self.t, stop)
            failure, error = self._try(h, stop, self._stage)
            if failure is None:
                break
            self._acceptance.reject(failure, self.t, h)
            if not self.control.reject(h, error):
                raise self._acceptance.too_short(self.t, self.control.shortest, failure)
        self.control.accept(h, error)
        self._span = (self.t, stop if h == stop - self.t else self.t + h)
        self.t = self._span[1]
        self._old, self.y, self._stage = self.y, self._stage, self._old
        self._ledger_old = self.ledger
        self._flows = self._stage_reaction + [self.system.reaction_along(k) for k in self._k]
        self.ledger = self.ledger + self._quadrature(np.array(WEIGHTS), h)

    def _try(self, h: float, stop: float, stage: np.ndarray) -> tuple[str | None, float]:
        # a formula that jumps at the start has jumped; one that jumps at the stop has not yet
        after, before = np.nextafter(self.t, np.inf), np.nextafter(stop, -np.inf)
        s, k, c = self.system, self._k, 1.0 / (GAMMA * h)
        if not s.prepare(after, self.y, c):
            return "solve: a local block is singular", np.inf
        if self._ft is not None:
            s.time_derivative(after, self.y, self._ft)
        limit = self.linear_tolerance * self.tolerance * c
        for i in range(STAGES):
            r = k[i]
            if i == 0:
                s.rate(after, self.y, self._f)
            else:  # the stage and the old stages in its right side, in one pass over them
                s.linear2([1.0, *A[i]], [0.0, *(q / h for q in C[i])], [self.y, *k[:i]], stage, r)
                s.rate(min(self.t + ALPHA[i] * h, before), stage, self._f)
            self._stage_reaction[i] = s.reaction
            coefficients, vectors = [1.0, 1.0 if i else 0.0], [self._f, r]
            if self._ft is not None and GAMMA_SUM[i]:
                coefficients.append(GAMMA_SUM[i] * h)
                vectors.append(self._ft)
                self._stage_reaction[i] += GAMMA_SUM[i] * h * s.totals(self._ft)
            s.linear(coefficients, vectors, r)
            done = s.solve(r, r, self._acceptance.size, limit)
            if not done.converged:
                return "solve: the linear solver did not converge", np.inf
        s.linear([1.0, *WEIGHTS[:-1]], [self.y, *k[:-1]], stage)
        extent = s.advance(stage, k[-1])  # stiffly accurate: the last stage is the error
        scaled = self._acceptance.relative(extent.change, extent)
        failure = self._acceptance.objection(scaled, extent)
        if failure is None:
            self._acceptance.accept(h, extent)
        elif not failure.startswith("error"):
            return failure, np.inf
        return failure, float(scaled.max())

    def _quadrature(self, weights: np.ndarray, h: float) -> np.ndarray:
        """Integral of the reaction totals belonging to a combination of the stages."""
        return np.asarray(h * (weights @ _B) @ self._flows)

    @property
    def scratch(self) -> np.ndarray:
        """A vector to interpolate into, free until the next step or whoever asks next."""
        if self._stage is None:
            self._stage = self._room()
        return self._stage

    def interpolate(self, t: float, out: np.ndarray) -> np.ndarray:
        """State at `t` inside the last step (continuous to order 3); returns this rank's ledger there."""
        t0, t1 = self._span
        if t >= t1:
            out[:] = self.y
            return self.ledger
        s = (t - t0) / (t1 - t0)
        b = s * (1 - s)
        weights = np.array([b * (DENSE[0][j] + s * DENSE[1][j]) for j in range(STAGES)])
        self.system.linear([1 - s, s, *weights], [*self.ends, *self._k], out)
        return (1 - s) * self._ledger_old + s * self.ledger + self._quadrature(weights, t1 - t0)
