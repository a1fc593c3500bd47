# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m benchmarks.scaling``: whole runs on several numbers of ranks, by phase.

Strong scaling runs one sample on all numbers of ranks, weak scaling one whose volume grows with them.
``wall`` is the clock of the slowest rank; ``work`` its processor time without what it spends in
exchanges with other ranks, which on a shared machine is the steadier number.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from .launch import default_launcher, launch
from .report import figure, table, total

EXAMPLE = """\
under Slurm, in a job of 4 nodes with 64 tasks each:
  python -m benchmarks.scaling --ranks 64,128,256 --size 6 --launcher "srun --mpi=pmi2 -n {ranks}"
"""


def main(argv: list[str] | None = None) -> int:
    """Run, print, draw."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling", description=__doc__, epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--ranks", default="1,2", help="numbers of ranks, ascending (1,2)")
    parser.add_argument("--kind", choices=("strong", "weak", "both"), default="both")
    parser.add_argument("--size", type=float, default=2.0, help="side of the synthetic sample, mm (2); "
                        "in weak scaling that of the first number of ranks")  # fmt: skip
    parser.add_argument("--cell", type=float, default=39.0, help="cell size, um (39)")
    parser.add_argument("--days", type=float, default=1.0, help="simulated days (1)")
    parser.add_argument("--case", help="a case file instead of the synthetic sample; strong scaling only")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change of the case")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; the one of least work counts")
    parser.add_argument("--launcher", help=f"command that starts the ranks ({default_launcher()})")
    parser.add_argument("-o", "--out", type=Path, default=Path("results/scaling"), help="folder")
    a = parser.parse_args(argv)
    try:
        ranks = [int(n) for n in a.ranks.split(",")]
    except ValueError:
        parser.error(f"--ranks needs whole numbers with commas between them, not {a.ranks!r}")
    if ranks != sorted(set(ranks)) or ranks[0] < 1:
        parser.error(f"--ranks must ascend from 1 or more, not {a.ranks!r}")
    kinds = ["strong", "weak"] if a.kind == "both" and not a.case else ["strong"] if a.case else [a.kind]
    a.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[dict[str, Any]]] = {}
    for kind in kinds:
        runs = []
        for n in ranks:
            side = a.size * (n / ranks[0]) ** (1 / 3 if kind == "weak" else 0)
            request = {"settings": [*settings(a, side), *a.set], "case": a.case}
            found = [launch(request, n, a.launcher) for _ in range(a.repeat)]
            runs.append(min(found, key=lambda r: total(r, "work")))
            print(f"{kind}, {n} rank{'s' if n > 1 else ''}: {total(runs[-1], 'wall'):.1f} s", file=sys.stderr)
        results[kind] = runs
        (a.out / f"{kind}.json").write_text(json.dumps(runs, indent=1))
        text = f"{kind} scaling\n{table(runs, kind)}\n"
        (a.out / f"{kind}.txt").write_text(text)
        print(f"\n{text}")
    figure(results, a.out / "scaling.png")
    print(f"{a.out / 'scaling.png'}")
    return 0


def settings(a: argparse.Namespace, side: float) -> list[str]:
    """Changes of the case for a sample of a side (mm)."""
    if a.case:
        return []
    length = f'"{side * 1000:.6g} um"'
    return [
        f"sample.synthetic.size=[{length}, {length}, {length}]",
        f'sample.cell_size="{a.cell:g} um"',
        f'time.end="{a.days:g} day"',
        f'output.times=["{a.days:g} day"]',
    ]


if __name__ == "__main__":
    sys.exit(main())
