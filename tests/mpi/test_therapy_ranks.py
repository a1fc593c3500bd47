# SPDX-License-Identifier: LGPL-3.0-or-later
"""Arms, faces, an implant, doses and drugs that diffuse: the same numbers and budget on 1 and 2 ranks."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import osteofield as of

pytestmark = pytest.mark.mpi

CASE = """\
format = 1
[sample]
cell_size = "70 um"
[sample.shape]
kind = "sphere"
size = ["500 um", "400 um", "400 um"]
radius = "120 um"
[sample.implant]
shape = "cylinder"
diameter = "100 um"
axis = "x"
[model]
name = "osteoimmune"
[[face]]
side = "x-"
source = { TNF = "1e6 pM um/day" }
layer = "80 um"
load = { bacteria = "500 CFU/mm^3" }
[[face]]
side = "implant"
source = { IL1 = "1e5 pM um/day" }
layer = "60 um"
load = { biofilm = "500 CFU/mm^3" }
[time]
end = "1.5 day"
linear_tolerance = 1e-7
[output]
every = "0.5 day"
[[arm]]
name = "untreated"
[[arm]]
name = "treated"
[[arm.therapy]]
drug = "vancomycin"
arrival = "by diffusion"
from = "0.25 day"
dose = { bolus = "15 mg/kg", every = "12 hour" }
"""


def budget(folder: Path) -> dict[tuple[str, str], float]:
    with (folder / "budget.csv").open() as f:
        rows = [r for r in csv.DictReader(f) if r["kind"] != "residual"]
    return {(r["population"], r["what"]): float(r["amount"]) for r in rows}


def test_a_comparison_on_one_and_two_ranks(run_mpi, tmp_path):
    case = tmp_path / "case.toml"
    case.write_text(CASE)
    for n in (1, 2):
        run_mpi(n, ["-m", "osteofield", "run", case, "-o", tmp_path / f"on_{n}"], 300)
    one, two = (of.open_results(tmp_path / f"on_{n}").arms for n in (1, 2))
    assert list(one) == list(two) == ["untreated", "treated"]
    for name in one:
        for column, values in one[name].history.items():
            if not column.endswith(".residual [1]"):
                other = two[name].history[column]
                assert other == pytest.approx(values, rel=1e-6, abs=1e-7 * max(abs(values))), column
        want, got = budget(tmp_path / "on_1" / name), budget(tmp_path / "on_2" / name)
        assert got == pytest.approx(want, rel=1e-5, abs=1e-7 * max(map(abs, want.values())))
    assert budget(tmp_path / "on_2" / "treated")["vancomycin", "exchange with blood"] > 0.0
