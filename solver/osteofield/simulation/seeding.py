# SPDX-License-Identifier: LGPL-3.0-or-later
"""Foci of infection: balls of marrow that carry an inoculum at the start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..case.types import Case, FocusSpec
from ..errors import Problem
from ..geometry import Piece, Sample
from ..team import Team
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
        density: Added density of every marrow row of this rank.
    """

    center: np.ndarray
    radius: float
    population: str
    load: float
    volume: float
    density: np.ndarray


def place_center(spec: FocusSpec, sample: Sample | Piece) -> np.ndarray:
    """Position of a focus, um."""
    if isinstance(spec.center, str):
        return (np.asarray(sample.box[0]) + np.asarray(sample.box[1])) / 2
    return np.asarray(spec.center, dtype=float)


def check_foci(case: Case, sample: Piece) -> list[Problem]:
    """Collective: foci that lie outside the sample or hold no marrow."""
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
        here = np.linalg.norm(sample.points[: sample.own] - center, axis=1).min(initial=np.inf)
        distance = float(sample.team.least(here))
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


def marrow_volume(sample: Piece, center: np.ndarray, radius: float) -> float:
    """Collective: marrow inside a ball, um^3 (um^2 in 2-D), exact for the mesh."""
    cells = sample.marrow[: sample.own_cells]
    return float(sample.team.sum(ball_shares(sample.points, cells, center, radius).sum()))


def place_foci(case: Case, tissue: Tissue, inoculum: str | None) -> list[Focus]:
    """Collective: the foci of a case as densities on the marrow rows of this rank.

    The ball is intersected with the marrow cells exactly, so that the amount added is load times
    the marrow volume inside the ball, whatever the mesh. A solute is spread over the nodes by their
    shares of that volume. A population that stays in place fills whole nodes instead, those that lie
    most inside first: a node with a thin share of bacteria would otherwise grow to full infection
    and make the focus wider by a cell (the infection is bistable, with a threshold far below any
    usual load).
    """
    out = []
    local = [p.name for p in tissue.network.marrow if p.diffusivity == 0]
    layout, team = tissue.layout, Team(tissue.problem.comm)
    rows = len(layout.owned)
    for spec in case.foci:
        population = spec.population or inoculum
        assert population is not None
        if isinstance(tissue.sample, WellMixed):
            everywhere = np.full(rows, spec.load)
            out.append(Focus(np.zeros(0), 0.0, population, spec.load, tissue.sample.volume, everywhere))
            continue
        center = place_center(spec, tissue.sample)
        shares = ball_shares(layout.points, layout.cells, center, spec.radius)[:rows]
        shares = np.maximum(shares, 0.0)
        volume = float(team.sum(shares.sum()))
        fraction = shares / layout.volumes
        if population in local:
            fraction = _fill(fraction, volume, layout.volumes, layout.owned, team)
        out.append(Focus(center, spec.radius, population, spec.load, volume, spec.load * fraction))
    return out


def _fill(
    fraction: np.ndarray, volume: float, volumes: np.ndarray, values: np.ndarray, team: Team
) -> np.ndarray:
    """Collective: whole nodes filled, those that lie most inside first, until `volume` is used up.

    Args:
        fraction: Of every row's lumped volume, how much lies inside.
        volume: What is to be filled over all ranks.
        volumes: Lumped volume of every row.
        values: Marrow value of every row: of nodes that lie alike the first comes first.
        team: The ranks.

    Returns:
        Filled fraction of every row.
    """
    mine = np.flatnonzero(fraction > 0)
    # every rank sees the nodes of the focus, which are few beside those of the sample
    value, inside, size = (team.together(a[mine]) for a in (values, fraction, volumes))
    # round-off must not decide between nodes that lie alike
    order = np.lexsort((value, -np.round(inside, 9)))
    before = np.concatenate([[0.0], np.cumsum(size[order])[:-1]])
    filled = np.empty(len(order))
    filled[order] = np.clip((volume - before) / size[order], 0.0, 1.0)
    first = team.before(len(mine))
    out = np.zeros(len(fraction))
    out[mine] = filled[first : first + len(mine)]
    return out
