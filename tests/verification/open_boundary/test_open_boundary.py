# SPDX-License-Identifier: LGPL-3.0-or-later
"""Open faces: second order with the exchange they promise, and what they are worth in a small box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..radial.test_radial import RADIUS, REACH, surface_mean
from ..radial.test_radial import exact as radial
from ..study import COLORS, Convergence, figure, loglog, run, save, shape

L, LENGTH, FAR = 400.0, 150.0, 10.0
LIGHT = {2: (40.0, 20.0, 10.0), 3: (50.0, 33.3, 20.0)}
FULL = {2: (50.0, 33.3, 20.0, 10.0, 5.0), 3: (80.0, 50.0, 33.3, 20.0, 13.3)}
GAPS = (0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)
"""Bone to the nearest face, over the reach of the solute."""
FAR_GAP = 5.0


def exact(points: np.ndarray) -> np.ndarray:
    """FAR (1 + F); on every face the derivative of F along the outward normal is -F/LENGTH."""
    f = 1 + points / LENGTH * (1 - points / L)
    return FAR * (1 + f.prod(axis=1))


def study(folder: Path, dimension: int, cells: Sequence[float]) -> Convergence:
    """Error of the steady state over the cell size."""
    settings = shape("marrow", (L,) * dimension)
    if dimension == 2:
        settings["model__parameters__dim"] = 2
        settings["initial__state"] = "model"  # dim is a change of the case: homeostasis would not know it
        settings["time__end"] = "1 day"
        settings["output__every"] = "1 day"
        settings["time__tolerance"] = 1e-7
    runs = [
        run("open_boundary", folder, f"{dimension}d-h{h}", sample__cell_size=f"{h} um", **settings)
        for h in cells
    ]
    return Convergence(
        f"{dimension}-D", np.array([r.cell for r in runs]), np.array([r.error("c", exact) for r in runs])
    )


def truncation(
    folder: Path, gaps: Sequence[float], cell: float = 10.0
) -> tuple[dict[str, np.ndarray], float]:
    """Relative error of the mean at a bone disc, faces at `gaps` reaches, against faces at FAR_GAP.

    All boxes have a node at the centre and cells of the same size, so the meshes around the disc are
    the same and only truncation is seen. Also returned: the error of the reference against the
    solution in infinite marrow, which is that of the mesh.
    """

    def mean(outer: str, gap: float) -> float:
        side = 2 * (RADIUS + gap * REACH)
        settings = shape("sphere", (side, side), radius=RADIUS)
        case = "open_boundary/truncation.toml"
        size = f"{cell} um"
        return surface_mean(
            run(case, folder, f"{outer}{gap}", boundary__outer=outer, sample__cell_size=size, **settings)
        )

    best = mean("open", FAR_GAP)
    found = {outer: np.array([mean(outer, g) for g in gaps]) / best - 1 for outer in ("open", "closed")}
    return found, best / float(radial(np.array([RADIUS]), 2)[0]) - 1


def test_open_square(tmp_path):
    s = study(tmp_path, 2, LIGHT[2])
    assert 1.85 < s.order < 2.15, s
    assert s.errors[-1] < 2e-4, s


def test_open_cube(tmp_path):
    s = study(tmp_path, 3, LIGHT[3])
    assert 1.8 < s.order < 2.2, s
    assert s.errors[-1] < 2e-3, s


def test_open_faces_stand_for_the_marrow_outside(tmp_path):
    found, mesh = truncation(tmp_path, (0.5, 1.5))
    assert abs(mesh) < 1e-2
    assert (np.abs(found["open"]) < 0.15 * np.abs(found["closed"])).all(), found


def draw(folder: Path, work: Path) -> list[str]:
    """Figures and the lines they print."""
    fig, axes = figure(2)
    studies = [study(work, d, FULL[d]) for d in (2, 3)]
    loglog(
        axes[0, 0], studies, order=2, size="cell size [um]", error="relative $L_2$ error",
        title="manufactured, open faces",
    )  # fmt: skip
    found, mesh = truncation(work, GAPS)
    for (name, errors), color, marker in zip(found.items(), COLORS, "os", strict=False):
        axes[0, 1].semilogy(
            GAPS, np.abs(errors), color=color, marker=marker, label=f"{name} faces: {abs(errors[2]):.1%} at 1"
        )
    axes[0, 1].set(
        xlabel="bone to face, over $\\sqrt{D/d}$", ylabel="relative error of the mean at the bone",
        title="bone disc in a small box against infinite marrow",
    )  # fmt: skip
    axes[0, 1].grid(True, color="0.9")
    axes[0, 1].legend()
    save(fig, folder, "open_boundary")
    lines = [str(s) for s in studies]
    lines.append(f"truncation: error of the mesh {mesh:.1e}")
    return [
        *lines,
        *(
            f"truncation, {k}: " + ", ".join(f"{g}: {e:.1e}" for g, e in zip(GAPS, v, strict=True))
            for k, v in found.items()
        ),
    ]
