# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is kept on disk belongs to its equations."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks import reference
from benchmarks.identity import same, signature
from benchmarks.problem_w import problem_w


@pytest.fixture
def tissue():
    return problem_w(4).tissue()


@pytest.mark.parametrize("part", ["diffusivity", "volumes", "scale"])
def test_signature_tells_equations_apart(tissue, part):
    before = signature(tissue)
    assert same(before, signature(problem_w(4).tissue()))
    numbers = getattr(tissue.problem, part)
    numbers *= 1 + 1e-13
    assert same(before, signature(tissue))
    numbers *= 1 + 1e-6
    assert not same(before, signature(tissue))


def test_a_reference_of_another_start_is_not_used(sundae, caches, tissue, monkeypatch):
    workload = problem_w(4)
    start, made = workload.start(tissue), []
    run = reference.cvode.run
    monkeypatch.setattr(reference.cvode, "run", lambda *a: made.append(1) or run(*a))
    for factor in (1.0, 1.0, 1.01):
        start.marrow[:] *= factor
        path = reference.make(workload, tissue, start)
    assert len(made) == 2
    assert reference.load(path).marrow.shape == (4, 125, 8)
    assert 0 < reference.doubt(workload, tissue, start) < 1e-5
    assert np.isfinite(reference.load(path).marrow).all()
