# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m benchmarks.osteoimmune --voxels 3 [--image scan.nrrd] [--against cvode --pairs 3]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from .. import process
from ..pairs import COUNTED, check_reference, compare
from ..registry import METHODS
from ..tuning import Meshes

PEERS = ("cvode", "petsc-bdf", "petsc-rosw")
COARSE = 8.0  # voxels of the mesh on which all settings are searched


def main(argv: list[str] | None = None) -> int:
    """Run, or compare with a peer; see `benchmarks.pairs.compare` for the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.osteoimmune", description=__doc__)
    parser.add_argument("--voxels", type=float, default=3.0, help="edge of a cell in voxels of 19.5 um")
    parser.add_argument("--image", help="grey-value image of bone; default: synthetic bone")
    parser.add_argument("--threshold", type=float, default=63.0, help="grey value of bone in the image")
    parser.add_argument("--crop", help='part of the image: {from=["0.9 mm", ...], to=["2.9 mm", ...]}')
    parser.add_argument("--tolerance", type=float, default=1e-3, help="of a run without a peer")
    parser.add_argument("--against", choices=PEERS)
    parser.add_argument("--pairs", type=int, default=3, help="0: only make reference and settings ready")
    parser.add_argument("--search", action="store_true", help="search the settings again")
    parser.add_argument("--settings-from", type=float, metavar="VOXELS", help="take all settings but the "
                        "tolerance from the search on larger cells, on both sides")  # fmt: skip
    parser.add_argument("--reference", action="store_true", help="say how exact the reference is")
    a = parser.parse_args(argv)
    if a.settings_from is not None and a.settings_from <= a.voxels:
        parser.error(f"--settings-from is more than --voxels, which is {a.voxels:g}")
    if a.pairs < 0:
        parser.error("--pairs is not negative")
    if a.image and not Path(a.image).is_file():
        parser.error(f"--image: there is no file '{a.image}'")

    def request(voxels: float) -> dict[str, Any]:
        about: dict[str, Any] = {"kind": "osteoimmune", "voxels": voxels}
        if a.image:  # workers run elsewhere
            about |= {"image": str(Path(a.image).resolve()), "threshold": a.threshold, "crop": a.crop}
        return about

    def say(line: str) -> None:
        print(line, flush=True)

    here = request(a.voxels)
    if a.reference:
        return check_reference(here, say)
    if a.against:
        source = None if a.settings_from is None else request(a.settings_from)
        coarse = request(max(COARSE, a.settings_from or a.voxels))
        return compare(Meshes(here, coarse, source), METHODS[a.against], a.pairs, say, renew=a.search)
    report = process.start({"workload": here, "method": "ours", "settings": {"tolerance": a.tolerance}})
    if report.failed is not None or report.facts is None:
        say(f"The run failed: {report.failed}")
        return 3
    f, run = report.facts, report.cpu - report.setup
    tries = f["steps"] + f["rejected"]
    say(COUNTED)
    say(f"{f['nodes']} marrow nodes, {f['unknowns']} unknowns")
    say(
        f"{f['steps']} steps ({f['rejected']} rejected), {f['iterations per solve']} iterations per solve, "
        f"{run / tries:.3g} s per step"
    )
    say(f"set-up {report.setup:.2f} CPU s, run {run:.2f} CPU s, set-up / run {report.setup / run:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
