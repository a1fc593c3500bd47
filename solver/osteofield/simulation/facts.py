# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a run says about itself: sample, model, foci, steps, memory, seconds."""

from __future__ import annotations

import resource
import sys
import time as clock
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..integrator import Integrator
from ..kinetics import Network
from ..tissue import Tissue, WellMixed
from .seeding import Focus

if TYPE_CHECKING:
    from mpi4py import MPI


class Stopwatch:
    """Context that adds its wall seconds to an entry of a table."""

    def __init__(self, table: dict[str, float], name: str):
        self._table, self._name = table, name

    def __enter__(self) -> None:
        self._start = clock.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._table[self._name] = self._table.get(self._name, 0.0) + clock.perf_counter() - self._start


def about_focus(focus: Focus, network: Network, dimension: int) -> str:
    """One line on a focus, with the marrow it holds."""
    unit = next(p.unit for p in network.marrow if p.name == focus.population)
    text = f"focus: {focus.load:g} {unit} of {focus.population}"
    if dimension == 0:
        return text
    where = ", ".join(f"{x / 1e3:.4g}" for x in focus.center)
    size = f"{focus.volume * 1e-9:.4g} mm^3" if dimension == 3 else f"{focus.volume * 1e-6:.4g} mm^2"
    return f"{text} in {size} of marrow, the marrow within {focus.radius:g} um of ({where}) mm"


def run_facts(tissue: Tissue, network: Network, foci: Sequence[Focus]) -> dict[str, Any]:
    """Roles, labels, model, foci and mesh for ``run.json``, and an implant, for a file of its own."""
    sample, box = tissue.sample, None
    implant = None if isinstance(sample, WellMixed) else sample.implant
    roles = network.roles
    mesh: dict[str, Any] = {"sigma0 [1/um]": sample.sigma0, "d0 [um]": sample.d0}
    if not isinstance(sample, WellMixed):
        box = [list(map(float, corner)) for corner in sample.box]
        mesh |= {
            "hash": sample.hash,
            "marrow_nodes": tissue.layout.marrow_count,
            "marrow_cells": tissue.layout.cell_count,
            "surface_nodes": tissue.layout.surface_count,
            "provenance": dict(sample.provenance),
        }
    return {
        "roles": {
            "depth": roles.depth,
            "inoculum": roles.inoculum,
            "bacteria": list(roles.bacteria),
            "show": list(roles.show),
        },
        "labels": {p.name: p.label for p in network.populations},
        "columns": {
            f"{q.column} [{q.unit}]": q.meaning for q in network.model.quantities.values() if q.column
        },
        "model": model_facts(network),
        "foci": [
            {
                "center": f.center.tolist(),
                "radius": f.radius,
                "population": f.population,
                "load": f.load,
                "marrow_volume": f.volume,
            }
            for f in foci
        ],
        "dimension": sample.dimension,
        "box": box,
        "mesh": mesh,
        **({} if implant is None else {"implant": implant}),
    }


def model_facts(network: Network) -> dict[str, Any]:
    """The model as it ran, so that a results folder explains itself: every number, its unit and source."""
    model = network.model
    return {
        "name": network.name,
        "hash": network.source_hash,
        "title": model.title,
        "description": " ".join(model.description.split()),
        "sources": dict(model.sources),
        "parameters": [
            {
                "name": p.name,
                "value": network.numbers[p.name] / p.value.unit.factor,
                "unit": str(p.value.unit),
                "meaning": p.meaning,
                "source": p.source,
                "changed": network.numbers[p.name] != p.value.number,
            }
            for p in model.parameters.values()
        ],
        "switches": [
            {
                "name": s.name,
                "on": bool(network.numbers[s.name]),
                "meaning": s.meaning,
                "source": s.source,
                "changed": bool(network.numbers[s.name]) != s.on,
            }
            for s in model.switches.values()
        ],
    }


def step_facts(integrator: Integrator, names: Sequence[str]) -> dict[str, Any]:
    """Steps, rejections by reason, solves and iterations."""
    n, system = integrator.statistics, integrator.system
    rejections = {}
    for reason, count in n.reasons.items():
        text, _, tail = reason.partition(": population ")
        rejections[f"{text}: {names[int(tail)]}" if tail else reason] = count
    return {
        "accepted": n.accepted,
        "rejected": n.rejected,
        "rejections": rejections,
        "solves": system.solves,
        "iterations": system.iterations,
        "blocks": system.reuse.made,
        "renewed": system.reuse.renewed,
        "rescued": system.rescued,
        "last_step": integrator.control.step,
    }


def peak_memory(comm: MPI.Comm) -> float:
    """Collective: peak resident memory of all ranks together, MB."""
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return float(comm.allreduce(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale))
