# SPDX-License-Identifier: LGPL-3.0-or-later
"""Newton's correction compiled for a model, against Jacobian, program and operator one after the other."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from osteofield.integrator import System, pointwise
from osteofield.integrator.elimination import Couplings
from osteofield.kinetics import Kernels, load_network

POPULATION = """
[population.{name}]
domain = "{domain}"
unit = "1"
{diffuses}
initial = 1
scale = 1
{terms}
"""
ROWS = (
    ("u", "marrow", 'volume = { a = "k", b = "-k*u*w" }\nsurface = { c = "k*q" }'),
    ("v", "marrow", 'volume = { a = "k*u*w - k*v", b = "-k*v*n/(1 + n)" }'),
    ("w", "marrow", 'volume = { a = "k*v - k*u*w" }'),
    ("n", "marrow", 'volume = { a = "k*v*(2 - n)", b = "-k*n*e" }'),
    ("e", "marrow", 'volume = { a = "k*e", b = "-k*e*n*0" }'),
    ("q", "surface", 'surface = { a = "k*u - k*q*s" }'),
    ("s", "surface", 'surface = { a = "k*q*n - k*s^2" }'),
)
MODEL = 'format = 1\nname = "mixed"\ntitle = "Two solutes and five that stay"\n' + (
    '[parameter.k]\nvalue = "2 1/day"\nmeaning = "rate"\nsource = "assumed"\n'
)
for row in ROWS:
    moves = 'diffusivity = "1 um^2/s"' if row[0] in "uv" else ""
    MODEL += POPULATION.format(name=row[0], domain=row[1], diffuses=moves, terms=row[2])
C = 7.0


class Widths:
    """Stands for a kernel while the problem is made."""

    widths = (2, 5, 2)

    def __init__(self, on_surface):
        pass


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    file = tmp_path_factory.mktemp("model") / "mixed.toml"
    file.write_text(MODEL)
    return Kernels(load_network("mixed", file=file))


@pytest.fixture
def system(problems, kernels):
    """``system(compiled)`` on 10 points of the surface and 90 inside, with open edges and a source."""

    def make(compiled):
        problem = problems.square(9, Widths, np.array([0.02, 0.3]), exchange=1.5, far=0.7)
        problem.source_rows, problem.source = np.array([3, 17]), np.array([[0.5, 0.0], [2.0, 1.0]])
        for points, kernel in ((problem.inside, kernels.marrow), (problem.surface, kernels.surface)):
            points.kernel = copy.copy(kernel)
            points.kernel.frame = kernel.frame if compiled else ""
            points.g = np.zeros((len(points.node), 0))
        made = System(problem)
        assert bool(made.pointwise) == compiled
        return made

    return make


def correct(system, c=C, tolerance=1e-13, spoil=None):
    rng = np.random.default_rng(3)
    y, d = rng.uniform(0.5, 1.5, system.size), rng.normal(size=system.size)
    if spoil is not None:
        y[spoil] = np.nan
    done = system.correct(0.0, y, d, c, np.ones(7), tolerance, 1.0)
    return y, done


def test_the_correction_is_that_of_the_general_path(system):
    one, two = correct(system(True)), correct(system(False))
    assert one[0] == pytest.approx(two[0], rel=1e-10, abs=1e-10)
    assert one[1].failure is None and two[1].failure is None
    assert one[1].flows == pytest.approx(two[1].flows, rel=1e-10, abs=1e-10)
    for name in ("norms", "change", "lowest", "largest"):
        wanted = getattr(two[1].extent, name)
        assert getattr(one[1].extent, name) == pytest.approx(wanted, rel=1e-9), name


def test_single_precision_takes_as_many_iterations(system):
    one, two = system(True), system(False)
    correct(one, tolerance=1e-4)
    correct(two, tolerance=1e-4)
    assert one.iterations == two.iterations > 0
    assert one.solves == two.solves == 1


def test_node_blocks_and_how_strongly_they_couple(system):
    one, two = system(True), system(False)
    rng = np.random.default_rng(3)
    y = rng.uniform(0.5, 1.5, one.size)
    one._at, one._shift = (0.0, y, np.zeros(one.size)), C
    assert two.prepare(0.0, y, C)
    found = [Couplings(2), Couplings(2)]
    for s, f in zip((one, two), found, strict=True):
        assert s._eliminate(f) == 0
    assert one._single == pytest.approx(two._single, rel=1e-6)
    assert found[0].total == pytest.approx(found[1].total, rel=1e-12)
    assert found[0].strongest == pytest.approx(found[1].strongest, rel=1e-9)
    assert found[0].strongest[0, 1] > 0


def test_a_point_that_cannot_be_eliminated_is_told(system):
    """The equation of e alone is (c - 2) e = ... at points without n."""
    s = system(True)
    y, done = correct(s, c=2.0)
    assert done.failure == "solve: a local block is singular"
    assert done.extent is None
    assert correct(s, spoil=4)[1].failure is not None


def test_a_solve_that_fails_is_rescued(system):
    s = system(True)
    s._krylov.limit = 0
    y, done = correct(s)
    assert done.failure is None and s.rescued == 1
    assert y == pytest.approx(correct(system(False))[0], rel=1e-9)


def test_factors_of_other_methods_are_given_back(system):
    s = system(True)
    y = np.ones(s.size)
    assert s.prepare(0.0, y, C)
    kept = [e._J is not None and e._upper.size > 0 for _, e in s._kinds]
    correct(s)
    assert all(kept) and all(e._J is None and e._upper.size == 0 for _, e in s._kinds)
    assert s.prepare(0.0, y, C) and s.solve(y, s.vector(), np.ones(7), 1e-3).converged


def test_long_eliminations_are_not_written_out(problems, kernels, monkeypatch):
    monkeypatch.setattr(pointwise, "LARGEST", 1)
    problem = problems.square(3, Widths, 0.3)
    problem.inside.kernel, problem.surface.kernel = kernels.marrow, kernels.surface
    assert not System(problem).pointwise
