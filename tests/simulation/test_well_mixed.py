# SPDX-License-Identifier: LGPL-3.0-or-later
"""The point without space against an independent integrator, and a sample stirred until it is one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from osteofield.geometry import build_sample

from ..infected import RODENT, infected, point

STIRRED = """\
cell_size = "75 um"
[sample.shape]
kind = "sphere"
size = ["500 um", "450 um", "400 um"]
radius = "150 um"
"""


@pytest.fixture
def run(case, simulate):
    """``run(*settings, end=, every=, tolerance=, load=)``: a point with surface like trabecular bone."""

    def run(*settings, end=10, every=2, tolerance=1e-4, load="1000 CFU/mm^3"):
        text = point(
            load=load,
            parameters=RODENT,
            time=f'end = "{end} day"\ntolerance = {tolerance}\nlinear_tolerance = 1e-4',
            output=f'every = "{every} day"',
        )
        like_bone = ("sample.bone_surface_density=0.00486 1/um", "sample.bone_thickness=100.9 um")
        return simulate(case(*like_bone, *settings, text=text))

    return run


def reference(r, end, times):
    """The same kernel through SciPy's BDF, from the first frame."""
    s, kernel = r.simulation.system, r.simulation.system.problem.surface.kernel
    g, nm = s.problem.surface.g, s.problem.marrow_width
    frame = r.writer.frames[0]
    names = r.simulation.names
    start = np.array([(frame.marrow | frame.surface)[n][0] for n in names])
    node, a, x = np.zeros(1, np.int32), np.ones(1), np.zeros((1, 3))

    def rates(t, y):
        fm, fs = np.empty((1, nm)), np.empty((1, len(y) - nm))
        kernel.rates(t, node, np.array([y[:nm]]), np.array([y[nm:]]), a, g, x, fm, fs)
        return np.concatenate([fm[0], fs[0]])

    def jacobian(t, y):
        J, full = np.empty((1, len(kernel.jac_rows))), np.zeros((len(y), len(y)))
        kernel.jacobian(t, node, np.array([y[:nm]]), np.array([y[nm:]]), a, g, x, J)
        full[kernel.jac_rows, kernel.jac_cols] = J[0]
        return full

    scale = s.problem.scale
    done = solve_ivp(rates, (0, end), start, "BDF", times, jac=jacobian, rtol=1e-10, atol=1e-12 * scale)
    assert done.success
    return done.y.T


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5])
def test_point_against_bdf(run, tolerance):
    """Every population on every day stays within a few tolerances of its largest value."""
    r = run(end=12, every=1, tolerance=tolerance)
    times = [f.time for f in r.writer.frames]
    exact = reference(r, 12.0, times)
    values = [[(f.marrow | f.surface)[n][0] for n in r.simulation.names] for f in r.writer.frames]
    largest = np.maximum(np.abs(exact).max(axis=0), 0.01 * r.simulation.system.problem.scale)
    assert np.abs(np.array(values) - exact).max(axis=0) / largest == pytest.approx(0.0, abs=10 * tolerance)
    bacteria = r.simulation.names.index("bacteria")
    assert exact[:, bacteria].max() > 500.0


def test_point_without_infection_stays_healthy(run):
    r = run(load="", end=180, every=60, tolerance=1e-3)
    assert all(abs(f.surface["depth"][0]) < 1e-6 for f in r.writer.frames)


def test_bacteria_are_never_cleared_in_a_point(run):
    """A density has no least number of bacteria."""
    r = run(load="0.1 CFU/mm^3", tolerance=1e-3)
    assert r.writer.last["cleared_at"] is None
    last = r.writer.frames[-1].marrow["bacteria"][0]
    assert 0 <= abs(last) < 1e-3


def test_a_stirred_sample_is_the_point(case, simulate, run):
    """Diffusion ten thousand times faster than real: means within 1e-4 of the model without space."""
    from osteofield.kinetics import load_network

    names = [n for n in load_network("osteoimmune").numbers if n.startswith("diff_")]
    factor = 1e4
    values = {n: load_network("osteoimmune").model.parameters[n].value.text for n in names}
    parameters = "\n".join(
        f'{n} = "{float(v.split()[0]) * factor!r} {v.split(" ", 1)[1]}"' for n, v in values.items()
    )
    text = infected(
        STIRRED,
        focus='center = "center"\nradius = "5 mm"',
        parameters=f"{RODENT}\n{parameters}",
        time='end = "10 day"\ntolerance = 1e-6\nlinear_tolerance = 1e-2',
        output='every = "2 day"',
    )
    c = case(text=text)
    sample = build_sample(c.sample)
    whole = simulate(c)
    alone = run(
        f"sample.bone_surface_density={sample.sigma0!r} 1/um",
        f"sample.bone_thickness={sample.d0!r} um",
        tolerance=1e-6,
    )
    h, h0 = whole.writer.history, alone.writer.history
    assert h["depth.mean [um]"][-1] > 1.0
    compared = 0
    for column, wanted in h0.items():
        if column.endswith((".mean [pM]", ".mean [cells/mm^3]", ".mean [CFU/mm^3]", "depth.mean [um]")):
            assert np.abs(h[column] - wanted).max() <= 1e-4 * np.abs(wanted).max(), column
            compared += 1
    assert compared > 15
    assert h["bone_loss [%]"] == pytest.approx(h0["bone_loss [%]"], rel=1e-4, abs=1e-9)
