# SPDX-License-Identifier: LGPL-3.0-or-later
"""The part of a sample's marrow and bone surface that one rank holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from ..compiled import Compiled
from ..team import ALONE, Team
from .implant import Hull
from .morphometry import Morphometry
from .sample import Origin, Sample

NEARBY = 0.02  # of the points: how far cuts may be moved for the sake of their shape


@dataclass(frozen=True)
class Piece:
    """Marrow points of a rank and everything that touches them; lengths in um.

    Every point, cell and facet belongs to one rank: cells and facets to that of their first point in the
    numbering over all ranks, which is the same on any number of ranks. What belongs to others but
    touches a point of this rank is here too.

    Attributes:
        team: The ranks that hold the sample.
        dimension: 2 or 3.
        points: ``(N, d)`` marrow points; those of this rank, then those of others.
        own: How many points belong to this rank.
        number: ``(N,)`` place of every point among the marrow points of the whole sample.
        surface_number: ``(N,)`` its place among the points of the bone surface; -1 away from it.
        marrow: ``(n, d+1)`` cells; those of this rank, then others that touch its points.
        own_cells: How many cells belong to this rank.
        surface: ``(n, d)`` facets between bone and marrow, likewise; normal into the marrow.
        own_facets: How many facets belong to this rank.
        faces: ``x-``, ``x+``, ... to ``(n, d)`` marrow facets on that face of the box that touch its points;
            ``implant`` to those on an implant.
        half_thickness: ``(N,)`` local half thickness of bone at its own surface points, nan elsewhere.
        marrow_points, marrow_cells, surface_points: Numbers in the whole sample.
        box: Lower and upper corner.
        morphometry: Of the whole sample.
        provenance: Where it comes from: JSON-able.
        hash: Of the whole mesh, bone included: `Sample.hash`; empty where nobody asked for it.
        sigma0: Bone surface per marrow volume, 1/um.
        d0: Bone volume per bone surface, um; nan without bone surface.
        origin: What it was cut out of, where that is kept (a surface that moves needs it).
        implant: The body that was taken out, on rank 0, if there is one.
    """

    team: Team
    dimension: int
    points: np.ndarray
    own: int
    number: np.ndarray
    surface_number: np.ndarray
    marrow: np.ndarray
    own_cells: int
    surface: np.ndarray
    own_facets: int
    faces: Mapping[str, np.ndarray]
    half_thickness: np.ndarray
    marrow_points: int
    marrow_cells: int
    surface_points: int
    box: tuple[tuple[float, ...], tuple[float, ...]]
    morphometry: Morphometry
    provenance: dict[str, Any]
    hash: str
    sigma0: float
    d0: float
    origin: Origin | None = None
    implant: Hull | None = None


def part_of(sample: Sample, team: Team) -> Piece:
    """This rank's piece of a sample that every rank has as a whole.

    The points are dealt out by recursive bisection of the marrow. One rank keeps what they were cut out of.
    """
    piece = replace(_Dealer(sample, team.size).piece(team.rank), team=team)
    if team.size > 1 or sample.origin is None:
        return piece
    in_marrow = np.zeros(len(sample.points), bool)
    in_marrow[sample.marrow] = True
    return replace(piece, origin=replace(sample.origin, keys=sample.origin.keys[in_marrow]))


def deal(sample: Sample | None, team: Team) -> Piece:
    """Collective: this rank's piece of a sample that rank 0 has as a whole (None elsewhere)."""
    if team.size == 1:
        assert sample is not None
        return _Dealer(sample, 1).piece(0)
    from mpi4py.util import pkl5  # arrays travel as they are

    comm = pkl5.Intracomm(team.comm)
    if team.rank:
        return replace(comm.recv(source=0), team=team)
    assert sample is not None
    dealer = _Dealer(sample, team.size)
    for r in range(1, team.size):  # one at a time: rank 0 holds no more than the whole and one piece
        comm.send(dealer.piece(r), dest=r)
    return replace(dealer.piece(0), team=team)


@lru_cache(1)
def _passes() -> Compiled:
    return Compiled(resources.files(__package__).joinpath("deal.c").read_text())


class _Cells:
    """Cells or facets of a whole that touch the points of a part."""

    def __init__(self, cells: np.ndarray, owner: np.ndarray, part: int, seen: np.ndarray):
        self._cells = np.ascontiguousarray(cells, np.int64)
        self._kind, count = np.zeros(len(cells), np.uint8), np.zeros(3, np.int64)
        self._corners = cells.shape[1]
        _passes().touching(len(cells), self._corners, self._cells, owner, part, self._kind, seen, count)
        self.own, self._near = int(count[2]), int(count[1] + count[2])

    def rows(self, name: np.ndarray) -> np.ndarray:
        """Those of the part, then the others, as numbers of points that `name` gives."""
        out = np.empty((self._near, self._corners), np.int32)
        _passes().renamed(len(self._kind), self._corners, self._cells, self._kind, name, self.own, out)
        return out


class _Dealer:
    """Cuts pieces out of a whole."""

    def __init__(self, sample: Sample, parts: int):
        whole = len(sample.points)
        in_marrow, at_bone = np.zeros(whole, bool), np.zeros(whole, bool)
        in_marrow[sample.marrow], at_bone[sample.surface] = True, True
        self._sample = sample
        self._number, self._surface_number = (np.where(m, np.cumsum(m) - 1, -1) for m in (in_marrow, at_bone))
        vertices = np.flatnonzero(in_marrow)
        self._owner = np.full(whole, -1, np.int32)
        self._owner[vertices] = bisect(sample.points[vertices], parts)
        self._counts = len(vertices), int(at_bone.sum())

    def piece(self, rank: int) -> Piece:
        """What a rank gets; its `team` is to be set there."""
        s, mine = self._sample, self._owner == rank
        here = np.zeros(len(mine), np.uint8)
        marrow, surface = (_Cells(c, self._owner, rank, here) for c in (s.marrow, s.surface))
        points = np.concatenate([np.flatnonzero(mine), np.flatnonzero((here > 0) & ~mine)])
        row = np.full(len(mine), -1, np.int32)
        row[points] = np.arange(len(points), dtype=np.int32)
        return Piece(
            team=ALONE,
            dimension=s.dimension,
            points=s.points[points],
            own=int(mine.sum()),
            number=self._number[points],
            surface_number=self._surface_number[points],
            marrow=marrow.rows(row),
            own_cells=marrow.own,
            surface=surface.rows(row),
            own_facets=surface.own,
            faces={f: row[rows[mine[rows].any(1)]] for f, rows in s.faces.items()},
            half_thickness=np.where(mine[points], s.half_thickness[points], np.nan),
            marrow_points=self._counts[0],
            marrow_cells=len(s.marrow),
            surface_points=self._counts[1],
            box=s.box,
            morphometry=s.morphometry,
            provenance=s.provenance,
            hash=s.hash,
            sigma0=s.sigma0,
            d0=s.d0,
            implant=s.implant if rank == 0 else None,
        )


def bisect(points: np.ndarray, parts: int) -> np.ndarray:
    """Part of every point by recursive coordinate bisection (deterministic).

    A cut that would go through a layer of a grid is moved beside it where that is not far (`NEARBY`): a plane
    has fewer neighbours on its other side than a step in it, and the layers behind it stay whole.
    """
    part = np.zeros(len(points), np.int32)
    if parts == 1:
        return part
    nearby = NEARBY / (parts - 1).bit_length()  # what all cuts of a part add up to
    stack = [(np.arange(len(points)), 0, parts)]
    while stack:
        ids, first, count = stack.pop()
        if count == 1:
            part[ids] = first
            continue
        low = count // 2
        axis = int(np.argmax([np.ptp(points[ids, a]) for a in range(points.shape[1])])) if len(ids) else 0
        order = ids[np.argsort(points[ids, axis], kind="stable")]
        split = _between_layers(points[order, axis], len(order) * low // count, int(nearby * len(order)))
        stack += [(order[:split], first, low), (order[split:], first + low, count - low)]
    return part


def _between_layers(x: np.ndarray, middle: int, reach: int) -> int:
    """The place nearest to `middle`, at most `reach` away, that parts no layer of a grid; else `middle`.

    Args:
        x: Ascending.
        middle: Where parts have their right sizes.
        reach: Places.
    """
    near = np.arange(max(1, middle - reach), min(len(x), middle + reach + 1))
    if not reach or not len(near):
        return middle
    gap = x[near] - x[near - 1]
    apart = near[gap > 0.1 * (x[-1] - x[0]) / len(x) ** (1 / 3)]
    return int(apart[np.abs(apart - middle).argmin()]) if len(apart) else middle
