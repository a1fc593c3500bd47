# SPDX-License-Identifier: LGPL-3.0-or-later
"""A small ball (disc) of solute, placed by a focus, spreads as the heat kernel says."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import erf, ive

from ..study import COLORS, Convergence, Run, figure, loglog, run, save, shape

L, D, LOSS, RADIUS, LOAD = 600.0, 20.0 * 86400, 50.0, 60.0, 1000.0
LIGHT = {2: (40.0, 20.0, 10.0), 3: (60.0, 42.0, 28.6)}
FULL = {2: (40.0, 30.0, 20.0, 10.0, 6.0), 3: (60.0, 50.0, 40.0, 30.0, 20.0)}


def from_ball(r: np.ndarray, t: float) -> np.ndarray:
    """Unit concentration in a ball, spread for t (Crank 1975, The Mathematics of Diffusion, eq. 3.8)."""
    s = 2 * np.sqrt(D * t)
    r = np.maximum(r, 1e-3)
    edge = np.exp(-(((RADIUS - r) / s) ** 2)) - np.exp(-(((RADIUS + r) / s) ** 2))
    inside = erf((RADIUS + r) / s) + erf((RADIUS - r) / s)
    return 0.5 * inside - s / (2 * np.sqrt(np.pi) * r) * edge


def from_disc(r: np.ndarray, t: float) -> np.ndarray:
    """Unit concentration in a disc, spread for t: the heat kernel over the disc (Crank, eq. 3.9)."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    q, w = RADIUS * (nodes + 1) / 2, RADIUS * weights / 2
    s2 = 4 * D * t
    r = r[:, None]
    kernel = np.exp(-((r - q) ** 2) / s2) * ive(0, 2 * r * q / s2)  # ive carries exp(-2 r q / s2)
    return kernel @ (w * q) * 2 / s2


def exact(points: np.ndarray, t: float, dimension: int) -> np.ndarray:
    """Images of the focus across the closed faces, times the loss."""
    one = from_ball if dimension == 3 else from_disc
    out = np.zeros(len(points))
    for shift in product((-1, 0, 1), repeat=dimension):
        centre = L / 2 + L * np.array(shift)
        out += one(np.linalg.norm(points[:, :dimension] - centre, axis=1), t)
    return LOAD * np.exp(-LOSS * t) * out


def study(folder: Path, dimension: int, cells: Sequence[float]) -> tuple[list[Convergence], list[Run]]:
    """Error over the cell size at every output time."""
    settings = shape("marrow", (L,) * dimension)
    runs = [
        run("spreading", folder, f"{dimension}d-h{h}", sample__cell_size=f"{h} um", **settings) for h in cells
    ]
    sizes = np.array([r.cell for r in runs])

    def at(step: int, t: float) -> Convergence:
        errors = [r.error("c", exact(r.points, t, dimension), step) for r in runs]
        return Convergence(f"t = {t * 1e3:g}e-3 day", sizes, np.array(errors))

    return [at(i, t) for i, t in enumerate(runs[0].result.marrow.times)], runs


def check(studies: list[Convergence], largest: float) -> None:
    for s in studies:
        assert 1.75 < s.order < 2.35, s
    assert studies[-1].errors[-1] < largest, studies[-1]


def test_disc_spreads_in_a_square(tmp_path):
    check(study(tmp_path, 2, LIGHT[2])[0], 2e-3)


def test_ball_spreads_in_a_cube(tmp_path):
    studies, runs = study(tmp_path, 3, LIGHT[3])
    check(studies, 2e-2)
    amount = 4 / 3 * np.pi * RADIUS**3 * LOAD * np.exp(-LOSS * 0.004)
    for r in runs:
        assert abs(r.volumes @ r.values("c") / amount - 1) < 1e-3


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    fig, axes = figure(3)
    lines = []
    for d, at in ((2, axes[0, 1]), (3, axes[0, 2])):
        studies, runs = study(work, d, FULL[d])
        lines += [f"{d}-D {s}" for s in studies]
        loglog(
            at, studies, order=2, size="cell size [um]", error="relative $L_2$ error",
            title="disc in a square" if d == 2 else "ball in a cube",
        )  # fmt: skip
    left, r = axes[0, 0], runs[-1]
    distance = np.linalg.norm(r.points - L / 2, axis=1)
    line = np.zeros((200, 3)) + L / 2
    line[:, 0] += np.linspace(0, 299, 200)
    near = np.abs(r.points[:, 1:] - L / 2).max(axis=1) < 1e-6
    for i, (t, color) in enumerate(zip(r.result.marrow.times, COLORS, strict=False)):
        left.plot(line[:, 0] - L / 2, exact(line, t, 3), color=color, label=f"t = {t * 1e3:g}e-3 day")
        left.plot(distance[near], r.values("c", i)[near], "o", ms=3.5, color=color)
    left.set(
        xlabel="distance from the centre [um]", ylabel="concentration [pM]",
        title=f"ball: exact (lines), cells of {r.cell:g} um (points)",
    )  # fmt: skip
    left.legend()
    save(fig, folder, "spreading")
    return lines
