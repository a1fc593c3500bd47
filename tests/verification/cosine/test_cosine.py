# SPDX-License-Identifier: LGPL-3.0-or-later
"""A cosine wave in a closed box decays with exp(-(D k^2 + loss) t)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..study import COLORS, Convergence, Run, figure, loglog, run, save, shape

L, D, LOSS, PULSE, FADING, START = 400.0, 20.0 * 86400, 100.0, 4e4, 5000.0, 10.0
LIGHT = {2: (40.0, 20.0, 10.0), 3: (66.0, 40.0, 26.0)}
FULL = {2: (40.0, 26.7, 20.0, 10.0, 5.0), 3: (66.0, 50.0, 40.0, 26.7, 20.0)}


def decay(dimension: int) -> float:
    """D k^2 + loss of the wave with 1, 2 (and in 3-D 1) half waves along the axes, 1/day."""
    return D * (np.pi / L) ** 2 * (5 if dimension == 2 else 6) + LOSS


def amplitude(t: np.ndarray | float, dimension: int) -> np.ndarray | float:
    """Of the wave: a source PULSE exp(-FADING t) and decay; both are pure modes of the closed box."""
    b = decay(dimension)
    return PULSE / (FADING - b) * (np.exp(-b * t) - np.exp(-FADING * t))


def wave(points: np.ndarray, dimension: int) -> np.ndarray:
    """Shape of the wave."""
    x, y, z = np.pi * points.T / L
    return np.cos(x) * np.cos(2 * y) * (np.cos(z) if dimension == 3 else 1.0)


def exact(points: np.ndarray, t: float, dimension: int) -> np.ndarray:
    """Wave on top of a uniform value that is lost."""
    return START * np.exp(-LOSS * t) + amplitude(t, dimension) * wave(points, dimension)


@dataclass(frozen=True)
class Decay:
    """Convergence of the field and of the decay rate between the last two output times."""

    field: Convergence
    rate: Convergence
    finest: Run


def measured_amplitude(r: Run, step: int) -> float:
    """Projection of the field on the wave."""
    shape_of = wave(r.points, r.dimension)
    w = r.volumes
    return float(w @ (r.values("c", step) * shape_of) / (w @ shape_of**2))


def study(folder: Path, dimension: int, cells: Sequence[float]) -> Decay:
    """Errors over the cell size."""
    settings = shape("marrow", (L,) * dimension)
    runs = [
        run("cosine", folder, f"{dimension}d-h{h}", sample__cell_size=f"{h} um", **settings) for h in cells
    ]
    sizes = np.array([r.cell for r in runs])
    times = runs[0].result.marrow.times
    field = [r.error("c", exact(r.points, times[-1], dimension)) for r in runs]
    b, dt = decay(dimension), times[-1] - times[-2]
    wanted = np.log(amplitude(times[-2], dimension) / amplitude(times[-1], dimension)) / dt
    rate = [
        abs(np.log(measured_amplitude(r, -2) / measured_amplitude(r, -1)) / dt - wanted) / b for r in runs
    ]
    return Decay(
        Convergence(f"field, {dimension}-D", sizes, np.array(field)),
        Convergence(f"decay rate, {dimension}-D", sizes, np.array(rate)),
        runs[-1],
    )


def check(found: Decay, largest: float) -> None:
    for s in (found.field, found.rate):
        assert 1.85 < s.order < 2.15, s
        assert s.errors[-1] < largest, s


def test_decay_in_a_square(tmp_path):
    check(study(tmp_path, 2, LIGHT[2]), 5e-3)


def test_decay_in_a_cube(tmp_path):
    check(study(tmp_path, 3, LIGHT[3]), 2e-2)


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    both = [study(work, d, FULL[d]) for d in (2, 3)]
    fig, axes = figure(2)
    left = axes[0, 0]
    t = np.linspace(0, 0.004, 400)
    for found, d, color in zip(both, (2, 3), COLORS, strict=False):
        times = found.finest.result.marrow.times
        left.semilogy(1e3 * t[1:], amplitude(t[1:], d), color=color, label=f"{d}-D, exact")
        left.semilogy(
            1e3 * times, [measured_amplitude(found.finest, i) for i in range(len(times))], "o", color=color,
            label=f"{d}-D, cells of {found.finest.cell:g} um",
        )  # fmt: skip
    left.set(
        xlabel="time [$10^{-3}$ day]",
        ylabel="amplitude of the wave [pM]",
        title="pulse, then decay with $D k^2 + d$",
    )
    left.set_ylim(0.1, 20)
    left.legend()
    loglog(
        axes[0, 1], [s for found in both for s in (found.field, found.rate)], order=2, size="cell size [um]",
        error="relative error ($L_2$; rate)", title="error",
    )  # fmt: skip
    save(fig, folder, "cosine")
    return [str(s) for found in both for s in (found.field, found.rate)]
