# SPDX-License-Identifier: LGPL-3.0-or-later
"""Draw the figures of docs/verification.md: ``python -m tests.verification.figures [CASE ...]``.

The same code as in the tests, on finer meshes; takes a few minutes. Prints every measured order and error.
"""

from __future__ import annotations

import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

CASES = (
    "manufactured", "uniform", "cosine", "spreading", "radial", "slab", "open_boundary", "conservation",
    "moving_surface", "cavity",
)  # fmt: skip
FIGURES = Path(__file__).parents[2] / "docs" / "figures" / "verification"


def main(cases: list[str]) -> int:
    """Draw the figures of the cases named, or of all."""
    if unknown := set(cases) - set(CASES):
        print(f"no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
        return 2
    FIGURES.mkdir(parents=True, exist_ok=True)
    for case in cases or CASES:
        begun = time.perf_counter()
        module = import_module(f".{case}.test_{case}", __package__)
        with tempfile.TemporaryDirectory() as work:
            lines = module.draw(FIGURES, Path(work))
        print(f"{case} ({time.perf_counter() - begun:.0f} s)", *lines, sep="\n  ", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
