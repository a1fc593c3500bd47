# SPDX-License-Identifier: LGPL-3.0-or-later
"""One run on the ranks that were launched: ``mpiexec -n 2 python -m benchmarks.scaling.worker REQUEST``."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

CASE = Path(__file__).with_name("case.toml")


def work(settings: list[str], case: str | None = None, folder: str | None = None) -> dict[str, Any] | None:
    """Collective: run and measure.

    Args:
        settings: Changes of the case, ``"key=value"``.
        case: Another case file than the one beside this module.
        folder: Where the results go; by default into a temporary folder, deleted at the end.

    Returns:
        On rank 0 the facts of the run, and of every rank its phases, exchanges and sizes.
    """
    from osteofield import api, simulation
    from osteofield.case import load_case
    from osteofield.kinetics import Kernels
    from osteofield.parallel import world

    from .phases import Phases

    comm = world()
    loaded = load_case(case or CASE, settings)
    if comm.rank == 0:  # compiled before the clock starts
        network = api.case_network(loaded)
        Kernels(network)
        Kernels(network.in_health())
    comm.barrier()
    made: list[Any] = []

    class Kept(simulation.Simulation):
        def __init__(self, *arguments: Any, **named: Any):
            super().__init__(*arguments, **named)
            made.append(self)

    owner: Any = simulation
    owner.Simulation = Kept
    before = _peak()
    phases = Phases()
    with tempfile.TemporaryDirectory() as temporary:
        where = Path(comm.bcast(folder or temporary, 0)) / "results"
        comm.barrier()
        phases.start()
        outcome = api.run_case(loaded, where, overwrite=True, screen=False)
        phases.stop()
        size = sum(f.stat().st_size for f in where.rglob("*") if f.is_file()) if comm.rank == 0 else 0
        comm.barrier()
    (run,) = made
    layout, local = run.tissue.layout, run.tissue.layout.local
    mine = {
        "spent": {name: asdict(s) for name, s in phases.spent.items()},
        "calls": [[*key, *value] for key, value in phases.calls.items()],
        "rows": len(layout.owned),
        "surface_rows": len(layout.owned_surface),
        "ghosts": local.halo.ghosts,
        "memory": _peak(),
        "memory_before": before,
    }
    ranks = comm.gather(mine, 0)
    if ranks is None:
        return None
    network = run.network
    unknowns = layout.marrow_count * len(network.marrow) + layout.surface_count * len(network.surface)
    return {
        "status": outcome.status,
        "reason": outcome.reason,
        "time": outcome.time,
        "steps": outcome.steps,
        "cells": run.tissue.sample.morphometry.quality.cells,
        "marrow_cells": layout.cell_count,
        "marrow_points": layout.marrow_count,
        "surface_points": layout.surface_count,
        "unknowns": unknowns,
        "hash": run.tissue.sample.hash,
        "results": size,
        "ranks": ranks,
    }


def _peak() -> float:
    """Peak resident memory of this process, bytes."""
    scale = 1 if sys.platform == "darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale)


def main() -> None:
    """Entry point of the ranks; the report is the last line on the screen."""
    request = json.loads(sys.argv[1])
    report = work(**request)
    if report is not None:
        print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
