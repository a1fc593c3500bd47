# SPDX-License-Identifier: LGPL-3.0-or-later
"""The ledger of amounts: turnover, jumps, what a checkpoint keeps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from osteofield.integrator import System
from osteofield.kinetics import Kernels
from osteofield.parallel import world
from osteofield.simulation.ledger import Ledger
from osteofield.tissue import WellMixed, build_tissue


@pytest.fixture
def point(network):
    tissue = build_tissue(WellMixed(network.sigma0, network.d0), network, Kernels(network), world())
    system = System(tissue.problem)
    y = system.vector()
    y[:] = [network.healthy[n] for n in tissue.names]
    return system, tissue, y


def test_gross_turnover_of_the_healthy_state(point, network):
    """TGF-b: as much is released as lost, D_TGFb TGFb per volume; half the sum of both."""
    system, tissue, y = point
    gross = dict(zip(tissue.names, Ledger(system, network).gross(0.0, y), strict=True))
    volume = 1e9
    assert gross["TGFb"] == pytest.approx(1.0 * network.healthy["TGFb"] * volume, rel=1e-6)
    assert gross["MCSF"] == pytest.approx(4.8 * 10.0 * volume, rel=1e-6)
    assert gross["RANKL"] == pytest.approx(10.132471014805 * network.healthy["RANKL"] * volume, rel=1e-6)
    assert gross["bacteria"] == 0.0


def test_residual_is_what_no_term_explains_over_the_turnover(point, network):
    system, tissue, y = point
    ledger = Ledger(system, network)
    ledger.start(0.0, y)
    ledger.step(2.0, y)
    k = tissue.names.index("MCSF")
    leaked, integral = y.copy(), np.zeros(len(tissue.names))
    leaked[k] += 0.5
    found = ledger.residuals(leaked, integral)
    assert found[k] == pytest.approx(0.5 / (2.0 * 48.0), rel=1e-6)
    assert np.abs(np.delete(found, k)).max() == 0.0
    integral[k] = 0.5e9  # explained by a reaction
    assert abs(ledger.residuals(leaked, integral)[k]) < 1e-12
    integral[k] = 0.0
    change = np.zeros(len(tissue.names))
    change[k] = 0.5e9  # explained by an event
    ledger.jump(change)
    assert abs(ledger.residuals(leaked, integral)[k]) < 1e-12


def test_no_turnover_no_residual(point, network):
    system, _, y = point
    ledger = Ledger(system, network)
    ledger.start(0.0, y)
    assert not ledger.residuals(2 * y, np.zeros(system.populations)).any()


def test_state_survives_a_checkpoint(point, network):
    system, _, y = point
    one, two = Ledger(system, network), Ledger(system, network)
    one.start(0.0, y)
    one.step(1.5, 1.1 * y)
    two.state = one.state
    for ledger in (one, two):
        ledger.step(2.5, 1.3 * y, 3)
    integral = np.zeros(system.populations)
    assert np.array_equal(one.residuals(1.4 * y, integral), two.residuals(1.4 * y, integral))


def test_flows_are_integrated_along_the_polynomial_of_the_solution(point, network):
    """MCSF grows as t^5: its loss in uneven steps, exact from six points on, without the middle."""
    system, tissue, y = point
    ledger, k = Ledger(system, network), tissue.names.index("MCSF")
    loss = ledger.names_of_flows.index(("MCSF", "loss"))

    def state(t):
        out = y.copy()
        out[k] *= t**5
        return out

    times = [1.0, 1.2, 1.7, 1.9, 2.5, 3.1, 3.4]
    ledger.start(times[0], state(times[0]))
    for begin, t in pairwise(times):
        before = ledger.integral[loss]
        ledger.step(t, state(t), 6, lambda: state(0.5 * (begin + t)))  # noqa: B023
        grown = (t**6 - begin**6) / 6 * ledger.flows(1.0, y)[loss]
        rel = 1e-12 if t > 3.0 else 3e-3  # Simpson's rule
        assert ledger.integral[loss] - before == pytest.approx(grown, rel=rel)
    assert -ledger.integral[loss] == pytest.approx((3.4**6 - 1.0) / 6 * 48.0e9, rel=1e-3)
