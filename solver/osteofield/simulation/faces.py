# SPDX-License-Identifier: LGPL-3.0-or-later
"""What comes with a face of the sample box or with an implant: fluxes into the marrow, and layers that are
infected at day 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..case.types import Case, FaceSpec
from ..errors import Problem
from ..geometry import Piece, Sample
from ..geometry.implant import FACE as IMPLANT
from ..integrator import System
from ..remodelling.closest import Facets
from ..team import Team
from ..tissue import Tissue, WellMixed, region_shares, slab_shares

_EVEN = 1e-9  # of a volume: what is half in by symmetry is in on any number of ranks


@dataclass(frozen=True)
class Layer:
    """Marrow at a face that something was put into.

    Attributes:
        spec: As the case says it.
        inside: Which rows of this rank got it: nodes that lie in the layer by half or more.
        volume: Their volume over all ranks, um^3 (um^2 in 2-D).
    """

    spec: FaceSpec
    inside: np.ndarray
    volume: float


class Faces:
    """The faces of a case on a tissue."""

    def __init__(self, case: Case, tissue: Tissue):
        self.specs: Sequence[FaceSpec] = case.faces
        self._tissue = tissue
        self.layers = [_layer(f, tissue) for f in self.specs if f.load]
        self._column = {p.name: k for k, p in enumerate(tissue.network.marrow)}

    @property
    def jumps(self) -> tuple[float, ...]:
        """Times at which a source begins or ends."""
        return tuple(t for f in self.specs if f.source for t in (f.start, f.stop))

    def fill(self, system: System, y: np.ndarray, log: Callable[[str], None]) -> None:
        """Put the loads of the layers into a state."""
        t = self._tissue
        for layer in self.layers:
            for name, density in layer.spec.load.items():
                system.marrow(y)[layer.inside, self._column[name]] += density
            what = ", ".join(f"{v} of {n}" for n, v in layer.spec.load_text.items())
            size = (
                f"{layer.volume * 1e-9:.4g} mm^3"
                if t.sample.dimension == 3
                else f"{layer.volume * 1e-6:.4g} mm^2"
            )
            where = layer.spec.side if layer.spec.side == IMPLANT else f"face {layer.spec.side}"
            log(f"{where}: {what} in {size} of marrow, a layer of {layer.spec.layer:g} um")

    def flow(self, system: System, t: float) -> None:
        """Let flow what flows from `t` on."""
        running = [f for f in self.specs if f.source and f.start <= t < f.stop]
        p, faces = system.problem, self._tissue.layout.faces
        nothing = np.zeros(len(p.volumes))
        area = [faces.get(f.side, nothing) for f in running]
        rows = np.flatnonzero(sum(area, nothing) > 0)
        source = np.zeros((len(rows), p.diffusing))
        for f, a in zip(running, area, strict=True):
            for name, flux in f.source.items():
                source[:, self._column[name]] += flux * a[rows] / p.volumes[rows]
        p.source_rows, p.source = rows, source

    @property
    def facts(self) -> list[dict[str, Any]]:
        """For ``run.json``."""
        volumes = {id(layer.spec): layer.volume for layer in self.layers}
        return [
            {
                "side": f.side,
                "source": dict(f.source),
                "from": f.start,
                "until": None if np.isinf(f.stop) else f.stop,
                "layer": f.layer,
                "load": dict(f.load),
                "marrow_volume": volumes.get(id(f), 0.0),
            }
            for f in self.specs
        ]


def check_faces(case: Case, sample: Piece | WellMixed) -> list[Problem]:
    """Collective: faces that the sample does not have, or on which there is only bone."""
    problems = []
    for k, f in enumerate(case.faces):
        if isinstance(sample, WellMixed) or not int(sample.team.sum(len(sample.faces.get(f.side, ())))):
            what = f"the sample has no marrow on its face {f.side}, so nothing can come through it."
            if f.side == IMPLANT:
                what = "the sample has no implant that touches marrow, so nothing can come from its surface."
            problems.append(case.problem(("face", k, "side"), what))
    return problems


def _layer(spec: FaceSpec, tissue: Tissue) -> Layer:
    """Collective."""
    sample, where, team = tissue.sample, tissue.layout, Team(tissue.problem.comm)
    assert not isinstance(sample, WellMixed)
    if spec.side == IMPLANT:
        facets = _facets_within(spec.layer, where.points, sample, team)
        shares = region_shares(where.points, where.cells, lambda x: spec.layer - _gap(facets, x))
    else:
        axis, low = "xyz".index(spec.side[0]), spec.side[1] == "-"
        edge = float(sample.box[0 if low else 1][axis])
        shares = slab_shares(where.points, where.cells, axis, edge, spec.layer if low else -spec.layer)
    own = len(where.owned)
    inside = shares[:own] >= (0.5 - _EVEN) * where.volumes
    if not int(team.sum(int(inside.sum()))):  # thinner than half a cell: the nodes on the face itself
        inside = where.faces.get(spec.side, np.zeros(own)) > 0
    return Layer(spec, inside, float(team.sum(where.volumes[inside].sum())))


def _facets_within(reach: float, points: np.ndarray, sample: Piece | Sample, team: Team) -> Facets:
    """Collective: facets of the implant that are within `reach` of this rank's points, and no nearer ones
    are missing."""
    rows = sample.faces[IMPLANT]
    if isinstance(sample, Sample):  # every rank has it as a whole
        return Facets(sample.points[rows])
    first = np.take_along_axis(rows, sample.number[rows].argmin(1)[:, None], 1)[:, 0]
    corners = sample.points[rows[first < sample.own]]  # each on one rank
    lowest, highest = corners.min(1), corners.max(1)
    boxes = team.everyone((points.min(0), points.max(0)) if len(points) else None)
    parts = []
    for box in boxes:
        near = np.zeros(len(corners), bool)
        if box is not None:
            near = ((highest >= box[0] - reach) & (lowest <= box[1] + reach)).all(1)
        parts.append(corners[near])
    return Facets(np.concatenate(team.exchange(parts)))


def _gap(facets: Facets, x: np.ndarray) -> np.ndarray:
    """Distance of places ``(..., d)`` to the nearest facet, um."""
    if not facets.count:
        return np.full(x.shape[:-1], np.inf)
    return facets.closest(x.reshape(-1, x.shape[-1])).distance.reshape(x.shape[:-1])
