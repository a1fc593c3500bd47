# SPDX-License-Identifier: LGPL-3.0-or-later
"""libroadrunner in a process of its own: one JSON request per line in, one JSON answer per line out.

It brings an LLVM that aborts the process where another one is loaded, as software OpenGL does.
"""

from __future__ import annotations

import json
import sys


def answer(request: dict) -> list[list[float]]:
    """Rows of the selected columns at equal times from 0 to the end."""
    from roadrunner import RoadRunner

    model = RoadRunner(request["sbml"])
    model.integrator.relative_tolerance, model.integrator.absolute_tolerance = 1e-12, 1e-16
    model.integrator.maximum_num_steps = 1_000_000
    table = model.simulate(0, request["end"], request["points"] + 1, request["columns"])
    return [[float(v) for v in row] for row in table]


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
