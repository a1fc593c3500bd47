# SPDX-License-Identifier: LGPL-3.0-or-later
"""``python -m benchmarks.scaling.predict LARGE.json SMALL.json``: many ranks from runs on one and two.

Both files are a ``strong.json`` of ``python -m benchmarks.scaling --ranks 1,2``, of a large and of a small
sample. The small one gives what a step costs whatever its rows, the large one what a row costs, how
many rows of the other rank a cut through the sample adds (its ghosts), and what is sent. Of the
network the usual two numbers are assumed, the time of a short message and the bytes per second of a rank.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .report import exchanges, of_phase

SETUP = ("image, distance", "cut", "half thickness", "measures, numbers", "rows, stiffness", "multigrid")
FACES = 6  # of a box that is cut all around
MESSAGES = 14  # to neighbours per exchange: faces, and most of the edges and corners
HALO = 4  # layers of grid nodes around a box that set-up works on besides


@dataclass(frozen=True)
class Network:
    """What is assumed of a machine.

    Attributes:
        latency: s per short message between two ranks.
        bandwidth: bytes/s that a rank sends while all others send too.
        slowdown: How much longer a row takes on a full node than alone: cores share memory bandwidth.
    """

    latency: float = 2e-6
    bandwidth: float = 1e9
    slowdown: float = 2.0


@dataclass(frozen=True)
class Costs:
    """What was measured.

    Attributes:
        step: s per step, whatever the rows.
        row: s per step and row.
        setup: s per row, from the sample to the multigrid.
        rest_state: s per row for the homeostasis, solved like time steps.
        results: s per row for mesh, one output time and checkpoints, on rank 0.
        halos: Exchanges of ghosts per step.
        sent: bytes per step and ghost row.
        reductions: Sums over all ranks per step.
        ghosts: Ghost rows per face over rows^(2/3).
        rows_per_cell: Marrow rows per cell of the sample.
    """

    step: float
    row: float
    setup: float
    rest_state: float
    results: float
    halos: float
    sent: float
    reductions: float
    ghosts: float
    rows_per_cell: float

    @classmethod
    def of(cls, large: list[dict[str, Any]], small: list[dict[str, Any]]) -> Costs:
        """From runs on one and two ranks of two samples."""
        one, two = large
        steps = {id(r): r["steps"]["accepted"] + r["steps"]["rejected"] for r in (one, two, small[0])}
        rows, few = one["marrow_points"], small[0]["marrow_points"]
        per_step = of_phase(one, "time steps", "work") / steps[id(one)]
        per_small = of_phase(small[0], "time steps", "work") / steps[id(small[0])]
        row = (per_step - per_small) / (rows - few)
        ghosts = max(r["ghosts"] for r in two["ranks"])
        half = max(r["rows"] for r in two["ranks"])
        calls, sent = exchanges(two, "halo")
        return cls(
            step=max(per_small - row * few, 0.0),
            row=row,
            setup=sum(of_phase(one, p, "work") for p in SETUP) / rows,
            rest_state=of_phase(one, "homeostasis", "work") / rows,
            results=of_phase(one, "results", "work") / rows,
            halos=calls / steps[id(two)],
            sent=sent / steps[id(two)] / ghosts,
            reductions=exchanges(two, "reduction")[0] / steps[id(two)],
            ghosts=ghosts / half ** (2 / 3),
            rows_per_cell=rows / one["cells"],
        )

    def seconds_per_step(self, rows: float, ranks: int, network: Network) -> float:
        """Of the whole sample on that many ranks."""
        n = rows / ranks
        alone = self.step + self.row * n * (network.slowdown if ranks > 1 else 1.0)
        if ranks == 1:
            return alone
        faces = min(FACES, math.log2(ranks))
        ghosts = faces * self.ghosts * n ** (2 / 3)
        halo = (
            self.halos * MESSAGES * faces / FACES * network.latency + self.sent * ghosts / network.bandwidth
        )
        return alone + halo + self.reductions * 2 * math.log2(ranks) * network.latency

    def seconds_of_setup(self, rows: float, ranks: int, network: Network) -> float:
        """From the sample to the multigrid, the halo of grid nodes included."""
        n = rows / ranks
        if ranks == 1:
            return self.setup * n
        side = n ** (1 / 3)
        return self.setup * n * network.slowdown * ((side + 2 * HALO) / side) ** 3


def table(costs: Costs, cells: float, ranks: list[int], network: Network) -> str:
    """Markdown: what a sample of so many cells would take."""
    rows = costs.rows_per_cell * cells
    first = costs.seconds_per_step(rows, 1, network)
    lines = [
        f"| {cells:.3g} cells, ranks | rows of a rank | ms per step | speed-up | efficiency | set-up, s |",
        "|---|---|---|---|---|---|",
    ]
    for n in ranks:
        t = costs.seconds_per_step(rows, n, network)
        setup = costs.seconds_of_setup(rows, n, network)
        lines.append(
            f"| {n:,} | {rows / n:,.0f} | {1e3 * t:,.{0 if t > 0.1 else 1}f} | {first / t:,.0f} | "
            f"{first / t / n:.0%} | {setup:,.{0 if setup > 10 else 1}f} |"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Print what was measured and what follows."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling.predict", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("large", type=Path)
    parser.add_argument("small", type=Path)
    parser.add_argument("--cells", default="1e7,1e8")
    parser.add_argument("--ranks", default="1,64,128,256,512,1024")
    parser.add_argument("--latency", type=float, default=Network.latency, help="s")
    parser.add_argument("--bandwidth", type=float, default=Network.bandwidth, help="bytes/s of a rank")
    parser.add_argument("--slowdown", type=float, default=Network.slowdown, help="of a row on a full node")
    a = parser.parse_args(argv)
    costs = Costs.of(*(json.loads(p.read_text("utf-8")) for p in (a.large, a.small)))
    network = Network(a.latency, a.bandwidth, a.slowdown)
    for name, value in vars(costs).items():
        print(f"{name:<14}{value:.3g}")
    for cells in a.cells.split(","):
        print(f"\n{table(costs, float(cells), [int(n) for n in a.ranks.split(',')], network)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
