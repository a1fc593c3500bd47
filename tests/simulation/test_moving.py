# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs whose bone surface moves: amounts across re-cuts, the limit of small depth, checkpoints, columns."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.tissue import lumped

from ..infected import RODENT, plate

INFECTED = plate(
    head='surface = "moves"\n[remodelling]\nrecut = 0.1',
    cell="40 um",
    parameters=f"{RODENT}\ne = 30",
    time='end = "20 day"',
    output='every = "1 day"',
)

QUIET = """\
format = 1
name = "quiet"
title = "Nothing reacts; the wall recedes, faster on one side"
[roles]
depth = "depth"
resorption = "retreat"
[parameter]
D = { value = "20 um^2/s", meaning = "diffusivity", source = "assumed" }
v = { value = "1 um/day", meaning = "speed of the wall", source = "assumed" }
L = { value = "400 um", meaning = "length", source = "assumed" }
[population.solute]
domain = "marrow"
unit = "pM"
diffusivity = "D"
initial = "3 pM"
scale = "1 pM"
[population.germ]
domain = "marrow"
unit = "pM"
initial = "2 pM"
scale = "1 pM"
[population.cell]
domain = "surface"
unit = "pM"
initial = "5 pM"
scale = "1 pM"
[population.depth]
domain = "surface"
unit = "um"
initial = "0 um"
scale = "1 um"
signed = true
surface = { retreat = "v*(0.3 + x/L)" }
"""

MOVING = """\
format = 1
surface = "moves"
[sample]
cell_size = "40 um"
shape = { kind = "sphere", size = ["500 um", "400 um"], radius = "140 um" }
[initial]
state = "model"
[model]
name = "quiet.toml"
[time]
end = "20 day"
linear_tolerance = 1e-8
[output]
every = "2 day"
"""


@pytest.fixture
def quiet(case, case_file):
    def make(*settings, text=MOVING):
        case_file(QUIET, "quiet")
        return case(*settings, text=text)

    return make


def amounts(writer, frame):
    """Integral of every field over the mesh it was written on, computed from that mesh alone."""
    at = writer.frames.index(frame)
    mesh = next(f.mesh for f in writer.frames[at::-1] if f.mesh is not None)
    volume = lumped(mesh.marrow_points, mesh.marrow_cells, len(mesh.marrow_points))
    area = lumped(mesh.surface_points, mesh.surface_cells, len(mesh.surface_points))
    return {n: v @ volume for n, v in frame.marrow.items()} | {n: v @ area for n, v in frame.surface.items()}


def test_fifty_recuts_keep_every_balance(case, simulate):
    """The osteoimmune model in an infected plate, solved tightly: residuals stay at round-off."""
    tight = ("time.linear_tolerance=3e-10", "time.tolerance=1e-2")
    r = simulate(
        case(*tight, "remodelling.recut=0.007", "time.end=10 day", "sample.cell_size=60 um", text=INFECTED)
    )
    h, books = r.writer.history, r.simulation._moving.bone.books
    assert r.outcome.status == "done" and books.recuts >= 50
    residuals = {c: np.abs(v).max() for c, v in h.items() if c.endswith(".residual [1]")}
    assert len(residuals) == len(r.simulation.names) - 1
    assert max(residuals.values()) < 1e-10, residuals
    assert h["bone_loss [mm^3]"][-1] > 0.005
    assert np.allclose(
        h["bone_loss [mm^3]"], h["resorbed [mm^3]"] - h["formed [mm^3]"] + h["detached [mm^3]"], atol=1e-12
    )
    assert h["BV/TV [1]"][0] == pytest.approx(0.25) and (np.diff(h["BV/TV [1]"]) < 1e-12).all()
    for frame in r.writer.frames:
        assert min(v.min() for n, v in frame.marrow.items()) >= -1e-6


def test_without_reactions_only_dilution_is_seen(quiet, simulate):
    """Amounts stay, means fall as marrow grows; a solute is spread evenly again, germs stay near."""
    r = simulate(quiet("remodelling.recut=0.1", 'sample.shape.size=["400 um", "400 um", "400 um"]'))
    frames, recuts = r.writer.frames, r.simulation._moving.bone.books.recuts
    assert recuts >= 5 and sum(f.mesh is not None for f in frames) >= 4
    first = amounts(r.writer, frames[0])
    for frame in frames[1:]:
        now = amounts(r.writer, frame)
        for name in ("solute", "germ", "cell"):
            assert now[name] == pytest.approx(first[name], rel=1e-10), (frame.time, name)
        solute, germ = frame.marrow["solute"], frame.marrow["germ"]
        assert np.ptp(solute) < 5e-3 * solute.mean()
        assert germ.min() > 0.3 and germ.max() < 2.1
    v = r.writer.history["solute.mean [pM]"]
    bone = r.writer.history["BV/TV [1]"]
    assert v[-1] / v[0] == pytest.approx((1 - bone[0]) / (1 - bone[-1]), rel=5e-3)


def test_a_recut_alone_is_not_seen(quiet, simulate):
    """Right after a re-cut, every mean is what it was, but for the new marrow volume: to 1e-3 and better."""
    r = simulate(
        quiet(
            "time.end=8 day",
            'output.every="0.02 day"',
            "remodelling.recut=0.1",
            'sample.shape.size=["400 um", "400 um", "400 um"]',
        )
    )
    frames = r.writer.frames
    jumps = [i for i, f in enumerate(frames) if f.mesh is not None and i]
    assert jumps
    for i in jumps:
        before, after = (
            amounts(r.writer, frames[i - 1]),
            amounts(r.writer, frames[i]),
        )
        for name in ("solute", "germ", "cell"):
            assert after[name] == pytest.approx(before[name], rel=1e-3)
        depth = [f.surface["depth"] for f in (frames[i - 1], frames[i])]
        assert depth[1].max() == pytest.approx(depth[0].max(), abs=0.3)  # recorded depth goes on


def test_small_depth_is_the_same_as_recorded_depth(case, simulate):
    """As long as the surface is not cut anew nothing differs; beyond, little does."""
    moved = simulate(case("time.end=8 day", text=INFECTED))
    moves = moved.writer.history
    stayed = simulate(
        case(
            "time.end=8 day", text=INFECTED.replace('"moves"\n[remodelling]\nrecut = 0.1', '"records depth"')
        )
    )
    stays = stayed.writer.history
    recuts = moved.simulation._moving.bone.books.recuts
    assert recuts >= 3  # each costs few steps, since the integrator goes on from its past
    assert moved.simulation.system.solves - stayed.simulation.system.solves <= 12 * recuts
    loss = "bone_loss [mm^3]"
    assert stays[loss][3] > 1e-4
    for i in (1, 2, 3):  # before the first re-cut
        assert moves[loss][i] == pytest.approx(stays[loss][i], rel=1e-3)
        assert moves["OCa.mean [pM]"][i] == pytest.approx(stays["OCa.mean [pM]"][i], rel=1e-3)
    assert moves[loss][-1] == pytest.approx(stays[loss][-1], rel=0.02)
    assert moves["depth.mean [um]"][-1] == pytest.approx(stays["depth.mean [um]"][-1], rel=0.02)


def test_health_does_not_move(case, simulate):
    text = INFECTED[: INFECTED.index("[[focus]]")] + INFECTED[INFECTED.index("[time]") :]
    r = simulate(case("time.end=60 day", text=text))
    assert r.simulation._moving.bone.books.recuts == 0
    assert r.writer.history["BV/TV [1]"][-1] == pytest.approx(0.25, rel=1e-9)


def test_resumed_across_recuts(case, simulate):
    """Stopped after some re-cuts, gone on from the checkpoint: the uninterrupted run, bit by bit."""
    settings = ["time.end=8 day", "remodelling.recut=0.08"]
    whole = simulate(case(*settings, text=INFECTED))

    def ask(progress):
        if progress.day > 6.0:
            signal.raise_signal(signal.SIGINT)

    first = simulate(case(*settings, text=INFECTED), progress=ask)
    assert first.outcome.status == "interrupted"
    assert 1 < first.simulation._moving.bone.books.recuts < whole.simulation._moving.bone.books.recuts
    second = simulate(case(*settings, text=INFECTED), restored=first.writer.checkpoints[-1])
    assert second.outcome.status == "done"
    assert sum(f.mesh is not None for f in second.writer.frames) > 0
    for frame in second.writer.frames:
        same = whole.writer.frames[round(frame.time)]
        assert frame.row == same.row, frame.time


def test_bone_that_is_gone(quiet, simulate):
    """A ball dissolves: the run goes on in plain marrow, and what sat on the bone is booked out."""
    r = simulate(quiet("time.end=40 day", "model.parameters.v=12 um/day", 'output.every="4 day"'))
    h = r.writer.history
    assert r.outcome.status == "done"
    assert h["BV/TV [1]"][-1] == 0.0 and h["bone_loss [%]"][-1] == pytest.approx(100.0)
    assert "no bone surface is left" in r.log
    assert len(r.writer.frames[-1].surface["cell"]) == 0
    assert np.abs(h["solute.residual [1]"]).max() < 1e-8 and np.abs(h["cell.residual [1]"]).max() < 1e-8


def test_cases_that_cannot_move(case):
    with pytest.raises(InputError, match="a well-mixed sample has no surface that could move"):
        case(
            text=INFECTED[: INFECTED.index("[sample]")]
            + '[sample]\nwell_mixed = true\n[model]\nname = "osteoimmune"\n[time]\nend = "1 day"\n'
        )
    with pytest.raises(InputError, match='write surface = "moves"'):
        case(text=INFECTED.replace('surface = "moves"', 'surface = "records depth"'))
    with pytest.raises(InputError, match="recut"):
        case("remodelling.recut=0.8", text=INFECTED)


def test_a_model_without_depth_cannot_move(quiet, case_file, simulate):
    case = quiet()
    case_file(QUIET.replace('[roles]\ndepth = "depth"\nresorption = "retreat"\n', ""), "quiet")
    with pytest.raises(InputError, match="name no depth"):
        simulate(case)


def test_another_run_cannot_start_from_a_mesh_that_has_moved(case_file, tmp_path):
    import osteofield

    file = case_file(INFECTED, "moved")
    osteofield.run(file, tmp_path / "moved", settings=["time.end=0.2 day"])
    text = INFECTED.replace("[sample]\n", f'[initial]\nfrom = "{tmp_path / "moved"}"\n[sample]\n', 1)
    with pytest.raises(InputError, match="has moved, and a case can only start on"):
        osteofield.run(case_file(text, "next"), tmp_path / "next")
