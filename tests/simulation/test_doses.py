# SPDX-License-Identifier: LGPL-3.0-or-later
"""Doses in a run: levels that decay between doses against an independent integrator, and their instants."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ..infected import point

POINT = point(
    """
[[therapy]]
drug = "gentamicin"
from = "2 day"
until = "5 day"
dose = { bolus = "15 mg/kg", every = "1 day", half_life = "12 hour" }
[[therapy]]
drug = "denosumab"
from = "1 day"
dose = { injection = "0.01 mg/kg" }
""",
    time='end = "6 day"',
    output='times = ["0 day", "2 day", "3.1 day", "4 day", "6 day"]',
)


@pytest.fixture
def run(case, simulate):
    return lambda tolerance, *more: simulate(case(f"time.tolerance={tolerance}", *more, text=POINT))


def reference(r, times):
    """SciPy's BDF from event to event, with the levels of the schedule at every instant."""
    s, kernels = r.simulation.system, r.simulation.equations.kernels
    kernel, g, nm = kernels.surface, s.problem.surface.g, s.problem.marrow_width
    first = r.writer.frames[0]
    y = np.array([(first.marrow | first.surface)[n][0] for n in r.simulation.names])
    node, a = np.zeros(1, np.int32), np.ones(1)

    def rates(t, y):
        kernels.set_inputs(r.simulation.schedule.levels(t))
        fm, fs = np.empty((1, nm)), np.empty((1, len(y) - nm))
        kernel.rates(t, node, np.array([y[:nm]]), np.array([y[nm:]]), a, g, np.zeros((1, 3)), fm, fs)
        return np.concatenate([fm[0], fs[0]])

    out, stops = {}, sorted({*r.simulation.schedule.events, *times})
    for begin, end in zip([0.0, *stops], stops, strict=False):
        if end > begin:
            scale = s.problem.scale
            last = np.nextafter(end, 0)
            y = solve_ivp(rates, (begin, last), y, "BDF", rtol=1e-8, atol=1e-11 * scale).y[:, -1]
        out[end] = y
    return out


def test_a_run_with_decaying_levels_converges_to_the_reference(run):
    """Errors fall with the tolerance: the stages see the level at their own time."""
    errors = []
    for tolerance in (1e-4, 1e-6):
        r = run(tolerance)
        assert r.simulation.schedule.events == [1.0, 2.0, 3.0, 4.0]
        want = reference(r, [2.0, 3.1, 4.0, 6.0])
        scale, worst = r.simulation.system.problem.scale, 0.0
        for frame in r.writer.frames[1:]:
            got = np.array([(frame.marrow | frame.surface)[n][0] for n in r.simulation.names])
            ref = want[frame.time]
            worst = max(worst, float(np.max(np.abs(got - ref) / np.maximum(np.abs(ref), scale))))
        errors.append(worst)
    assert errors[0] < 1e-3
    assert errors[1] < 3e-5


def test_the_drug_acts_from_its_very_instant(run):
    """Until day 2 the course is the untreated one; a day later it is far below."""
    treated = run(1e-4).writer.history["bacteria.mean [CFU/mm^3]"]
    later = run(1e-4, "therapy.0.from=5 day", "therapy.0.until=6 day").writer.history[
        "bacteria.mean [CFU/mm^3]"
    ]
    assert treated[1] == pytest.approx(later[1], rel=1e-3)
    assert treated[2] < 0.3 * later[2]
