# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield verify``: lines, exit status, pages."""

from __future__ import annotations

import re
from math import cos
from pathlib import Path

import pytest

from osteofield.cli import main

MODEL = """\
format = 1
name = "swing"
title = "An oscillator about (3, 2)"
[sources]
Hooke1678 = "Hooke 1678, De Potentia Restitutiva"
[parameter.om]
value = "2 1/day"
options = { slow = "1 1/day" }
meaning = "circular | frequency"
source = "Hooke1678"
[population.u]
label = "elongation"
domain = "marrow"
unit = "pM"
initial = "4 pM"
scale = "1 pM"
volume = { swing = "-om*(v - 2*u0)" }
[population.v]
domain = "marrow"
unit = "pM"
initial = "2 pM"
scale = "1 pM"
volume = { swing = "om*(u - 3*u0)" }
[parameter.u0]
value = "1 pM"
meaning = "unit of length"
source = "assumed"
"""

CASE = """\
format = 1
[sample]
well_mixed = true
[model]
name = "model.toml"
[initial]
state = "model"
[time]
end = "4 day"
"""

FILE = """\
format = 1
title = "A spring"
case = "case.toml"
requirement = "The spring shall swing."
source = "by hand"
text = "Cosines."

[run.fast]
title = "as it is"

[run.slow]
title = "slowly"
set = ["model.parameters.om=slow"]
light = false

[[at]]
run = "fast"
time = "1 day"
value = {{ u = "{fast:.6f}" }}

[[at]]
run = "slow"
time = "1 day"
value = {{ u = "{slow:.6f}" }}
source = "a friend"

[[panel]]
runs = ["fast", "slow"]
show = ["u"]
label = "elongation"
"""


def write(slow: float = 3 + cos(1)) -> None:
    Path("spring.toml").write_text(FILE.format(fast=3 + cos(2), slow=slow), encoding="utf-8")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.toml").write_text(MODEL, encoding="utf-8")
    Path("case.toml").write_text(CASE, encoding="utf-8")
    write()


def test_every_line_is_printed_with_target_error_and_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "spring.toml"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("spring: A spring (2 runs)\n")
    assert re.search(
        r"fast: as it is\n +u on day 1 +2\.583853 pM +2\.58385316 +\d\.\de-08 +3\.9e-07 +ok\n", out
    )
    assert "2 lines, all hold" in out


def test_a_line_that_fails_is_named_again_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    write(3.5)
    assert main(["verify", "spring.toml"]) == 3
    said = capsys.readouterr()
    assert "1 of 2 lines FAIL" in said.out
    assert said.out.splitlines()[-1] == (
        "FAILS  spring.toml:21: slow: u on day 1: 3.54030231 instead of 3.500000 pM"
    )
    assert "1 of 2 lines fail" in said.err
    assert main(["verify", "--light", "spring.toml"]) == 0


def test_a_wrong_name_starts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "spring.toml", "komarowa2003"]) == 2
    said = capsys.readouterr()
    assert "did you mean 'komarova2003'?" in said.err
    assert said.out == ""


def test_faults_of_all_files_come_together(capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.toml").write_text(
        Path("spring.toml").read_text("utf-8").replace('u = "', 'uu = "'), encoding="utf-8"
    )
    Path("spring.toml").write_text(
        Path("spring.toml").read_text("utf-8").replace("om=slow", "om=fast"), encoding="utf-8"
    )
    assert main(["verify", "spring.toml", "other.toml"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "spring.toml:13: run.slow.set[0]: " in said.err or "spring.toml:13: run.slow.set: " in said.err
    assert "'om' has no option 'fast'" in said.err
    assert "other.toml:19: at[0].value.uu: " in said.err
    assert "3 problems; nothing was started" in said.err


def test_page_figure_and_index(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert main(["verify", "spring.toml", "-o", "pages/all"]) == 0
    pages = Path("pages/all")
    assert sorted(p.name for p in pages.iterdir()) == ["README.md", "spring.md", "spring.png"]
    page = (pages / "spring.md").read_text("utf-8")
    for part in (
        "# A spring",
        "**Requirement.** The spring shall swing.",
        "](spring.png)",
        "2 of 2 hold",
        "| fast | u on day 1 | 2.583853 pM | 2.58385316 |",
        "- (2) a friend",
        "osteofield verify spring",
        "`model.parameters.om=slow`",
        "du/dt = - om*(v - 2*u0)",
        r"| `om` | 2 1/day | circular \| frequency; options: slow 1 1/day | Hooke1678 |",
        "- Hooke1678: Hooke 1678, De Potentia Restitutiva",
    ):
        assert part in page, part
    assert str(Path.cwd()) not in page
    assert (pages / "spring.png").read_bytes().startswith(b"\x89PNG")
    assert "[A spring](spring.md) | `spring` | 2 | 2 of 2 |" in (pages / "README.md").read_text("utf-8")


def test_pages_need_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").write_text("", encoding="utf-8")
    assert main(["verify", "spring.toml", "-o", "taken"]) == 2
    assert "taken: the pages cannot be written here" in capsys.readouterr().err
