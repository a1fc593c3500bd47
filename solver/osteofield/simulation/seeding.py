# SPDX-License-Identifier: LGPL-3.0-or-later
"""Foci of infection: balls of marrow that carry an inoculum at the start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..case.types import Case, FocusSpec
from ..errors import Problem
from ..geometry import Sample
from ..tissue import Tissue, WellMixed, ball_shares


@dataclass(frozen=True)
class Focus:
    """A focus placed in a sample.

    Attributes:
        center: um, in the sample's frame.
        radius: um.
        population: What was added.
        load: Added density.
        volume: Marrow volume inside the ball, um^3 (um^2 in 2-D), exact for the mesh.
        density: Added density of every marrow value (whole sample).
    """

    center: np.ndarray
    radius: float
    population: str
    load: float
    volume: float
    density: np.ndarray


def place_center(spec: FocusSpec, sample: Sample) -> np.ndarray:
    """Position of a focus, um."""
    if isinstance(spec.center, str):
        return (np.asarray(sample.box[0]) + np.asarray(sample.box[1])) / 2
    return np.asarray(spec.center, dtype=float)


def check_foci(case: Case, sample: Sample) -> list[Problem]:
    """Foci that lie outside the sample or hold no marrow."""
    problems = []
    lo, hi = np.asarray(sample.box[0]), np.asarray(sample.box[1])
    span = " x ".join(f"{a:g}..{b:g} um" for a, b in zip(lo, hi, strict=True))
    for k, spec in enumerate(case.foci):
        if not isinstance(spec.center, str) and len(spec.center) != sample.dimension:
            problems.append(
                case.problem(
                    ("focus", k, "center"),
                    f"{len(spec.center)} coordinates were given, but the sample has "
                    f"{sample.dimension} dimensions.",
                )
            )
            continue
        center = place_center(spec, sample)
        where = "(" + ", ".join(f"{x:g}" for x in center) + ") um"
        if (center < lo).any() or (center > hi).any():
            problems.append(
                case.problem(("focus", k, "center"), f"{where} is outside the sample, which spans {span}.")
            )
            continue
        distance = float(np.linalg.norm(sample.points[np.unique(sample.marrow)] - center, axis=1).min())
        small = 1e-6 * spec.radius**sample.dimension
        if distance >= spec.radius and marrow_volume(sample, center, spec.radius) <= small:
            problems.append(
                case.problem(
                    ("focus", k, "radius"),
                    f"a ball of {spec.radius:g} um around {where} holds no marrow, only bone; the nearest "
                    f"marrow is {distance:.0f} um away. Move the focus or make it larger.",
                )
            )
    return problems


def marrow_volume(sample: Sample, center: np.ndarray, radius: float) -> float:
    """Marrow inside a ball, um^3 (um^2 in 2-D), exact for the mesh."""
    return float(ball_shares(sample.points, sample.marrow, center, radius).sum())


def place_foci(case: Case, tissue: Tissue, inoculum: str | None) -> list[Focus]:
    """The foci of a case as densities on the marrow of the whole sample.

    The ball is intersected with the marrow cells exactly, so that the amount added is load times
    the marrow volume inside the ball, whatever the mesh. A solute is spread over the nodes by their
    shares of that volume. A population that stays in place fills whole nodes instead, those that lie
    most inside first: a node with a thin share of bacteria would otherwise grow to full infection
    and make the focus wider by a cell (the infection is bistable, with a threshold far below any
    usual load).
    """
    out = []
    local = [p.name for p in tissue.network.marrow if p.diffusivity == 0]
    for spec in case.foci:
        population = spec.population or inoculum
        assert population is not None
        if isinstance(tissue.sample, WellMixed):
            out.append(
                Focus(np.zeros(0), 0.0, population, spec.load, tissue.sample.volume, np.full(1, spec.load))
            )
            continue
        center = place_center(spec, tissue.sample)
        points = tissue.sample.points[tissue.marrow_vertices]
        shares = ball_shares(points, tissue.marrow_cells, center, spec.radius)
        shares = np.maximum(shares, 0.0)
        density = spec.load * _fill(shares, tissue.volumes, population in local)
        out.append(Focus(center, spec.radius, population, spec.load, float(shares.sum()), density))
    return out


def _fill(shares: np.ndarray, volumes: np.ndarray, whole: bool) -> np.ndarray:
    """Filled fraction of every node; fractions times volumes add up to the sum of the shares."""
    fraction = shares / volumes
    if not whole:
        return fraction
    inside = np.flatnonzero(shares > 0)
    # round-off must not decide between nodes that lie alike
    order = inside[np.lexsort((inside, -np.round(fraction[inside], 9)))]
    before = np.concatenate([[0.0], np.cumsum(volumes[order])[:-1]])
    filled = np.zeros(len(volumes))
    filled[order] = np.clip((shares.sum() - before) / volumes[order], 0.0, 1.0)
    return filled
