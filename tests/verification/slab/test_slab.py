# SPDX-License-Identifier: LGPL-3.0-or-later
"""Steady state beside a bone plate that secretes a solute which is lost in marrow (as RANKL is)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..study import COLORS, Convergence, Run, figure, loglog, run, save, shape

LENGTH, THICKNESS, REACH, D, FLUX = 500.0, 137.0, 80.0, 20.0 * 86400, 1e6
WIDTH = {2: (LENGTH, 100.0), 3: (LENGTH, 100.0, 100.0)}
LIGHT = {2: (40.0, 20.0, 10.0), 3: (40.0, 20.0, 12.5)}
FULL = {2: (40.0, 25.0, 16.0, 10.0, 5.0), 3: (40.0, 25.0, 16.0, 10.0)}


def exact(x: np.ndarray) -> np.ndarray:
    """D c'' = D c / REACH^2 between the plate, -D c' = FLUX, and the closed face of the box."""
    gap = (LENGTH - THICKNESS) / 2
    s = np.abs(x - LENGTH / 2) - THICKNESS / 2  # distance from the bone
    return FLUX * REACH / D * np.cosh((gap - s) / REACH) / np.sinh(gap / REACH)


def study(folder: Path, dimension: int, cells: Sequence[float]) -> tuple[Convergence, list[Run]]:
    """Error over the cell size; no grid line falls on the bone surface."""
    settings = shape("plate", WIDTH[dimension], thickness=THICKNESS)
    runs = [run("slab", folder, f"{dimension}d-h{h}", sample__cell_size=f"{h} um", **settings) for h in cells]
    errors = [r.error("c", exact(r.points[:, 0])) for r in runs]
    return Convergence(f"{dimension}-D", np.array([r.cell for r in runs]), np.array(errors)), runs


def test_slab_in_the_plane(tmp_path):
    s, _ = study(tmp_path, 2, LIGHT[2])
    assert 1.85 < s.order < 2.15, s
    assert s.errors[-1] < 3e-3, s


def test_slab_in_space(tmp_path):
    s, _ = study(tmp_path, 3, LIGHT[3])
    assert 1.85 < s.order < 2.15, s
    assert s.errors[-1] < 5e-3, s


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    both = [study(work, d, FULL[d]) for d in (2, 3)]
    fig, axes = figure(2)
    left = axes[0, 0]
    x = np.linspace(0, LENGTH, 801)
    bone = np.abs(x - LENGTH / 2) < THICKNESS / 2
    left.axvspan((LENGTH - THICKNESS) / 2, (LENGTH + THICKNESS) / 2, color="0.9", label="bone")
    left.plot(x, np.where(bone, np.nan, exact(x)), color=COLORS[0], label="exact: cosh")
    for r, marker in ((both[0][1][0], "s"), (both[0][1][-2], "o")):
        some = np.argsort(r.points[:, 0])
        left.plot(
            r.points[some, 0],
            r.values("c")[some],
            marker,
            ms=3,
            color=COLORS[1 + (marker == "o")],
            label=f"cells of {r.cell:.3g} um",
        )
    left.set(xlabel="x [um]", ylabel="concentration [pM]", title="plate of bone, 2-D", ylim=(0, None))
    left.legend(loc="upper right")
    loglog(
        axes[0, 1], [s for s, _ in both], order=2, size="cell size [um]", error="relative $L_2$ error",
        title="error",
    )  # fmt: skip
    save(fig, folder, "slab")
    return [str(s) for s, _ in both]
