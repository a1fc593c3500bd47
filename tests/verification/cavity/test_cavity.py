# SPDX-License-Identifier: LGPL-3.0-or-later
"""A round cavity in bone whose wall is dissolved by what is made in it (Stefan-like).

Acid is made at rate p throughout the cavity and taken up by the wall with flux k c; the wall recedes
with v = b k c. While diffusion is much faster than growth, uptake equals production, whatever the
diffusivity: k c_s = p R/d in dimension d, hence R = R0 exp(b p t/d), and the mean concentration is
p R/(d k) + p R^2/(8 D) in a disc, p R/(3 k) + p R^2/(15 D) in a ball.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..study import COLORS, Convergence, Run, figure, loglog, run, save

R0, P, B, K, D = 200.0, 100.0, 6e-4, 2e5, 200.0 * 86400
FINE = 0.05  # cells of displacement per re-cut on cells of 60 um, and in proportion below


def radius(t: np.ndarray, dimension: int) -> np.ndarray:
    return R0 * np.exp(B * P * t / dimension)


def volume(t: np.ndarray, dimension: int) -> np.ndarray:
    """Of the cavity, mm^3 (2-D: per millimetre of thickness)."""
    r = radius(t, dimension)
    return 1e-9 * (4 / 3 * np.pi * r**3 if dimension == 3 else 1000 * np.pi * r**2)


def concentration(t: np.ndarray, dimension: int) -> np.ndarray:
    r = radius(t, dimension)
    return P * r / (dimension * K) + P * r**2 / ((15 if dimension == 3 else 8) * D)


@dataclass(frozen=True)
class Cavities:
    """Runs on several meshes; errors of the bone dissolved and of the concentration.

    Attributes:
        dissolved: At the end.
        acid: Mean over the cavity, root mean square over the output times.
        runs: From coarse to fine.
    """

    dissolved: Convergence
    acid: Convergence
    runs: list[Run]


def study(folder: Path, dimension: int, cells: Sequence[float], recut: float | None, label: str) -> Cavities:
    """`recut` in cells; None: in proportion to the square of the cell size, in um."""
    runs, lost, acid = [], [], []
    for h in cells:
        size = [f"{700} um"] * dimension
        fraction = FINE * h / 60.0 if recut is None else recut
        r = run(
            "cavity", folder, f"{dimension}d-{h:g}-{fraction:g}", sample__cell_size=f"{h} um",
            sample__shape__size=size, remodelling__recut=fraction,
        )  # fmt: skip
        t = r.result.times
        exact = volume(t, dimension)
        lost.append(abs(r.result.history["bone_loss [mm^3]"][-1] / (exact[-1] - exact[0]) - 1))
        error = r.result.history["acid.mean [pM]"][1:] / concentration(t, dimension)[1:] - 1
        acid.append(np.sqrt((error**2).mean()))
        runs.append(r)
    sizes = np.array([r.cell for r in runs])
    return Cavities(
        Convergence(f"dissolved bone, {label}", sizes, np.array(lost)),
        Convergence(f"mean acid, {label}", sizes, np.array(acid)),
        runs,
    )


def test_a_disc_grows_with_second_order(tmp_path):
    found = study(tmp_path, 2, (60.0, 35.0), None, "2-D")
    assert 1.5 < found.dissolved.order < 3.0, found.dissolved
    assert found.dissolved.errors[-1] < 0.015
    assert found.acid.order > 1.0 and found.acid.errors[-1] < 0.02, found.acid
    for r in found.runs:
        assert np.abs(r.result.history["acid.residual [1]"]).max() < 1e-7
        assert r.result.history["formed [mm^3]"][-1] == 0.0


def test_a_ball_grows(tmp_path):
    """The displacement between re-cuts counts with its first power: at a fifth of a cell it is most of it."""
    found = study(tmp_path, 3, (60.0,), 0.1, "3-D")
    assert found.dissolved.errors[0] < 0.08


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    fig, axes = figure(2)
    flat = study(work, 2, (60.0, 42.0, 30.0, 21.0), None, "2-D, fine re-cuts")
    coarse = study(work, 2, (60.0, 42.0, 30.0, 21.0), 0.2, "2-D, re-cuts at 0.2 cells")
    ball = study(work, 3, (60.0, 42.0, 30.0), None, "3-D, fine re-cuts")
    left = axes[0, 0]
    for d, found, color in ((2, flat, COLORS[0]), (3, ball, COLORS[1])):
        t = np.linspace(0, 12, 100)
        left.plot(t, radius(t, d), color=color, label=f"{d}-D, exact")
        r = found.runs[-1]
        v = volume(np.zeros(1), d) + r.result.history["bone_loss [mm^3]"]
        found_radius = np.sqrt(v / np.pi * 1e6) if d == 2 else np.cbrt(v * 1e9 / (4 / 3 * np.pi))
        left.plot(r.result.times, found_radius, "o", color=color, label=f"{d}-D, cells of {r.cell:.3g} um")
    left.set(xlabel="time [day]", ylabel="radius of the cavity [um]", title="growth by what is made inside")
    left.legend()
    studies = [flat.dissolved, flat.acid, coarse.dissolved, ball.dissolved]
    loglog(axes[0, 1], studies, order=2, size="cell size [um]", error="relative error", title="error")
    save(fig, folder, "cavity")
    return [str(s) for s in (*studies, ball.acid)]
