# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m benchmarks.profile --n 64``: where osteofield's time goes, and how near it is to the memory.

``mpiexec -n 2 python -m benchmarks.profile --n 64``: the wall clock of ranks, and what they wait for.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from osteofield.geometry.piece import deal
from osteofield.integrator import Halo, System
from osteofield.integrator.blocks import blocks
from osteofield.integrator.halo import Replica, Transfer
from osteofield.parallel import world
from osteofield.simulation import Simulation
from osteofield.team import Team

from .memory import forget_peak, resident
from .meter import Entry, Meter
from .method import Clock
from .ours import METHOD
from .process import one_thread
from .registry import warm_up, workload_of
from .stream import triad
from .workload import Workload

if TYPE_CHECKING:
    from mpi4py import MPI

SETUP = (  # what to watch while the system is set up: label, module, name
    ("mesh and stiffness", "osteofield.tissue.layout", "marrow_mesh"),
    ("rows and measures", "osteofield.tissue.tissue", "lay_out"),
    ("aggregation", "osteofield.integrator.hierarchy", "coarsen"),
    ("hierarchy", "osteofield.integrator.system", "Hierarchy"),
)
NESTED = {"rows and measures": "mesh and stiffness", "hierarchy": "aggregation"}
PHASES = (  # of a run, by the names of the compiled functions
    ("cycles of the hierarchy, operator", r"^cycle$|sweep|descend|restrict|ascend|prolong|apply_rows"),
    ("Krylov: residual in double precision", r"^apply$|subtract_uniform"),
    ("Krylov: orthogonalisation, update", r"dots|combine|project|orthogonal|^square$|^begin$"),
    ("first step: elimination in solves", r"^(reduce|expand)$"),
    ("rates, Jacobian, elimination at nodes", r"^eliminate$"),
    ("the same, back substitution, new state, norms", r"^finish$"),
    ("prepare: blocks of all levels", r"invert|compact|lump"),
    ("first step: Jacobian", r"^jacobian$"),
    ("first step: rates", r"^rates$"),
    ("books of what flowed", r"^terms$"),
    ("diffusion in the rates", r"gain|pack|diffuse"),
    ("combinations of stages", r"linear"),
    ("norms, totals, extremes", r"squares|totals|lowest|largest|advance|gaps|^along$"),
    ("halo: begun", r"^halo"),
    ("halo: waited for", r"^wait$"),
    ("reductions", r"^reduced"),
)
ALONE = ("halo: begun", "halo: waited for", "reductions")  # which nothing is done for on one rank
REDUCTIONS = ("krylov", "hierarchy", "states")  # modules of the integrator


class _Wall:
    """Seconds of the wall since it was made."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    def __call__(self) -> float:
        return time.perf_counter() - self._begun


class _Watched(Simulation):
    """A simulation whose parts are watched from the state at day 0 on."""

    meter: Meter
    clock: Callable[[], Callable[[], float]] = Clock
    start_seconds = 0.0

    def start_state(self) -> np.ndarray:
        clock = type(self).clock()
        y = super().start_state()
        self.start_seconds = clock()
        problem, meter = self.system.problem, self.meter
        compiled = blocks(problem.diffusing, problem.marrow_width, problem.surface_width)
        for name in dir(compiled._lib):
            meter.watch(compiled, name)
        for passes in self.system.pointwise:
            for name in ("eliminate", "finish"):
                meter.watch(passes, name)
        for kernel in {id(k): k for k in (problem.inside.kernel, problem.surface.kernel)}.values():
            for name in ("rates", "jacobian", "terms"):
                meter.watch(kernel, name)
        meter.watch(self.system, "_solve_diffusing", "System.solve")
        for name in ("begin", "begin_add"):
            meter.watch(Halo, name, "halo")
        meter.watch(Transfer, "end", "wait")
        meter.watch(Replica, "add", "reduced")
        for module in REDUCTIONS:
            owner = importlib.import_module(f"osteofield.integrator.{module}")
            for name in ("reduced", "reduced_both"):
                meter.watch(owner, name)
        return y


def main(argv: list[str] | None = None) -> int:
    """Profile one run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--n", type=int, default=32, help="problem W on 6 n^3 cells")
    parser.add_argument("--voxels", type=float, help="the osteoimmune model on synthetic bone instead")
    a = parser.parse_args(argv)
    one_thread("benchmarks.profile", argv)
    request = {"kind": "osteoimmune", "voxels": a.voxels} if a.voxels else {"kind": "w", "n": a.n}
    workload = workload_of(request)
    warm_up(request, METHOD, METHOD.first)
    comm = world()
    if comm.rank == 0:
        print(workload.title)
    if comm.size > 1:
        _profile_ranks(workload, comm)
    else:
        _profile(workload)
    return 0


def _profile_ranks(workload: Workload, comm: MPI.Comm) -> None:
    """Collective: wall clock of every rank, from the mesh in the memory of the first one on."""
    setup, run = Meter(clock=time.perf_counter_ns), Meter(clock=time.perf_counter_ns)
    for label, module, name in SETUP:
        setup.watch(importlib.import_module(module), name, label)
    _Watched.meter, _Watched.clock = run, _Wall
    whole = workload.sample if comm.rank == 0 else None
    comm.barrier()
    clock = _Wall()
    piece = deal(whole, Team(comm))
    spent = {"deal the mesh out": clock()}
    simulation = _Watched(workload.case, workload.network, workload.network.in_health(), piece, comm)
    built = clock() - spent["deal the mesh out"]
    for label, _, _ in SETUP:
        spent[label] = setup.seconds(label) - setup.seconds(NESTED.get(label, ""))
        built -= spent[label]
    spent["rest of the set-up"] = built
    begun = clock()
    outcome = simulation.run(None)
    total = clock() - begun - simulation.start_seconds
    groups = _by_phase(run)
    spent |= {label: g.seconds for label, g in groups.items()}
    spent["Python and the rest"] = total - sum(g.seconds for g in groups.values())
    spent["whole"] = total + begun
    everyone = comm.gather((spent, {label: g.calls for label, g in groups.items()}), 0)
    if everyone is None:
        return
    print(f"{outcome.steps['accepted']} steps, {outcome.steps['iterations']} cycles, {comm.size} ranks")
    print(f"  {'wall clock of a rank, s':46s}{'mean':>9s} {'least':>9s} {'most':>9s} {'calls':>8s}")
    calls = everyone[0][1]
    for label in spent:
        seconds = [mine.get(label, 0.0) for mine, _ in everyone]
        print(
            f"  {label:46s}{np.mean(seconds):9.3f} {min(seconds):9.3f} {max(seconds):9.3f} "
            f"{calls.get(label, ''):>8}"
        )
    print("  What is waited for holds the time that one rank is ahead of another.")


def _profile(workload: Workload) -> None:
    forget_peak()
    before = resident("VmRSS")
    setup, run = Meter(), Meter()
    restore = []
    for label, module, name in SETUP:
        owner = importlib.import_module(module)
        restore.append((owner, name, getattr(owner, name, None)))
        setup.watch(owner, name, label)
    clock = Clock()
    _Watched.meter = run
    simulation = _Watched(
        workload.case, workload.network, workload.network.in_health(), workload.sample, world()
    )
    total = clock()
    for owner, name, original in restore:
        if original is not None:
            setattr(owner, name, original)
    _print_setup(setup, total)
    clock = Clock()
    outcome = simulation.run(None)
    seconds = clock() - simulation.start_seconds
    peak = resident("VmHWM")
    bandwidth = triad()
    s = outcome.steps
    tries = s["accepted"] + s["rejected"]
    per_solve = s["iterations"] / max(s["solves"], 1)
    print(
        f"\nrun: {seconds:.2f} CPU s, {s['accepted']} steps ({s['rejected']} rejected), "
        f"{per_solve:.2f} iterations per solve, {seconds / tries:.3g} s per step;\n"
        f"STREAM triad, one core: {bandwidth / 1e9:.1f} GB/s"
    )
    _print_run(run, seconds, bandwidth)
    _print_solves(simulation.system, run, seconds, bandwidth)
    unknowns = simulation.system.size
    print(
        f"memory: {peak / 1e6:.0f} MB at most, {peak / unknowns:.0f} bytes per unknown; "
        f"without interpreter, libraries and sample {(peak - before) / unknowns:.0f} bytes per unknown"
    )


def _print_setup(meter: Meter, total: float) -> None:
    print(f"set-up: {total:.2f} CPU s")
    left = total
    for label, _, _ in SETUP:
        own = meter.seconds(label) - meter.seconds(NESTED.get(label, ""))
        left -= own
        print(f"  {label:46s}{own:9.3f} s {100 * own / total:5.1f} %")
    print(f"  {'the rest':46s}{left:9.3f} s {100 * left / total:5.1f} %")


def _by_phase(meter: Meter) -> dict[str, Entry]:
    """What was watched in a run, in the order of `PHASES`."""
    groups: dict[str, Entry] = {}
    for name, entry in meter.entries.items():
        if not entry.calls or name.startswith("System."):
            continue
        label = next((p for p, pattern in PHASES if re.search(pattern, name)), f"other: {name}")
        group = groups.setdefault(label, Entry())
        group.calls += entry.calls
        group.seconds += entry.seconds
        group.bytes += entry.bytes
    order = [p for p, _ in PHASES]
    return dict(sorted(groups.items(), key=lambda g: order.index(g[0]) if g[0] in order else len(order)))


def _print_run(meter: Meter, total: float, bandwidth: float) -> None:
    groups = _by_phase(meter)
    print(f"  {'':46s}{'CPU s':>9s} {'share':>7s} {'calls':>8s} {'GB/s':>7s} of triad")
    for label, g in groups.items():
        if label in ALONE:
            continue
        speed = g.bytes / max(g.seconds, 1e-9)
        print(
            f"  {label:46s}{g.seconds:9.3f} {100 * g.seconds / total:5.1f} % {g.calls:8d} {speed / 1e9:7.1f} "
            f"{100 * speed / bandwidth:6.0f} %"
        )
    left = total - sum(g.seconds for g in groups.values())
    print(f"  {'Python and the rest':46s}{left:9.3f} {100 * left / total:5.1f} %")
    print("  GB/s counts every array that a function is given once: what has to be moved at least.")


def _print_solves(system: System, meter: Meter, total: float, bandwidth: float) -> None:
    p = system.problem
    rows, nd = len(p.volumes), p.diffusing
    entries = system.hierarchy.levels[0].stiffness.value.size if system.hierarchy is not None else 0
    per_node = 8 * entries / rows + 4 + 4 * nd * nd + 8 * nd
    one = per_node * rows / bandwidth
    solve = meter.seconds("System.solve") / max(system.solves, 1)
    iterations = system.iterations / max(system.solves, 1)
    stage = total / max(system.solves, 1)
    print(
        f"\none pass over state (read, written), K and node blocks in single precision: {per_node:.0f} "
        f"bytes\nper node, {1e3 * one:.3g} ms at triad speed; in such passes, a linear solve takes "
        f"{solve / one:.1f} ({solve / one / max(iterations, 1e-9):.1f}\nper iteration) and a whole stage "
        f"{stage / one:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
