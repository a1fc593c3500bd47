# SPDX-License-Identifier: LGPL-3.0-or-later
"""Histories at points and in regions: further columns of ``history.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..case.types import Case, RegionSpec
from ..errors import Problem
from ..geometry import Piece, Sample
from ..integrator import System
from ..kinetics import Population
from ..team import Team
from ..tissue import Tissue, WellMixed
from ..tissue.layout import Layout

CHUNK = 500_000


@dataclass(frozen=True)
class _Place:
    """Weights of this rank's rows; over all ranks they add up to one.

    Attributes:
        label: Column heads, from the name of a population.
        populations: Columns of the state.
        rows: ``(n,)``.
        weights: ``(n,)``.
    """

    label: str
    populations: tuple[tuple[int, Population], ...]
    rows: np.ndarray
    weights: np.ndarray


class Probes:
    """Columns ``NAME:POPULATION [unit]`` of points and ``NAME:POPULATION.mean [unit]`` of regions.

    At a point a marrow population is interpolated linearly in its cell (P1). In a region it is the
    mean over the lumped volumes of the nodes inside, and a surface population that over the lumped
    areas of the surface nodes inside; nan without any, and at a point that a moving surface has left
    in bone.

    Args:
        case: Its probes and regions, which lie in the sample (`check_places`).
        tissue: The sample over ranks.
        system: Its layout and reductions.
    """

    def __init__(self, case: Case, tissue: Tissue, system: System):
        self._system = system
        self._marrow: list[_Place] = []
        self._surface: list[_Place] = []
        sample, network, layout = tissue.sample, tissue.network, tissue.layout
        team = Team(tissue.problem.comm)
        if isinstance(sample, WellMixed):
            return
        for probe in case.probes:
            number, weight = _locate(layout, _at(probe.at, sample), team)
            row = np.flatnonzero(np.isin(layout.owned, number))
            order = np.argsort(number)
            share = weight[order[np.searchsorted(number[order], layout.owned[row])]]
            chosen = _chosen(network.marrow, probe.populations)
            self._marrow.append(_Place(f"{probe.name}:{{}}", chosen, row, share))
        position = layout.position[:, : sample.dimension]
        on_surface = position[system.problem.surface.node]
        volumes, areas = system.problem.volumes, system.problem.surface.weight
        for region in case.regions:
            label = f"{region.name}:{{}}.mean"
            for places, x, size, populations in (
                (self._marrow, position, volumes, network.marrow),
                (self._surface, on_surface, areas, network.surface),
            ):
                row = np.flatnonzero(_inside(region, x, sample))
                total = float(system.reduce(np.array([size[row].sum()]))[0])
                chosen = _chosen(populations, region.populations)
                places.append(_Place(label, chosen, row, size[row] / total if total else np.zeros(len(row))))

    def columns(self, y: np.ndarray) -> dict[str, float]:
        """Collective: the same on every rank.

        Args:
            y: State.
        """
        s = self._system
        out: dict[str, float] = {}
        for places, values in ((self._marrow, s.marrow(y)), (self._surface, s.surface(y))):
            for place in places:
                numbers = [k for k, _ in place.populations]
                mine = place.weights @ values[place.rows][:, numbers]
                sums = s.reduce(np.append(mine, place.weights.sum()))
                for (_, p), total in zip(place.populations, sums[:-1], strict=True):
                    known = sums[-1] > 0.5  # there are nodes at all
                    name = f"{place.label.format(p.name)} [{p.unit}]"
                    out[name] = float(total) / p.factor if known else float("nan")
        return out


def check_places(case: Case, sample: Piece | WellMixed) -> list[Problem]:
    """Collective: probes outside the marrow, and regions without a node of it."""
    if isinstance(sample, WellMixed):
        return []
    problems, team = [], sample.team
    lo, hi = np.asarray(sample.box[0]), np.asarray(sample.box[1])
    span = " x ".join(f"{a:g}..{b:g} um" for a, b in zip(lo, hi, strict=True))
    marrow, cells = sample.points[: sample.own], sample.marrow[: sample.own_cells]
    for k, probe in enumerate(case.probes):
        x, key = _at(probe.at, sample), ("probe", k, "at")
        if len(x) != sample.dimension:
            problems.append(case.problem(key, _dimensions(len(x), sample)))
            continue
        where = f"({', '.join(f'{v:g}' for v in x)}) um"
        if (x < lo).any() or (x > hi).any():
            problems.append(case.problem(key, f"{where} is outside the sample, which spans {span}."))
        elif not int(team.most(len(_find(sample.points, cells, x)[0]))):
            gap = np.linalg.norm(marrow - x, axis=1)
            mine = (float(gap.min()), *marrow[gap.argmin()].tolist()) if len(gap) else (np.inf,)
            far, *near = min(team.everyone(mine))
            problems.append(
                case.problem(
                    key,
                    f"{where} lies in bone; a probe reads the marrow. The nearest marrow is {far:.0f} um "
                    f"away, at ({', '.join(f'{v:.4g}' for v in near)}) um.",
                )
            )
    for k, region in enumerate(case.regions):
        key = ("region", k, "center" if region.corners is None else "from")
        for place in region.corners or (region.center,):
            if place is not None and len(_at(place, sample)) != sample.dimension:
                problems.append(case.problem(key, _dimensions(len(_at(place, sample)), sample)))
                break
        else:
            if not int(team.sum(_inside(region, marrow, sample).sum())):
                problems.append(
                    case.problem(key, "this region holds no node of the marrow; move it or make it larger.")
                )
    return problems


def _dimensions(given: int, sample: Sample | Piece) -> str:
    return f"{given} coordinates were given, but the sample has {sample.dimension} dimensions."


def _at(place: tuple[float, ...] | str, sample: Sample | Piece) -> np.ndarray:
    if isinstance(place, str):
        return (np.asarray(sample.box[0]) + np.asarray(sample.box[1])) / 2
    return np.asarray(place, float)


def _chosen(
    populations: Sequence[Population], wanted: tuple[str, ...] | None
) -> tuple[tuple[int, Population], ...]:
    return tuple((k, p) for k, p in enumerate(populations) if wanted is None or p.name in wanted)


def _inside(region: RegionSpec, x: np.ndarray, sample: Sample | Piece) -> np.ndarray:
    """Which places ``(n, d)`` lie in a region, its border included."""
    if region.corners is not None:
        low, high = (np.asarray(c) for c in region.corners)
        return np.asarray(((x >= low) & (x <= high)).all(1))
    assert region.center is not None and region.radius is not None
    return np.asarray(((x - _at(region.center, sample)) ** 2).sum(1) <= region.radius**2)


def _locate(layout: Layout, x: np.ndarray, team: Team) -> tuple[np.ndarray, np.ndarray]:
    """Collective: marrow values of the whole sample and their P1 weights at a place; both empty in bone.

    Where ranks meet, the first one that has a cell there answers: values agree on what cells share.
    """
    rows, weights = _find(layout.points, layout.cells[: layout.own_cells], x)
    for number, weight in team.everyone((layout.values[rows], weights)):
        if len(number):
            return number, weight
    return np.zeros(0, np.int64), np.zeros(0)


def _find(points: np.ndarray, cells: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the first cell that holds a place, and its barycentric coordinates; empty if none does."""
    slack = 1e-9 * (np.ptp(points, axis=0) if len(points) else np.zeros(len(x)))
    for a in range(0, len(cells), CHUNK):
        corners = points[cells[a : a + CHUNK]]
        near = np.flatnonzero(((corners.min(1) <= x + slack) & (corners.max(1) >= x - slack)).all(1))
        if not len(near):
            continue
        edges = (corners[near, 1:] - corners[near, :1]).transpose(0, 2, 1)
        inner = np.linalg.solve(edges, (x - corners[near, 0])[..., None])[..., 0]
        weights = np.column_stack([1 - inner.sum(1), inner])
        k = int(weights.min(1).argmax())
        if weights[k].min() >= -1e-9:
            inside = np.maximum(weights[k], 0)
            return cells[a + near[k]], inside / inside.sum()
    return np.zeros(0, np.int64), np.zeros(0)
