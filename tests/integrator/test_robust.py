# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whole runs of hard problems: the number of steps, and of iterations per solve, stays bounded."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import Bdf, StepControl, System


def infected(problems):
    """Toxin u is made by bacteria w and cleared; w grows to 1 and is killed at the rate `kill`, 1/day."""

    class Infected(problems.Cubic):
        kill = 0.0

        def rates(self, t, node, ym, ys, a, g, x, fm, fs):
            u, w = ym[node, 0], ym[node, 1]
            fm[node, 0] = 50.0 * w - 20.0 * u
            fm[node, 1] = 2.0 * w * (1.0 - w) - Infected.kill * w
            if self.on_surface:
                fs[:, 0] = u - ys[:, 0]

        def jacobian(self, t, node, ym, ys, a, g, x, J):
            J[:] = 0.0
            J[:, 0], J[:, 1] = -20.0, 50.0
            J[:, -3 if self.on_surface else -1] = 2.0 - 4.0 * ym[node, 1] - Infected.kill
            if self.on_surface:
                J[:, -2], J[:, -1] = 1.0, -1.0

    return Infected


def run(r: Bdf, end: float) -> tuple[int, int, float]:
    """Steps accepted and rejected, and iterations per solve, up to `end`."""
    s, n = r.system, r.statistics
    accepted, rejected, solves, iterations = n.accepted, n.rejected, s.solves, s.iterations
    while r.t < end:
        r.step(end)
    assert s.rescued == 0
    return (
        r.statistics.accepted - accepted,
        r.statistics.rejected - rejected,
        (s.iterations - iterations) / (s.solves - solves),
    )


@pytest.mark.parametrize("faster", [1.0, 1e4], ids=["D", "D x 1e4"])
def test_a_bolus_that_kills_within_seconds(problems, faster):
    """At day 3 bacteria begin to die at 10^4 per day; a diffusivity 10^4 times larger changes nothing."""
    kernel = infected(problems)
    system = System(problems.square(12, kernel, 0.3 * faster))
    y = system.vector()
    focus = np.random.default_rng(0).uniform(0.0, 0.2, len(system.marrow(y)))
    system.marrow(y)[:, 1] = focus * (focus > 0.15)
    r = Bdf(system, 0.0, y, StepControl(1e-4, 1e-9), 1e-3)
    steps, rejected, iterations = run(r, 3.0)
    assert steps <= 80 and rejected <= 5 and iterations <= 4
    assert r.y.max() > 0.9
    kernel.kill = 1e4
    r.restart(r.y, 1e-4)
    steps, rejected, iterations = run(r, 10.0)
    assert steps <= 115 and rejected <= 8 and iterations <= 4
    assert np.abs(system.marrow(r.y)).max() < 1e-3
    assert system.marrow(r.y)[:, 1].min() > -1e-3


def test_thirteen_solutes_with_diffusivities_far_apart(problems):
    """Bound in a ring at rates over five decades, diffusivities over four, from noise to rest."""
    n = 13
    matrix = -np.diag(10.0 ** np.linspace(-1, 4, n))
    for k in range(n):
        matrix[k, (k + 1) % n] = 0.3 * abs(matrix[k, k])
    system = System(problems.square(12, problems.linear(matrix, matrix, n), np.logspace(-3, 1, n)))
    system.problem.signed[:] = True
    y = np.random.default_rng(0).uniform(0.5, 1.5, system.size)
    r = Bdf(system, 0.0, y, StepControl(1e-5, 1e-9), 1e-3)
    steps, rejected, iterations = run(r, 100.0)
    assert steps <= 150 and rejected <= 5 and iterations <= 6
    assert np.abs(r.y).max() < 0.1
