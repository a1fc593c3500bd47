# SPDX-License-Identifier: LGPL-3.0-or-later
"""Uniform data without bone: nothing varies in space, and time courses equal those of SciPy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

from ..study import COLORS, Convergence, Run, figure, loglog, run, save

NAMES = ("u", "v", "w", "prey", "hunter")
START = (2.0, 6.0, 0.0, 100.0, 50.0)
EVENTS = (0.0, 1.0, 2.5, 5.0)
LEVELS = (0.0, 4.0, 0.0)
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def rates(_t: float, y: np.ndarray, drug: float) -> list[float]:
    """The model file by hand."""
    u, v, w, prey, hunter = y
    bind = 50 * u * v - 200 * w
    hunt = 3 * prey * hunter / (100 + prey)
    return [
        30 * hunter / 100 - 5 * u - bind, -bind, bind,
        2 * prey * (1 - prey / 400) / (1 + drug) - hunt,
        hunt * (0.5 + u**2 / (25 + u**2)) - 1.5 * hunter,
    ]  # fmt: skip


def reference(times: np.ndarray) -> np.ndarray:
    """(populations, times) by SciPy's LSODA, restarted where the drug changes."""
    y, parts = np.array(START), []
    for a, b, drug in zip(EVENTS, EVENTS[1:], LEVELS, strict=False):
        inside = times[(times >= a) & (times < b)]
        found = solve_ivp(
            rates, (a, b), y, "LSODA", args=(drug,), t_eval=np.append(inside, b), rtol=1e-12, atol=1e-12
        )
        y = found.y[:, -1]
        parts.append(found.y[:, :-1])
    if times[-1] == EVENTS[-1]:
        parts.append(y[:, None])
    return np.hstack(parts)


def compare(r: Run) -> tuple[np.ndarray, np.ndarray]:
    """Relative to the largest value: errors (populations, times), and spreads over the mesh."""
    wanted = reference(r.result.marrow.times)
    got = np.array([r.result.marrow[n][:] for n in NAMES])
    size = wanted.max(axis=1)
    errors = np.abs(got.mean(axis=2) - wanted) / size[:, None]
    return errors, np.ptp(got, axis=2) / size[:, None]


def over_tolerance(
    folder: Path, tolerances: Sequence[float], **settings: object
) -> tuple[Convergence, Convergence, Run]:
    """Largest error and largest spread of all populations and times over the tolerance; the last run."""
    runs = [run("uniform", folder, f"tol{t}", time__tolerance=t, **settings) for t in tolerances]
    found = [compare(r) for r in runs]
    errors, spreads = (np.array([pair[i].max() for pair in found]) for i in (0, 1))
    sizes = np.array(tolerances)
    return Convergence("error", sizes, errors), Convergence("spread over the mesh", sizes, spreads), runs[-1]


def test_uniform_data_follow_the_ode(tmp_path):
    study, spread, _ = over_tolerance(tmp_path, (1e-3, 1e-5))
    assert (study.errors < 2 * study.sizes).all(), study
    assert (spread.errors < 0.1 * spread.sizes).all(), spread


def test_uniform_data_stay_uniform_as_far_as_linear_systems_are_solved(tmp_path):
    _, spread, _ = over_tolerance(tmp_path, (1e-3,), time__linear_tolerance=1e-10)
    assert spread.errors[0] < 1e-11, spread


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    study, spread, last = over_tolerance(work, TOLERANCES)
    fig, axes = figure(2)
    fine = np.linspace(0, EVENTS[-1], 501)
    courses = reference(fine)
    left = axes[0, 0]
    left.axvspan(1.0, 2.5, color="0.93", label="drug")
    for name, color, curve in zip(NAMES, COLORS, courses, strict=False):
        top = curve.max()
        left.plot(fine, curve / top, color=color, linewidth=1)
        left.plot(
            last.result.times,
            last.result.marrow[name][:].mean(axis=1) / top,
            "o",
            color=color,
            ms=3.5,
            label=name,
        )
    left.set(
        xlabel="time [day]", ylabel="value over its largest", ylim=(0, 1.45),
        title="osteofield (points) and SciPy (lines)",
    )  # fmt: skip
    left.legend(ncols=3, loc="upper center")
    loglog(
        axes[0, 1], [study, spread], order=1, size="tolerance", error="relative to the largest value",
        title="worst of all populations and times",
    )  # fmt: skip
    save(fig, folder, "uniform")
    return [str(study), str(spread)]
