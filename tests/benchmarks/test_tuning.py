# SPDX-License-Identifier: LGPL-3.0-or-later
"""Records of searches, and settings taken over from a coarser mesh."""

from __future__ import annotations

import pytest
from benchmarks import tuning
from benchmarks.method import Method
from benchmarks.search import RUNG
from benchmarks.tuning import Meshes, tuned
from benchmarks.worker import Report

METHOD = Method("toy", "toy", lambda *_: None, {"order": (1, 2), "fill": (0, 1)}, 1e-3, scaling=("fill",))
COARSE, MIDDLE, FINE = ({"kind": "w", "n": n} for n in (8, 16, 32))


@pytest.fixture
def runs(monkeypatch, tmp_path):
    """Integrators made of formulas: the finer the mesh, the larger the error; fill pays beyond n = 8."""
    done = []

    class Server:
        def __init__(self, request):
            self.n = request["workload"]["n"]

        def start(self, request, limit):
            n, s = self.n, request["settings"]
            done.append((n, s))
            speed = 2.0 if (s["fill"] == 1) == (n > 8) else 1.0
            cpu = n * (3 - s["order"]) / speed
            return Report(error=0.3 * s["tolerance"] * (n / 8), cpu=cpu * s["tolerance"] ** -0.2)

        def close(self):
            pass

    monkeypatch.setattr(tuning, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(tuning, "ensure_reference", lambda request: "reference")
    monkeypatch.setattr(tuning.process, "Server", Server)
    return done


def test_a_source_gives_all_but_the_tolerance(runs):
    found = tuned(METHOD, Meshes(FINE, COARSE, MIDDLE), lambda line: None)
    assert (found["order"], found["fill"]) == (2, 1)
    assert 0.5e-3 < 0.3 * found["tolerance"] * 4 <= 1e-3
    fine = [s for n, s in runs if n == 32]
    assert {(s["order"], s["fill"]) for s in fine} == {(2, 1)} and len(fine) <= 9
    assert {s["tolerance"] for s in fine} >= {found["tolerance"]}
    tolerances = sorted({s["tolerance"] for s in fine})
    assert all(b > 1.4 * a for a, b in zip(tolerances, tolerances[1:], strict=False)) and RUNG > 1.4


def test_a_record_does_unless_another_source_is_asked_for(runs):
    tuned(METHOD, Meshes(FINE, COARSE, MIDDLE), lambda line: None)
    runs.clear()
    tuned(METHOD, Meshes(FINE, COARSE), lambda line: None)
    tuned(METHOD, Meshes(FINE, COARSE, MIDDLE), lambda line: None)
    assert not runs
    tuned(METHOD, Meshes(FINE, COARSE, COARSE), lambda line: None)
    assert {n for n, _ in runs} == {32}  # what was found at n = 8 for the mesh between is kept
    runs.clear()
    tuned(METHOD, Meshes(FINE, COARSE), lambda line: None, renew=True)
    assert {n for n, s in runs if s["order"] == 1} == {8} and {n for n, _ in runs} == {8, 32}
