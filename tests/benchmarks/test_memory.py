# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bytes per unknown as they are printed."""

from __future__ import annotations

import re
import subprocess
import sys


def test_prints_bytes_per_unknown_of_a_run_with_output(repository):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--n", "12"],
        cwd=repository, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.strip().splitlines()
    assert line.startswith("problem W, n = 12, 2197 nodes, 17576 unknowns, run with output")
    most, first = map(int, re.findall(r"(\d+) (?:bytes per unknown at most|up to)", line))
    assert 20 < first <= most < 5000
