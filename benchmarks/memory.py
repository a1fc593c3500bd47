# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m benchmarks.memory --n 64``: bytes per unknown of a whole run that writes its results."""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from osteofield.geometry.piece import deal
from osteofield.onecase import Telling, run_one
from osteofield.parallel import world
from osteofield.simulation import Progress
from osteofield.team import Team

from .osteoimmune import osteoimmune
from .ours import METHOD
from .problem_w import problem_w
from .process import one_thread
from .registry import warm_up


def main(argv: list[str] | None = None) -> int:
    """Run once and print; exit status 3 where the run does not reach its end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--n", type=int, default=64, help="problem W on 6 n^3 cells (64)")
    parser.add_argument("--voxels", type=float, help="the osteoimmune model on synthetic bone instead")
    a = parser.parse_args(argv)
    one_thread("benchmarks.memory", argv)
    warm_up({"kind": "osteoimmune" if a.voxels else "w"}, METHOD, METHOD.first)
    workload = osteoimmune(a.voxels) if a.voxels else problem_w(a.n)
    title, case, network = workload.title, workload.case, workload.network
    piece = deal(workload.sample, Team(world()))
    unknowns = piece.marrow_points * len(network.marrow) + piece.surface_points * len(network.surface)
    del workload
    gc.collect()
    forget_peak()
    before, early = resident("VmRSS"), 0

    def note(progress: Progress) -> None:
        nonlocal early
        early = early or resident("VmHWM")

    with tempfile.TemporaryDirectory() as folder:
        outcome = run_one(case, Path(folder) / "results", Telling(note, screen=False), sample=piece)
    peak = resident("VmHWM")
    if outcome.status != "done":
        print(f"The run failed: {outcome.reason}")
        return 3
    print(
        f"{title}, {unknowns} unknowns, run with output; interpreter, libraries and mesh "
        f"({before / 1e6:.0f} MB) not counted: {(peak - before) / unknowns:.0f} bytes per unknown at most, "
        f"{(early - before) / unknowns:.0f} up to the end of the first step"
    )
    return 0


def resident(which: str) -> int:
    """Resident memory in bytes: ``VmRSS`` now, ``VmHWM`` at most since `forget_peak`."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return int(next(line for line in lines if line.startswith(which)).split()[1]) * 1024


def forget_peak() -> None:
    """Let ``VmHWM`` begin anew."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
