# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every integrator reaches the accuracy asked for; how much work osteofield may need."""

from __future__ import annotations

import pytest
from benchmarks import reference
from benchmarks.error import LIMIT, relative_errors
from benchmarks.method import Failed
from benchmarks.problem_w import problem_w
from benchmarks.registry import METHODS
from benchmarks.workload import measures

SETTINGS = {
    "ours": {},
    "cvode": {"tolerance": 1e-5},
    "petsc-bdf": {"tolerance": 1e-5},
    "petsc-rosw": {"tolerance": 2e-4},
    "ufl": {"tolerance": 2e-4},
}
NODES = {"ours": 12}  # cells along an edge; the foci are smaller than those of 6


class Case:
    """Problem W with its reference."""

    def __init__(self, n: int):
        self.workload = problem_w(n)
        tissue = self.workload.tissue()
        self.start = self.workload.start(tissue)
        self.volumes, self.areas = measures(tissue)
        self.exact = reference.load(reference.make(self.workload, tissue, self.start))

    def run(self, name: str, settings: dict):
        sizes = reference.magnitudes(self.workload, self.exact, self.volumes, self.areas)
        method = METHODS[name]
        return method.run(self.workload, self.start, {**method.first, **settings}, sizes)

    def error(self, run) -> float:
        return relative_errors(run.solution, self.exact, self.volumes, self.areas).max()


@pytest.fixture(scope="module")
def cases(sundae, caches):
    made = {}
    return lambda n: made.setdefault(n, None) or made.update({n: Case(n)}) or made[n]


@pytest.mark.parametrize("name", list(METHODS))
def test_error_is_small_enough(cases, name):
    case = cases(NODES.get(name, 6))
    run = case.run(name, SETTINGS[name])
    assert case.error(run) <= LIMIT
    assert 0 < run.setup < run.cpu


def test_reference_agrees_with_osteofield_at_a_tight_tolerance(cases):
    case = cases(12)
    assert case.error(case.run("ours", {"tolerance": 1e-5})) < 0.05 * LIMIT


@pytest.mark.parametrize(
    ("method", "steps", "solves", "cycles"), [("bdf", 110, 116, 200), ("rodas", 42, 240, 800)]
)
def test_work_of_osteofield_is_bounded(method, steps, solves, cycles):
    """Steps, linear solves and cycles of the hierarchy at n = 16 and default tolerances."""
    case = problem_w(16)
    run = METHODS["ours"].run(case, None, {**METHODS["ours"].first, "method": method}, None)
    assert run.facts["steps"] <= steps and run.facts["rejected"] <= 4
    assert run.facts["solves"] <= solves and run.facts["cycles"] <= cycles
    assert run.facts["rescued"] == 0


def test_a_mesh_too_coarse_for_a_front_is_told():
    """Cells larger than the foci: T stays below zero beside them whatever the step, and the run ends."""
    with pytest.raises(Failed, match="T stays below zero beside a sharp front.*Use smaller cells"):
        METHODS["ours"].run(problem_w(6), None, {"tolerance": 1e-3}, None)
