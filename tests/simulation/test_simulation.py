# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs of small cases: outputs, events, stops, clearing, checkpoints, failures."""

from __future__ import annotations

import errno

import numpy as np
import pytest

from osteofield.integrator.reuse import Reuse
from osteofield.simulation.snapshot import Restored
from osteofield.tissue import sizes


def without_focus(text):
    return text[: text.index("[[focus]]")] + text[text.index("[time]") :]


def with_therapy(text, drug, level, start, stop):
    therapy = f'[[therapy]]\ndrug = "{drug}"\nfrom = "{start} day"\nuntil = "{stop} day"\n'
    return text.replace("[time]", f"{therapy}dose = {{ level = {level} }}\n[time]")


@pytest.fixture
def plate(case_file):
    return case_file().read_text("utf-8")


def test_run_to_the_end(case, simulate):
    """One frame per output time, in order, all finite; the infection grows; amounts balance."""
    r = simulate(case("time.linear_tolerance=1e-7"))
    h = r.writer.history
    assert (r.outcome.status, r.outcome.exit_status, r.outcome.time) == ("done", 0, 4.0)
    assert r.outcome.reason == "day 4 was reached"
    assert np.array_equal(h["time [day]"], [0, 1, 2, 3, 4])
    assert all(np.isfinite(v).all() for v in h.values())
    assert h["bacteria_total [CFU]"][4] > 1.5 * h["bacteria_total [CFU]"][0]
    assert h["bone_loss [mm^3]"][4] > 0
    residuals = [v for c, v in h.items() if c.endswith(".residual [1]")]
    assert len(residuals) == len(r.simulation.names) - 1
    assert max(np.abs(v).max() for v in residuals) < 1e-8
    assert "homeostasis:" in r.log and "focus: 1000 CFU/mm^3 of bacteria" in r.log
    assert r.writer.last["status"] == "done"
    assert r.outcome.steps["accepted"] > 10
    assert {"tissue", "homeostasis", "integration", "memory_MB"} <= set(r.outcome.timings)


def test_mesh_and_fields_of_a_frame(case, simulate):
    r = simulate(case("time.end=1 day"))
    mesh, frame, t = r.writer.mesh, r.writer.frames[-1], r.simulation.tissue
    assert len(mesh.marrow_points) == len(frame.marrow["RANKL"]) == t.layout.marrow_count
    assert len(mesh.surface_points) == len(frame.surface["OCa"])
    assert sizes(mesh.marrow_points, mesh.marrow_cells).sum() == pytest.approx(0.6 * 0.4 * 1e6)
    assert sizes(mesh.surface_points, mesh.surface_cells).sum() == pytest.approx(800.0)
    total = frame.marrow["bacteria"][t.layout.owned] @ t.layout.volumes * 1e-6
    assert total == pytest.approx(frame.row["bacteria.total [CFU]"])
    focus = r.writer.record["foci"][0]
    assert focus["population"] == "bacteria" and focus["radius"] == 120.0
    # the infected side is the left one
    left = mesh.surface_points[:, 0] < 400
    assert frame.surface["depth"][left].mean() > frame.surface["depth"][~left].mean()


def test_output_fields_can_be_chosen(case, simulate):
    frame = simulate(case('output.fields=["TNF"]', "time.end=1 day")).writer.frames[0]
    assert list(frame.marrow) == ["TNF"]
    assert list(frame.surface) == ["depth"]  # pictures and E.De need it
    assert "RANKL.mean [pM]" in frame.row


def test_outputs_do_not_change_the_steps(case, simulate):
    """Output times are read from the dense output."""
    few = simulate(case('output.every="4 day"'))
    many = simulate(case('output.every="0.1 day"'))
    assert few.outcome.steps == many.outcome.steps
    assert few.writer.frames[-1].row == many.writer.frames[-1].row
    assert len(many.writer.frames) == 41


def test_dense_output_is_as_good_as_a_step(case, simulate, plate):
    """A therapy of nothing forces a step end at day 1.3; there, the interpolant of another run agrees."""
    settings = ['time.end="2 day"', "time.tolerance=1e-5"]
    plate = plate.replace('every = "1 day"', 'times = ["1.3 day"]')
    read = simulate(case(*settings, text=plate)).writer.frames[0].row
    text = with_therapy(plate, "anti_IL1", 0.0, 1.3, 1.9)
    hit = simulate(case(*settings, text=text)).writer.frames[0].row
    for column, value in hit.items():
        if ".residual" not in column:
            assert read[column] == pytest.approx(value, rel=2e-4, abs=1e-9), column


def test_therapies_begin_and_end_exactly(case, simulate, plate):
    text = with_therapy(plate, "antibiotic", 3.0, 0.7123, 1.9)
    text = with_therapy(text, "antibiotic", 2.0, 1.2, 99.0)
    text = with_therapy(text, "OPG_infusion", 50.0, 0.0, 1.2)
    seen = {}
    network_inputs = []

    def note(progress):
        seen[progress.day] = dict(network_inputs[0].inputs)

    c = case('time.end="2.5 day"', text=text)
    from osteofield.api import case_network, case_sample
    from osteofield.parallel import world
    from osteofield.simulation import Simulation

    network = case_network(c)
    simulation = Simulation(c, network, network.in_health(), case_sample(c), world())
    network_inputs.append(simulation.equations.kernels)
    simulation.run(progress=note)
    days = sorted(seen)
    assert {0.7123, 1.2, 1.9, 2.5} <= set(days)
    for day, inputs in seen.items():  # levels from that day on
        antibiotic = (3.0 if 0.7123 <= day < 1.9 else 0.0) + (2.0 if day >= 1.2 else 0.0)
        assert inputs["antibiotic"] == antibiotic
        assert inputs["OPG_infusion"] == (50.0 if day < 1.2 else 0.0)
    for event in (0.7123, 1.2, 1.9):  # a short step follows every change
        assert days[days.index(event) + 1] - event < 2e-4


def test_a_therapy_has_its_effect(case, simulate, plate):
    """OPG infused at 50 pM/day into healthy marrow for 2 days, against its loss of 0.35/day."""
    text = with_therapy(without_focus(plate), "OPG_infusion", 50.0, 0.5, 2.5)
    text = text.replace('every = "1 day"', 'times = ["0.5 day", "2.5 day"]')
    h = simulate(case("time.end=2.5 day", text=text)).writer.history
    gained = np.diff(h["OPG.mean [pM]"])[0]
    # the loss of OPG and, slightly, the answer of the osteoblasts
    assert gained == pytest.approx(50.0 / 0.35 * (1 - np.exp(-0.35 * 2.0)), rel=5e-2)


def test_small_infection_is_cleared(case, simulate, plate):
    """Antibiotic brings it below 1 CFU: all bacteria go, and the ledger knows of it."""
    text = with_therapy(plate, "antibiotic", 1e3, 0.0, 99.0)
    r = simulate(
        case('focus.0.load="100 CFU/mm^3"', "time.linear_tolerance=1e-7", "time.end=6 day", text=text)
    )
    h = r.writer.history
    cleared = r.writer.last["cleared_at"]
    assert 0.1 < cleared < 5.0
    assert f"day {cleared:.4g}: the infection is cleared (less than 1 CFU left)" in r.log
    before, after = h["time [day]"] < cleared - 1e-9, h["time [day]"] > cleared + 1e-9
    assert (h["bacteria_total [CFU]"][before] >= 1.0).all()
    for column in ("bacteria_total [CFU]", "bacteria.max [CFU/mm^3]", "biofilm.max [CFU/mm^3]"):
        assert not h[column][after].any()
    assert after.sum() >= 1 and before.sum() >= 1
    for name in ("bacteria", "biofilm", "TNF"):
        assert np.abs(h[f"{name}.residual [1]"]).max() < 1e-8
    assert r.outcome.time == 6.0  # goes on without a stop condition


def test_stop_when_cleared(case, simulate, plate):
    text = with_therapy(plate, "antibiotic", 1e3, 0.0, 99.0) + '[stop]\nwhen = ["cleared"]\n'
    r = simulate(case('focus.0.load="100 CFU/mm^3"', "time.end=20 day", text=text))
    cleared = r.writer.last["cleared_at"]
    assert r.outcome.status == "done"
    assert r.outcome.reason == f"the infection was cleared on day {cleared:.4g}"
    assert r.outcome.time == cleared < 6.0
    assert r.writer.frames[-1].time == cleared  # the end is written, whenever it comes
    assert r.writer.frames[-1].row["bacteria_total [CFU]"] == 0.0


def test_an_infection_that_lives_is_not_cleared(case, simulate, plate):
    r = simulate(case(text=plate + '[stop]\nwhen = ["cleared"]\n'))
    assert r.outcome.time == 4.0
    assert r.writer.last["cleared_at"] is None


def test_stop_when_steady(case, simulate, plate):
    """Healthy bone is in balance: over at the first step beyond a day."""
    text = without_focus(plate) + '[stop]\nwhen = ["steady"]\n'
    r = simulate(case("time.end=90 day", text=text))
    assert r.outcome.status == "done"
    assert "a steady state was reached" in r.outcome.reason
    assert 1.0 <= r.outcome.time < 45.0
    infected = simulate(case("time.end=2 day", text=plate + '[stop]\nwhen = ["steady"]\n'))
    assert infected.outcome.time == 2.0


def test_healthy_bone_stays_as_it_is(case, simulate, plate):
    """180 days, turnover of a rodent: nowhere a net loss or gain of 1e-6 um."""
    text = without_focus(plate)
    for shape in ('size=["800 um", "400 um"]', 'size=["400 um", "300 um", "300 um"]'):
        r = simulate(case("time.end=180 day", 'output.every="45 day"', f"sample.shape.{shape}", text=text))
        assert len(r.writer.frames) == 5
        for frame in r.writer.frames:
            assert np.abs(frame.surface["depth"]).max() < 1e-6
        assert np.ptp(r.writer.history["OCa.mean [pM]"]) < 1e-9 * r.writer.history["OCa.mean [pM]"][0]


@pytest.mark.parametrize(("full", "status", "code"), [(False, "requeue", 85), (True, "stopped", 3)])
def test_another_turn_is_asked_for_only_with_a_checkpoint(case, simulate, recorder, full, status, code):
    """A disk that is full would send a job round for ever."""
    import signal

    class Disk(recorder):
        def checkpoint(self, time, facts, arrays):
            if full and time > 0:
                raise OSError(28, "No space left on device")
            return super().checkpoint(time, facts, arrays)

    r = simulate(case(), Disk(), progress=lambda p: signal.raise_signal(signal.SIGUSR1))
    assert (r.outcome.status, r.outcome.exit_status) == (status, code)
    assert "SIGUSR1 announced the end of the job's time" in r.outcome.reason
    assert ("without a checkpoint" in r.outcome.reason) == full


def test_resumed_run_is_the_uninterrupted_one(case, simulate, monkeypatch):
    """Stopped by request where node blocks are two steps old, gone on from its checkpoint, in memory."""
    import signal

    whole, used = simulate(case()), []
    monkeypatch.setattr(
        Reuse, "solved", lambda self, n, solved=Reuse.solved: used.append(self) or solved(self, n)
    )

    def ask(progress):
        if progress.day > 1.5 and (used[-1].state or {}).get("age") == 2:
            signal.raise_signal(signal.SIGINT)

    first = simulate(case(), progress=ask)
    assert (first.outcome.status, first.outcome.exit_status) == ("interrupted", 3)
    assert first.outcome.reason == "a SIGINT signal asked for it"
    stopped = first.outcome.time
    assert 1.5 < stopped < 4.0
    checkpoint = first.writer.checkpoints[-1]
    assert checkpoint.time == stopped == first.writer.frames[-1].time
    assert checkpoint.facts["blocks"]["age"] == 2
    second = simulate(case(), restored=checkpoint)
    assert second.outcome.status == "done"
    assert [f.time for f in second.writer.frames] == [t for t in (0, 1, 2, 3, 4) if t > stopped]
    for frame in second.writer.frames:  # bit by bit
        assert frame.row == whole.writer.frames[round(frame.time)].row
    assert second.outcome.steps == whole.outcome.steps

    # a checkpoint of an earlier version, without blocks: new ones, and solutions as near as solves are exact
    facts = {k: v for k, v in checkpoint.facts.items() if k != "blocks"}
    keeper = facts["integrator"]
    acceptance = {k: v for k, v in keeper["acceptance"].items() if k != "blocks"}
    facts["integrator"] = {**keeper, "acceptance": acceptance}
    older = simulate(case(), restored=Restored(checkpoint.time, facts, checkpoint.arrays))
    a, b = (
        np.array([v for c, v in r.writer.frames[-1].row.items() if not c.endswith(".residual [1]")])
        for r in (older, whole)
    )
    assert older.outcome.status == "done" and not np.array_equal(a, b)
    assert a == pytest.approx(b, rel=1e-5, abs=1e-12)


def test_too_short_a_step_stops_with_a_checkpoint(case, simulate):
    r = simulate(case('time.shortest_step="0.05 day"', 'time.first_step="0.1 day"', "time.tolerance=1e-7"))
    assert (r.outcome.status, r.outcome.exit_status) == ("stopped", 3)
    assert "the time step fell below 0.05 day (last reason: error" in r.outcome.reason
    assert r.writer.checkpoints[-1].time == r.outcome.time
    assert r.writer.last["status"] == "stopped"
    assert r.outcome.steps["rejected"] >= 1
    assert sum(r.outcome.steps["rejections"].values()) == r.outcome.steps["rejected"]
    assert any(k.split(": ")[1] in r.simulation.names for k in r.outcome.steps["rejections"])


@pytest.mark.parametrize("where", ["begin", "frame"])
def test_full_disk_stops_the_run(case, simulate, recorder, where):
    class Full(recorder):
        def begin(self, *args):
            if where == "begin":
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().begin(*args)

        def frame(self, time, *args):
            if time >= 2.0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().frame(time, *args)

        def end(self, record):
            super().end(record)
            raise OSError(errno.ENOSPC, "No space left on device")

    if where == "begin":
        from osteofield.errors import ComputationStopped

        with pytest.raises(ComputationStopped, match="could not be written: No space left on device"):
            simulate(case(), Full())
        return
    r = simulate(case(), Full())
    assert (r.outcome.status, r.outcome.exit_status) == ("stopped", 3)
    assert r.outcome.reason == "the results could not be written: No space left on device."
    assert [f.time for f in r.writer.frames] == [0.0, 1.0]
    assert 1.0 < r.outcome.time < 2.0  # the step whose outputs were not complete is taken back
    assert r.writer.checkpoints[-1].time == r.outcome.time
    assert r.writer.checkpoints[-1].facts["outputs"]["rows"] == 2
    assert "run.json could not be finished" in r.log


def test_checkpoint_that_cannot_be_written_is_told(case, simulate, recorder):
    class Full(recorder):
        def checkpoint(self, *args):
            raise OSError(errno.ENOSPC, "No space left on device")

    r = simulate(case("time.end=1 day"), Full())
    assert r.outcome.status == "done"
    assert "the checkpoint at day 1 could not be written: No space left on device" in r.log


def test_model_start_without_homeostasis(case, simulate):
    r = simulate(case("initial.state=model", "time.end=1 day"))
    row, network = r.writer.frames[0].row, r.simulation.network
    assert row["RANKL.max [pM]"] == row["RANKL.mean [pM]"] or np.isclose(
        row["RANKL.max [pM]"], network.initial["RANKL"]
    )
    assert row["MCSF.mean [pM]"] == pytest.approx(network.initial["MCSF"])
    assert "homeostasis" not in r.log


def test_health_is_found_with_healthy_parameters(case, simulate):
    """A disease parameter does not move the start: homeostasis is that of healthy bone."""
    rows = [
        simulate(case(*s, "time.end=0.01 day")).writer.frames[0].row
        for s in ([], ["model.parameters.beta_OPG=8e7 1/day"], ["model.parameters.turnover=human"])
    ]
    assert rows[0]["OPG.mean [pM]"] == rows[1]["OPG.mean [pM]"]
    assert rows[0]["OPG.mean [pM]"] > 1e4


def test_open_boundary_lets_cytokines_out(case, simulate):
    means = {
        outer: simulate(case(f"boundary.outer={outer}")).writer.history["TNF.mean [pM]"][-1]
        for outer in ("closed", "open")
    }
    assert 0.1 * means["closed"] < means["open"] < 0.95 * means["closed"]
    r = simulate(case("boundary.outer=open", "time.linear_tolerance=1e-7", "time.end=2 day"))
    assert abs(r.writer.history["TNF.residual [1]"][-1]) < 1e-8
