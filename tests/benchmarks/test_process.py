# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs of a search, which share one process."""

from __future__ import annotations

from contextlib import closing

import pytest
from benchmarks.process import Server

W = {"kind": "w", "n": 6}


def test_a_server_outlives_runs_that_are_given_up_or_break(sundae):
    with closing(Server({"workload": W})) as server:

        def run(method, tolerance, limit):
            settings = {"tolerance": tolerance}
            return server.start({"workload": W, "method": method, "settings": settings}, limit)

        first = run("cvode", 1e-4, 60.0)
        assert first.failed is None and first.cpu > 0 and first.facts["nodes"] == 343
        assert run("petsc-rosw", 1e-13, 0.01).failed == "given up after 0 CPU s"
        with pytest.raises(RuntimeError, match="exit status 1: KeyError: 'simplex'"):
            run("simplex", 1e-4, 60.0)
        again = run("cvode", 1e-4, 60.0)
        assert again.facts == first.facts
