# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which steps count."""

from types import SimpleNamespace

import numpy as np
import pytest

from osteofield.integrator.acceptance import Acceptance
from osteofield.integrator.states import Extent

PEAK = np.array([4.0, 100.0, 100.0])  # one population diffuses, two stay in place, the last has a sign


@pytest.fixture
def acceptance():
    def make(tolerance):
        problem = SimpleNamespace(scale=np.ones(3), diffusing=1, signed=np.array([False, False, True]))
        system = SimpleNamespace(
            populations=3, problem=problem, norms=lambda y: 0.1 * PEAK, largest=lambda y: PEAK
        )
        return Acceptance(system, PEAK, tolerance)

    return make


def judged(acceptance, *lowest):
    extent = Extent(0.1 * PEAK, 0.1 * PEAK, np.array(lowest) * PEAK, PEAK)
    return acceptance.objection(np.full(3, 0.5), extent)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-3, 1e-2])
def test_how_far_below_zero_a_population_may_be(acceptance, tolerance):
    judge = acceptance(tolerance)
    local, diffusing = min(tolerance, 1e-3), max(tolerance, 1e-3)
    assert judged(judge, -0.99 * diffusing, -0.99 * local, -1.0) is None
    assert judged(judge, -1.01 * diffusing, 0.0, 0.0) == "negative: population 0"
    assert judged(judge, 0.0, -1.01 * local, 0.0) == "negative: population 1"


def test_too_short_a_step_says_what_helps(acceptance):
    judge = acceptance(1e-2)
    below = str(judge.too_short(1.0, 1e-9, "negative: neutrophil"))
    assert below.endswith("negative: neutrophil). A smaller time.tolerance may keep it above zero.")
    assert str(judge.too_short(1.0, 1e-9, "error: bacteria")).endswith("(last reason: error: bacteria).")
