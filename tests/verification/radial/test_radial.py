# SPDX-License-Identifier: LGPL-3.0-or-later
"""Steady state around a bone ball (disc) that secretes a solute which is lost in marrow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import kv

from ..study import COLORS, Convergence, Run, figure, loglog, norm, run, save, shape

SIDE, RADIUS, REACH, D, FLUX = 540.0, 120.0, 80.0, 20.0 * 86400, 1e6
NEAR = 300.0
LIGHT = {2: (36.0, 22.5, 14.2), 3: (45.0, 31.8, 22.5)}
FULL = {2: (36.0, 22.5, 14.2, 9.0, 5.7), 3: (45.0, 31.8, 22.5, 16.0, 11.5)}


def exact(r: np.ndarray, dimension: int) -> np.ndarray:
    """Decaying solution of D (c'' + (d-1)/r c') = D c / REACH^2 with -D c'(RADIUS) = FLUX."""
    if dimension == 3:
        return FLUX * RADIUS**2 / (D * (1 + RADIUS / REACH)) * np.exp((RADIUS - r) / REACH) / r
    return FLUX * REACH / D * kv(0, r / REACH) / kv(1, RADIUS / REACH)


def study(folder: Path, dimension: int, cells: Sequence[float]) -> tuple[list[Convergence], list[Run]]:
    """Error in the marrow nearer than NEAR, and of the mean at the bone surface, over the cell size.

    The bone is an eighth of a ball (quarter of a disc) in the corner of the box, whose faces there
    are planes of symmetry. The far faces are five reaches behind the bone: what they send back to
    points nearer than NEAR is less than 3e-4 of the value at the bone.
    """
    settings = shape("sphere", (SIDE,) * dimension, radius=RADIUS, center=(0.0,) * dimension)
    runs = [
        run("radial", folder, f"{dimension}d-h{h}", sample__cell_size=f"{h} um", **settings) for h in cells
    ]
    sizes = np.array([r.cell for r in runs])
    marrow = [error_near(r) for r in runs]
    wanted = float(exact(np.array([RADIUS]), dimension)[0])
    at_bone = [abs(surface_mean(r) / wanted - 1) for r in runs]
    return [
        Convergence(f"marrow, {dimension}-D", sizes, np.array(marrow)),
        Convergence(f"mean at the bone, {dimension}-D", sizes, np.array(at_bone)),
    ], runs


def error_near(r: Run) -> float:
    """Relative L2 error over the marrow nearer than NEAR to the centre of the bone."""
    distance = np.linalg.norm(r.points, axis=1)
    weights = np.where(distance < NEAR, r.volumes, 0.0)
    wanted = exact(distance, r.dimension)
    return norm(r.values("c") - wanted, weights) / norm(wanted, weights)


def surface_mean(r: Run, name: str = "c") -> float:
    """Mean of a marrow field over the bone surface."""
    row = {tuple(p): i for i, p in enumerate(r.points)}
    at = [row[tuple(p)] for p in r.surface_points]
    return float(r.areas @ r.values(name)[at] / r.areas.sum())


def test_steady_state_around_a_disc(tmp_path):
    studies, _ = study(tmp_path, 2, LIGHT[2])
    for s in studies:
        assert 1.8 < s.order < 2.4, s
        assert s.errors[-1] < 1e-2, s


def test_steady_state_around_a_ball(tmp_path):
    studies, _ = study(tmp_path, 3, LIGHT[3])
    for s in studies:
        assert 1.4 < s.order < 2.5, s
        assert s.errors[-1] < 6e-2, s


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    fig, axes = figure(2)
    left, studies = axes[0, 0], []
    for d, color in ((2, COLORS[0]), (3, COLORS[1])):
        found, runs = study(work, d, FULL[d])
        studies += found
        r = np.linspace(RADIUS, 420, 300)
        finest = runs[-1]
        left.semilogy(
            r, exact(r, d), color=color, label="disc: $K_0(r/l)$" if d == 2 else "ball: $e^{-r/l}/r$"
        )
        distance = np.linalg.norm(finest.points, axis=1)
        some = np.flatnonzero(distance < 420)[:: max(1, len(distance) // 300)]
        left.semilogy(
            distance[some],
            finest.values("c")[some],
            ".",
            ms=3,
            color=color,
            label=f"cells of {finest.cell:.3g} um",
        )
    left.set(
        xlabel="distance from the centre [um]",
        ylabel="concentration [pM]",
        title="exact (lines), osteofield (points)",
    )
    left.legend()
    loglog(
        axes[0, 1],
        studies,
        order=2,
        size="cell size [um]",
        error="relative error ($L_2$; mean)",
        title="error",
    )
    save(fig, folder, "radial")
    return [str(s) for s in studies]
