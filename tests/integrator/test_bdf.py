# SPDX-License-Identifier: LGPL-3.0-or-later
"""Backward differentiation: orders, the choice among them, dense output, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest

from osteofield.integrator import Bdf, Rodas, StepControl, System, bdf
from osteofield.integrator.rodas import STAGES

from .conftest import END, START, reference


class Fixed(Bdf):
    """Steps of one length and, once the past is long enough, of one order."""

    wanted = 1

    def _choose(self, h, error):
        self.order = min(self.wanted, len(self._past) - 1)

    def begin(self, times, states):
        self._past.clear()
        self._past.pop()
        for t, y in zip(times, states, strict=True):
            self._past.push(t, y.copy(), np.zeros(3))
        self.order = self.wanted


@pytest.mark.parametrize("kind", ["Cubic", "Driven"])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_order_of_the_formulas_on_uneven_steps(problems, kind, order):
    """Lengths that alternate between h and 0.7 h, from exact states on; also between the steps."""
    system = System(problems.single(getattr(problems, kind)))
    steps = [20, 40, 80, 160] if order < 5 else [40, 80, 160]
    at_end, between = [], []
    for n in steps:
        lengths = np.tile([1.0, 0.7], n)
        times = np.concatenate([[0.0], np.cumsum(lengths) / lengths.sum() * END])
        times[-1] = END
        states = reference(system, times)
        r = Fixed(system, 0.0, START, StepControl(1.0, 1e-12), 1e9, 1e-14)
        r.wanted = order
        r.begin(times[: order + 1], states[: order + 1])
        out, worst = system.vector(), 0.0
        for k in range(order + 1, len(times)):
            r.control.step = 10.0
            r.step(times[k])
            middle = 0.5 * (times[k - 1] + times[k])
            if k > len(times) - 4:
                r.interpolate(middle, out)
                worst = max(worst, np.abs(out - reference(system, [middle])[0]).max())
        assert r.t == END
        at_end.append(np.abs(r.y - states[-1]).max())
        between.append(worst)
    found = np.log2(np.array(at_end[:-1]) / np.array(at_end[1:]))
    assert found[-1] == pytest.approx(order, abs=0.45)
    assert between[-1] < 3 * at_end[-1] + 1e-12


@pytest.mark.parametrize(("order", "angle"), [(1, 90), (2, 90), (3, 81), (4, 66), (5, 46)])
def test_angle_of_stability(order, angle):
    """The root locus stays outside a wedge about the negative axis (Hairer and Wanner 1996, V.2)."""
    back = 1.0 - np.exp(-1j * np.linspace(1e-3, np.pi, 20001))
    locus = sum(back**m / m for m in range(1, order + 1))
    locus = locus + bdf.FORWARD[order] * back ** (order + 1) / (order + 1)
    left = locus[locus.real < -1e-9]
    wedge = np.degrees(np.abs(np.arctan2(left.imag, -left.real))).min(initial=90.0)
    assert angle <= wedge + 1e-9


def test_order_rises_where_the_solution_is_smooth(problems):
    system = System(problems.single())
    r, orders = Bdf(system, 0.0, START, StepControl(1e-4, 1e-9), 1e-6), set()
    while r.t < END:
        r.step(END)
        orders.add(r.order)
        assert 1 <= r.order <= bdf.HIGHEST
    assert max(orders) == bdf.HIGHEST


def test_a_third_of_the_solves_of_rodas(problems):
    """On smooth kinetics, at errors that compare."""
    found = {}
    for method in (Bdf, Rodas):
        system = System(problems.single())
        r = method(system, 0.0, START, StepControl(1e-4, 1e-9), 1e-4)
        while r.t < END:
            r.step(END)
        found[method] = np.abs(r.y - reference(system, [END])[0]).max(), system.solves
    assert found[Bdf][0] < 3 * max(found[Rodas][0], 1e-5)
    assert found[Bdf][1] < 0.7 * found[Rodas][1]


def test_a_first_step_that_is_cut_short_says_nothing(problems):
    """A stop right after the start does not make the steps after it short."""
    system = System(problems.single())
    r = Bdf(system, 0.0, START, StepControl(1e-2, 1e-9), 1e-3)
    r.step(1e-7)
    assert r.t == 1e-7 and r.control.step > 100 * 1e-7
    r.step(1.0)
    assert r.t > 100 * 1e-7


def test_vectors_are_used_again(problems, monkeypatch):
    """The first step takes the state as it is; besides there are its interior and what it works in."""
    made = []
    system = System(problems.square(3))
    monkeypatch.setattr(system, "vector", lambda: made.append(np.zeros(system.size)) or made[-1])
    r = Bdf(system, 0.0, np.ones(system.size), StepControl(1e-3, 1e-9), 1e-3)
    r.step(1.0)
    assert len(made) == STAGES + 3
    out = r.scratch
    before = [y.copy() for y in r.states]
    r.interpolate(np.mean(r.span), out)
    assert all(np.array_equal(*pair) for pair in zip(before, r.states, strict=True))
    for _ in range(20):
        r.step(1.0)
        assert not any(np.shares_memory(r.scratch, y) for y in r.states)
    assert len(made) == STAGES + 4
    assert len(r._past.states) + len(r._past._spare) == bdf.HIGHEST + 4


def test_correction_of_a_steady_state_is_not_left_out(problems):
    """A solve is never skipped, however small its right side: a thousand steps at rest stay at rest."""
    system = System(problems.square(4, problems.Cubic, 1.0))
    y = np.full(system.size, np.sqrt(0.5))
    march = Rodas(system, 0.0, y, StepControl(1e-2, 1e-9), 1e-6)
    while march.t < 1e3:
        march.step(1e3)
    r = Bdf(system, 0.0, march.y, StepControl(1e-2, 1e-9, 1.0), 1e-2, 1.0)
    while r.t < 300.0:
        r.step(300.0)
    assert np.abs(r.y - march.y).max() < 1e-9
