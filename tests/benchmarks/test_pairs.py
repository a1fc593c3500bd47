# SPDX-License-Identifier: LGPL-3.0-or-later
"""The comparison: alternation, the last line, the sentences instead of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks import pairs
from benchmarks.registry import METHODS
from benchmarks.tuning import Meshes
from benchmarks.worker import Report

W = Meshes({"kind": "w", "n": 6}, {"kind": "w", "n": 6})


@pytest.fixture
def runs(monkeypatch):
    """Workers that answer at once; the list of methods run, in order."""
    done = []
    cpu = {"ours": [1.0, 2.0, 1.0], "cvode": [4.0, 6.0, 5.0]}

    def start(request, limit=None):
        name = request["method"]
        k = done.count(name)
        done.append(name)
        return Report(error=5e-4, cpu=cpu[name][k], setup=0.1, facts={"steps": 3})

    monkeypatch.setattr(pairs.process, "start", start)
    monkeypatch.setattr(pairs, "ensure_reference", lambda request: "reference")
    monkeypatch.setattr(pairs, "tuned", lambda method, *_, **__: {"tolerance": 1e-3})
    monkeypatch.setattr(
        pairs, "METHODS", METHODS | {"cvode": replace(METHODS["cvode"], missing=lambda: None)}
    )
    return done


def test_the_last_line_is_the_median_of_the_ratios(runs):
    lines = []
    assert pairs.compare(W, pairs.METHODS["cvode"], 3, lines.append) == 0
    assert lines[-1] == "4.00x"
    assert runs == ["ours", "cvode", "cvode", "ours", "ours", "cvode"]


def test_no_ratio_where_an_error_is_too_large(runs, monkeypatch):
    bad = lambda request, limit=None: Report(error=2e-3, cpu=1.0)  # noqa: E731
    monkeypatch.setattr(pairs.process, "start", bad)
    lines = []
    assert pairs.compare(W, pairs.METHODS["cvode"], 1, lines.append) == 3
    assert lines[-1] == "There is no ratio: an error of 2.00e-03 exceeds 0.001."


def test_a_missing_peer_is_said_with_its_remedy(runs):
    lines = []
    peer = replace(METHODS["petsc-bdf"], missing=lambda: "It is missing; install it with 'pip install it'.")
    assert pairs.compare(W, peer, 1, lines.append) == 2
    assert "pip install" in lines[-1] and not runs
