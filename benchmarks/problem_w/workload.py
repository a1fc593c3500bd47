# SPDX-License-Identifier: LGPL-3.0-or-later
"""Problem W as a workload."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from osteofield.api import case_network
from osteofield.case import load_case
from osteofield.tissue import Tissue

from ..workload import Start, Workload
from .mesh import cube

CASE = Path(__file__).with_name("case.toml")


def problem_w(n: int) -> Workload:
    """Problem W on 6 n^3 tetrahedra."""
    case = load_case(CASE)
    network = case_network(case)
    return Workload(f"problem W, n = {n}, {(n + 1) ** 3} nodes", case, network, cube(n), _start)


def _start(workload: Workload, tissue: Tissue) -> Start:
    place, network = workload.sample.points[np.unique(workload.sample.marrow)], workload.network
    marrow = np.empty((len(place), len(network.marrow)))
    for k, p in enumerate(network.marrow):
        marrow[:, k] = network.initial_at(p.name, place)
    return Start(marrow, np.zeros((0, 0)))
