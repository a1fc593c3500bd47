# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m benchmarks.ladder --n 32 --method cvode``: error and CPU over tolerances, written down."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from pathlib import Path
from typing import Any

from .error import LIMIT
from .pairs import describe, one_run
from .process import start
from .record import Measured, Record
from .registry import METHODS
from .tuning import Meshes, ensure_reference, tuned

FACTOR = 10**0.5  # from one rung to the next
COARSE = {"w": ("n", 16), "osteoimmune": ("voxels", 8.0)}  # where all settings are searched


def main(argv: list[str] | None = None) -> int:
    """Run, print, and write down; exit status 2 where a method is not installed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ladder", description=__doc__)
    parser.add_argument("--n", type=int, help="problem W on 6 n^3 cells")
    parser.add_argument("--voxels", type=float, help="the osteoimmune model on cells of so many voxels")
    parser.add_argument("--image", help="grey-value image of bone; default: synthetic bone")
    parser.add_argument("--threshold", type=float, default=63.0, help="grey value of bone in the image")
    parser.add_argument("--method", choices=tuple(METHODS), default="ours")
    parser.add_argument("--settings", type=json.loads, help="JSON; default: those that a search has found")
    parser.add_argument("--tolerances", type=float, nargs="+", help="default: six rungs of half a decade "
                        "around that of the search")  # fmt: skip
    parser.add_argument("--without-error", action="store_true", help="on meshes too large for a reference")
    a = parser.parse_args(argv)
    if (a.n is None) == (a.voxels is None):
        parser.error("one of --n and --voxels is needed, and only one")
    if a.without_error and not (a.settings is not None and a.tolerances):
        parser.error("--without-error needs --settings and --tolerances: a search needs errors")
    request: dict[str, Any] = {"kind": "w", "n": a.n}
    if a.voxels is not None:
        request = {"kind": "osteoimmune", "voxels": a.voxels}
        if a.image:
            request |= {"image": str(Path(a.image).resolve()), "threshold": a.threshold, "crop": None}
    method = METHODS[a.method]
    lacking = method.missing() or (None if a.without_error else METHODS["cvode"].missing())
    if lacking:
        print(lacking)
        return 2
    key, value = COARSE[request["kind"]]
    settings = {**method.first, **(a.settings or {})}
    if a.settings is None:
        settings = tuned(method, Meshes(request, {**request, key: value}), _say)
    middle = settings["tolerance"]
    reference = None if a.without_error else ensure_reference(request)
    for tolerance in a.tolerances or [float(f"{middle * FACTOR**k:.3g}") for k in (2, 1, 0, -1, -2, -3)]:
        chosen = {**settings, "tolerance": tolerance}
        if reference is None:
            report = start({"workload": request, "method": method.name, "settings": chosen})
        else:
            report = one_run(method)(request, reference, chosen)
        if report.failed is not None:
            _say(f"tolerance {tolerance:g}: {report.failed}")
            continue
        _say(f"tolerance {tolerance:g}: {describe(report)}")
        record = Record.read()
        today = datetime.date.today().isoformat()
        record.add(Measured.of(request, method.name, tolerance, report, today))
        record.write()
    _say(f"(errors up to {LIMIT:g} count in comparisons)")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
