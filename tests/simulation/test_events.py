# SPDX-License-Identifier: LGPL-3.0-or-later
"""Events of a model: found within steps, hit exactly, applied everywhere; jumps; surface-only models."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from osteofield.api import case_network
from osteofield.errors import InputError

MODEL = """\
format = 1
name = "events"
title = "Growth that is reset, a pulse, a source that is halved"
[parameter]
k = { value = "1 1/day", meaning = "growth", source = "assumed" }
t1 = { value = "2.3 day", meaning = "begin of the pulse", source = "assumed" }
t5 = { value = "5 day", meaning = "earliest halving", source = "assumed" }
[input.supply]
unit = "1"
default = 1
meaning = "supply"
[population.A]
domain = "marrow"
unit = "1"
scale = "1"
initial = "1"
volume = { growth = "k*supply*(1 + 0.1*A)", pulse = "where(t > t1 and t < 2*t1, 0.5*k, 0*k)" }
[population.B]
domain = "surface"
unit = "1"
scale = "1"
initial = "0"
surface = { growth = "k*A*A" }
[event.reset]
when = "A >= 2.5"
set = { A = "A - 2", B = "B + 1" }
meaning = "harvest"
[event.halving]
when = "t >= t5 and B > 1"
set = { supply = "supply/2" }
"""

POINT = """\
format = 1
[sample]
well_mixed = true
[initial]
state = "model"
[model]
name = "model.toml"
[time]
end = "10 day"
tolerance = 1e-9
linear_tolerance = 1e-8
[output]
every = "0.5 day"
"""

PLATE = POINT.replace(
    "well_mixed = true",
    'cell_size = "100 um"\nshape = { kind = "plate", size = ["400 um", "200 um"], thickness = "150 um" }',
)


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model.toml").write_text(MODEL)
    return tmp_path / "model.toml"


def reference(times: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """A and B at the times, and when A was reset, by LSODA at 1e-12 between the instants."""
    y, t, supply, at, resets = np.array([1.0, 0.0]), 0.0, 1.0, {}, []
    while t < 10:
        pulse = 0.5 if 2.3 <= t < 4.6 else 0.0
        stop = min(s for s in (2.3, 4.6, 5.0, 10.0) if s > t)

        def full(_t, y):
            return y[0] - 2.5

        full.terminal, full.direction = True, 1
        found = solve_ivp(
            lambda _t, y, s=supply, p=pulse: [s * (1 + 0.1 * y[0]) + p, y[0] ** 2],
            (t, stop), y, "DOP853", rtol=1e-13, atol=1e-13, events=full, dense_output=True,
        )  # fmt: skip
        at |= {s: found.sol(s) for s in times if t <= s <= found.t[-1] and s not in at}
        t, y = found.t[-1], found.y[:, -1]
        if found.status == 1:
            resets.append(t)
            y = y + [-2.0, 1.0]
        elif t == 5.0:
            supply = 0.5
    return np.array([at[s] for s in times]).T, resets


@pytest.mark.parametrize(("text", "atol"), [(POINT, 2e-8), (PLATE, 2e-8)])
def test_events_against_an_independent_integrator(model, case, simulate, text, atol):
    run = simulate(case(text=text))
    times = run.writer.history["time [day]"]
    wanted, resets = reference(times)
    got = np.array([run.writer.history[f"{n}.mean [1]"] for n in "AB"])
    np.testing.assert_allclose(got, wanted, atol=atol * np.abs(wanted).max(axis=1).max(), rtol=0)
    assert run.log.count("harvest") == len(resets) > 4
    assert run.log.count("day 5: halving") == 1
    spread = [np.ptp(f.marrow["A"]) for f in run.writer.frames]
    assert max(spread) < 1e-7


def test_amounts_that_events_set_are_not_missing(model, case, simulate):
    history = simulate(case(text=POINT)).writer.history
    assert np.abs(history["A.residual [1]"]).max() < 1e-9
    assert np.abs(history["B.residual [1]"]).max() < 1e-9


def test_a_run_resumed_between_events_goes_on_the_same(model, case, simulate):
    whole = simulate(case(text=POINT)).writer.history
    first = simulate(case("time.end='6.5 day'", text=POINT))
    rest = simulate(case(text=POINT), restored=first.writer.checkpoints[-1]).writer.history
    for column in ("A.mean [1]", "B.mean [1]"):
        np.testing.assert_allclose(rest[column], whole[column][whole["time [day]"] > 6.5], rtol=1e-7)


def test_a_therapy_comes_on_top_of_what_an_event_set(model, case, simulate):
    course = '\n[[therapy]]\ndrug = "supply"\nfrom = "6 day"\nuntil = "8 day"\ndose = { level = 0.25 }\n'
    run = simulate(case(text=POINT + course))
    assert run.simulation.equations.kernels.inputs["supply"] == 0.5
    assert run.simulation.schedule.levels(7.0, {"supply": 0.5})["supply"] == 0.75


def test_events_that_follow_each_other_at_once(model, case, simulate):
    chained = MODEL + '[event.next]\nwhen = "B > 3 and supply < 0.6"\nset = { A = "0", B = "0" }\n'
    model.write_text(chained)
    run = simulate(case(text=POINT))
    assert "day 5: halving" in run.log
    assert "day 5: next" in run.log


@pytest.mark.parametrize(
    "condition", ["t > t5 and A > 0.1", "t >= t5 and A > 0.1", "A > 0.1 and not (t < t5)"]
)
def test_an_event_whose_condition_still_holds_happens_once(model, case, simulate, condition):
    text = MODEL.replace('"t >= t5 and B > 1"', f'"{condition}"')
    model.write_text(text.replace('{ supply = "supply/2" }', '{ A = "A + 0.1*supply" }'))
    assert simulate(case(text=POINT)).log.count("halving") == 1


def test_events_without_end_stop_the_run(model, case, simulate):
    model.write_text(
        MODEL.replace('when = "A >= 2.5"', 'when = "A >= 2.5 and A < 3.5"').replace('"A - 2"', '"4"')
        + '[event.back]\nwhen = "A > 3.8"\nset = { A = "3" }\n'
    )
    run = simulate(case(text=POINT))
    assert run.outcome.status == "stopped"
    assert "events set off each other without end" in run.outcome.reason
    assert run.writer.checkpoints


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ('{ supply = "supply/2" }', '{ suply = "1" }', "event.halving.set.suply", "did you mean 'supply'?"),
        ('{ supply = "supply/2" }', '{ supply = "k" }', "event.halving.set.supply", "is a rate"),
        ('A = "A - 2"', 'A = "A - B"', "event.reset.set.A", "cannot use the surface population 'B'"),
        ('"A >= 2.5"', '"A + 1"', "event.reset.when", "is not a condition"),
        ('"A >= 2.5"', '"x > x"', "event.reset.when", "must be one number for the whole sample, but 'x'"),
        ('when = "A >= 2.5"\n', "", "event.reset.when", "the key 'when' is missing"),
    ],
)
def test_faulty_events_are_located(model, case, old, new, key, message):
    model.write_text(MODEL.replace(old, new))
    with pytest.raises(InputError) as e:
        case_network(case(text=POINT))
    assert any(p.key == key and message in p.message and p.line for p in e.value.problems), e.value


SURFACE = """\
format = 1
name = "cells"
title = "Cells on bone only"
[parameter]
k = { value = "0.3 1/day", meaning = "death", source = "assumed" }
L = { value = "300 um", meaning = "wave length", source = "assumed" }
[population.OC]
domain = "surface"
unit = "1"
scale = "1"
initial = "3 + sin(x/L)*cos(y/L)"
surface = { death = "-k*OC", birth = "k*OB" }
[population.OB]
domain = "surface"
unit = "1"
scale = "1"
signed = true
initial = "-1"
surface = { change = "-k*OC" }
"""


def test_a_model_on_the_bone_surface_only_with_an_initial_value_that_varies(model, case, simulate):
    model.write_text(SURFACE)
    run = simulate(case("time.end='2 day'", text=PLATE))
    s = run.simulation
    where = s.tissue.layout
    points = np.empty((where.surface_count, 3))
    points[where.owned_surface] = where.position[where.on_surface]
    start = np.array(
        [3 + np.sin(points[:, 0] / 300) * np.cos(points[:, 1] / 300), np.full(len(points), -1.0)]
    )
    np.testing.assert_allclose(run.writer.frames[0].surface["OC"], start[0], rtol=1e-14)
    wanted = expm(2 * 0.3 * np.array([[-1.0, 1.0], [-1.0, 0.0]])) @ start
    last = run.writer.frames[-1].surface
    np.testing.assert_allclose(np.array([last["OC"], last["OB"]]), wanted, atol=1e-7)
    assert last["OB"].min() < 0 < np.ptp(last["OB"])


def test_a_population_that_is_not_signed_stops_the_run_below_zero(model, case, simulate):
    model.write_text(SURFACE.replace("signed = true\n", "").replace('"-1"', '"1"'))
    run = simulate(case(text=POINT))
    assert run.outcome.status == "stopped"
    assert "negative" in run.outcome.reason


def test_conserved_totals_are_columns_of_the_history(model, case, simulate):
    model.write_text(
        SURFACE.replace('"-k*OC", birth = "k*OB"', '"-k*OC"').replace('"-k*OC" }\n\n', "")
        .replace('change = "-k*OC"', 'change = "k*OC"')
        + '[conserved.cells]\ntotal = "OC + OB"\n'
    )  # fmt: skip
    for text in (POINT, PLATE):
        assert np.abs(simulate(case(text=text)).writer.history["cells.residual [1]"]).max() < 1e-12


def test_values_are_written_in_the_unit_of_their_population(model, case, simulate):
    text = SURFACE.replace('unit = "1"\nscale = "1"\ninitial = "3 + sin(x/L)*cos(y/L)"', PERCENT)
    model.write_text("\n".join(line for line in text.splitlines() if not line.startswith("L = ")))
    run = simulate(case("time.end='1 day'", text=PLATE))
    assert run.writer.history["OC.mean [%]"][0] == pytest.approx(50.0)
    assert run.writer.frames[0].surface["OC"] == pytest.approx(50.0)
    assert run.writer.checkpoints[0].arrays["surface/OC"].max() < 1.0  # checkpoints are internal


PERCENT = 'unit = "%"\nscale = "1"\ninitial = "50 %"'
