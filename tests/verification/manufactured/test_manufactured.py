# SPDX-License-Identifier: LGPL-3.0-or-later
"""A manufactured solution on cut meshes: second order in space; the order in time as stiffness allows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..study import Convergence, Run, figure, loglog, run, save, shape

L, U, V, AMPLITUDE, OMEGA, TAU, END = 400.0, 10.0, 4.0, 0.5, 20.0, 0.05, 0.0625
LIGHT = {2: (40.0, 25.0, 16.0), 3: (66.0, 44.0, 28.6)}
FULL = {2: (40.0, 25.0, 16.0, 10.0, 6.25), 3: (66.0, 50.0, 36.4, 25.0, 18.2)}
STEPS = (2, 4, 8, 16, 32, 64)


def exact(points: np.ndarray, t: float) -> dict[str, np.ndarray]:
    """The formulas of the model file, by hand: (n, 3) points to values by population."""
    k = np.pi / L
    x, y, z = points.T
    f, g = np.sin(OMEGA * t), 1 - np.exp(-t / TAU)
    first = np.cos(k * x) * np.cos(k * y) * np.cos(k * z)
    second = np.cos(2 * k * x) * np.cos(k * y)
    return {
        "u": U * (1 + AMPLITUDE * f * first),
        "v": V * (1 + AMPLITUDE * g * second),
        "w": U * (1 + AMPLITUDE * f * g * second),
        "s": V * (1 + AMPLITUDE * f * first),
    }


def box(dimension: int) -> dict[str, object]:
    """Settings for a ball (disc) of bone off the centre of no symmetry but that of the box."""
    parameters = {} if dimension == 3 else {"model__parameters__dim": 2}
    return shape("sphere", (L,) * dimension, radius=110.0) | parameters


def in_space(folder: Path, dimension: int, cells: Sequence[float]) -> list[Convergence]:
    """Error of every population over the cell size."""
    runs = [
        run("manufactured", folder, f"{dimension}d-h{h}", sample__cell_size=f"{h} um", **box(dimension))
        for h in cells
    ]
    sizes = np.array([r.cell for r in runs])

    def errors(name: str) -> np.ndarray:
        return np.array([r.error(name, lambda x: exact(x, END)[name]) for r in runs])

    return [Convergence(name, sizes, errors(name)) for name in "uvws"]


def fixed_steps(case: str, folder: Path, steps: int, end: float, **settings: object) -> Run:
    """A run in equal steps (a power of two of them, which the step-size ladder does not round)."""
    h = f"{end / steps!r} day"
    r = run(
        case, folder, f"n{steps}", time__tolerance=0.1, time__linear_tolerance=1e-12, time__first_step=h,
        time__longest_step=h, time__method="rodas", **settings,
    )  # fmt: skip
    assert (r.steps["accepted"], r.steps["rejected"]) == (steps, 0)
    return r


def in_time(folder: Path, steps: Sequence[int], reference: int) -> list[Convergence]:
    """Error of every population over the time step, against short steps on the same mesh."""
    settings = box(2) | {"sample__cell_size": "40 um"}
    best = fixed_steps("manufactured", folder, reference, END, **settings)
    runs = [fixed_steps("manufactured", folder, n, END, **settings) for n in steps]
    sizes = END / np.array(steps)
    return [
        Convergence(name, sizes, np.array([r.error(name, best.values(name)) for r in runs]))
        for name in "uvws"
    ]


def test_second_order_in_space_on_a_cut_disc(tmp_path):
    for study in in_space(tmp_path, 2, LIGHT[2]):
        assert 1.75 < study.order < 2.4, study
        assert study.errors[-1] < 2e-3, study


def test_second_order_in_space_around_a_cut_ball(tmp_path):
    for study in in_space(tmp_path, 3, LIGHT[3]):
        assert 1.7 < study.order < 2.5, study
        assert study.errors[-1] < 5e-3, study


def test_order_in_time(tmp_path):
    for study in in_time(tmp_path, (4, 8, 16, 32), 256):
        assert 3.3 < study.order < 4.6, study
        assert study.errors[-1] < 1e-5, study


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    fig, axes = figure(3)
    studies = [in_space(work, 2, FULL[2]), in_space(work, 3, FULL[3]), in_time(work, STEPS, 512)]
    error = "relative $L_2$ error"
    loglog(
        axes[0, 0], studies[0], order=2, size="cell size [um]", error=error, title="space, disc in a square"
    )
    loglog(axes[0, 1], studies[1], order=2, size="cell size [um]", error=error, title="space, ball in a cube")
    loglog(
        axes[0, 2],
        studies[2],
        order=4,
        size="time step [day]",
        error=error,
        title="time, disc, cells of 40 um",
    )
    save(fig, folder, "manufactured")
    return [
        f"{title} {s}" for title, group in zip(("2-D", "3-D", "time"), studies, strict=True) for s in group
    ]
