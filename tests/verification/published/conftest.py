# SPDX-License-Identifier: LGPL-3.0-or-later
"""A made-up model of known solution, its case, and verification files around them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from osteofield.verification import Line, lines, prepare, read_verification, work_folder

MODEL = """\
format = 1
name = "swing"
title = "An oscillator about (3, 2), and a loss beside it"

[parameter]
om = { value = "2 1/day", meaning = "circular frequency", source = "assumed" }
d = { value = "0.5 1/day", meaning = "loss", source = "assumed" }
p = { value = "3 pM/day", meaning = "gain", source = "assumed" }

[input.drug]
unit = "1"
meaning = "more loss"

[quantity]
both = { value = "u + v", unit = "1", meaning = "the sum", report = true }
lost = { value = "d*(1 + drug)", unit = "1/day", meaning = "rate of loss", report = true }

[population.u]
domain = "marrow"
unit = "1"
initial = "4"
scale = "1"
volume = { swing = "-om*(v - 2)" }

[population.v]
domain = "marrow"
unit = "1"
initial = "2"
scale = "1"
volume = { swing = "om*(u - 3)" }

[population.w]
domain = "marrow"
unit = "nM"
initial = "1 nM"
scale = "1 pM"
volume = { gain = "p", loss = "-lost*w" }

[steady]
fixed = {}
guess = { u = "1" }
"""

CASE = """\
format = 1
[sample]
well_mixed = true
[model]
name = "model.toml"
[initial]
state = "model"
[[therapy]]
drug = "drug"
from = "1 day"
until = "2 day"
dose = { level = 1 }
[time]
end = "10 day"
"""

HEAD = """\
format = 1
title = "A made-up model"
case = "case.toml"
requirement = "The course shall be that of the cosine."
source = "by hand"
text = "u is a cosine about 3, v a sine about 2."

[run.a]
title = "as it is"
"""

Verify = Callable[..., list[Line]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with model and case."""
    (tmp_path / "model.toml").write_text(MODEL)
    (tmp_path / "case.toml").write_text(CASE)
    return tmp_path


@pytest.fixture
def verify(folder: Path) -> Verify:
    """``verify(targets, head=..., light=..., **change)``: the lines of a verification file."""

    def run(targets: str, *, head: str = HEAD, light: bool = False, **change: float) -> list[Line]:
        file = folder / "made_up.toml"
        file.write_text(head + targets)
        with work_folder() as work:
            prepared = prepare(read_verification(file, {}), Path(work), change)
            return list(lines(prepared, Path(work), light=light, courses=False))

    return run
