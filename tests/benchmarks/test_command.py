# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command as it is typed."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from benchmarks import tuning
from benchmarks.problem_w.__main__ import main
from benchmarks.registry import METHODS


def test_prints_the_advantage_on_its_last_line(sundae, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(tuning, "cache_folder", lambda: tmp_path)
    request = {"kind": "w", "n": 12}
    for name, tolerance in (("ours", 1e-3), ("petsc-bdf", 2e-5)):  # instead of a search
        kept = {"settings": {**METHODS[name].first, "tolerance": tolerance}, "source": None, "log": []}
        path = tuning._record(METHODS[name], request)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept))
    assert main(["--n", "12", "--against", "petsc-bdf", "--pairs", "1"]) == 0
    lines = capfd.readouterr().out.strip().splitlines()
    assert re.fullmatch(r"\d+\.\d\dx", lines[-1])
    assert any("chosen: tolerance 2e-05, order 5" in line for line in lines)
    assert sum("error " in line and "CPU " in line for line in lines) == 2


def test_a_worker_that_cannot_serve_says_why(repository):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.worker", "{}"],
        cwd=repository, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode and "workload" in done.stderr
