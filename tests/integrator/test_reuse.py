# SPDX-License-Identifier: LGPL-3.0-or-later
"""Node blocks of the preconditioner that serve several steps."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from osteofield.integrator import Bdf, StepControl, System, reuse
from osteofield.integrator.elimination import Couplings
from osteofield.integrator.reuse import FEW, SHARE, STEPS, Reuse


@pytest.fixture
def made():
    """Blocks just made for c = 10, without a hierarchy behind them."""
    r = Reuse(SimpleNamespace(set_blocks=lambda found: True, apart=False, groups=None))
    assert not r.serves(10.0) and r.make(10.0, Couplings(1))
    return r


def test_blocks_serve_so_many_steps(made):
    served = [made.serves(10.0) for _ in range(STEPS)]
    assert served == [True] * (STEPS - 1) + [False]
    assert made.made == 1


@pytest.mark.parametrize(
    ("factor", "serves"),
    [(1 - SHARE, True), (1 + SHARE, True), (0.49, False), (1.51, False), (0.0, False), (np.nan, False)],
)
def test_blocks_serve_steps_of_similar_length(made, factor, serves):
    assert made.serves(10.0 * factor) == serves


def test_blocks_with_too_many_iterations_are_given_up(made):
    made.solved(3)
    assert made.serves(10.0)
    made.solved(6)
    assert made.serves(10.0)
    made.solved(7)
    assert not made.serves(10.0)


def test_a_solve_of_one_iteration_says_nothing(made):
    made.solved(0)
    assert made.serves(10.0)
    made.solved(2 * FEW)
    assert made.serves(10.0)


def test_nothing_is_kept_of_blocks_that_serve_no_longer(made):
    assert made.state == {"c": 10.0, "age": 0, "first": 0, "groups": None}
    for _ in range(STEPS - 2):
        assert made.serves(10.0) and made.state is not None
    assert made.serves(10.0) and made.state is None
    made.forget()
    assert made.state is None and not made.serves(0.0)


def test_constants_solved_for_apart_need_the_blocks_of_their_step():
    r = Reuse(SimpleNamespace(set_blocks=lambda found: True, apart=True, groups=None))
    assert r.make(10.0, Couplings(1)) and not r.serves(10.0)


def run(problems, spoil=0, damage=np.nan):
    """An integrator at day 1; blocks that serve once more after step `spoil` are multiplied by the damage."""
    system = System(problems.square(16, problems.Driven))
    y = np.random.default_rng(5).uniform(0.5, 1.5, system.size)
    r = Bdf(system, 0.0, y, StepControl(1e-3, 1e-9), 1e-4, 1e-6)
    while r.t < 1.0:
        if 0 < spoil <= r.statistics.accepted and (system.reuse.state or {}).get("age"):
            inverse = system.hierarchy.levels[0].inverse
            inverse *= np.resize(damage, inverse.shape)
            spoil = 0
        r.step(1.0)
    assert spoil == 0
    return r


def test_a_run_makes_few_blocks_and_is_that_with_new_ones(problems, monkeypatch):
    older = run(problems)
    monkeypatch.setattr(reuse, "STEPS", 1)
    new = run(problems)
    tries = new.statistics.accepted + new.statistics.rejected
    assert len(older.system.hierarchy.levels) > 1
    assert new.system.reuse.made == tries
    assert older.system.reuse.made < 0.4 * tries
    assert older.system.reuse.renewed == older.system.rescued == 0
    assert older.system.iterations < 1.1 * new.system.iterations
    assert older.statistics == new.statistics
    assert np.abs(older.y - new.y).max() < 1e-7


@pytest.mark.parametrize("damage", [np.nan, (1.0, -30.0, 0.01)], ids=["at once", "slowly"])
def test_a_solve_that_fails_with_older_blocks_gets_new_ones(problems, damage):
    good, spoilt = run(problems), run(problems, 8, damage)
    assert (spoilt.system.iterations > good.system.iterations + 5) == (damage is not np.nan)
    assert spoilt.system.reuse.renewed == 1 and spoilt.system.rescued == 0
    assert spoilt.statistics == good.statistics
    assert np.abs(spoilt.y - good.y).max() < 1e-7


def test_diffusivities_and_other_methods_want_new_blocks(problems):
    r = run(problems)
    system = r.system
    for change in (
        lambda: system.set_diffusivity(np.array([0.4])),
        lambda: system.prepare(0.0, r.y, system.reuse.state["c"]),
        lambda: r.restart(r.y, 1e-3),
        r.undo,
    ):
        while system.reuse.state is None:
            r.step(9.0)
        change()
        assert system.reuse.state is None
