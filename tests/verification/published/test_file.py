# SPDX-License-Identifier: LGPL-3.0-or-later
"""Verification files: every fault comes with its line, and nothing is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteofield.errors import InputError
from osteofield.verification import find, prepare, published, read_verification

from .conftest import HEAD

FAULTS = """\
format = 2
title = "Faults"
case = "osteomielitis"
requirement = "None shall be missed."
source = "by hand"
text = "All of it is wrong."
colour = "red"

[run.a]
title = "a"
set = ["time.end 7 day"]

[[at]]
run = "b"
time = "3 um"
value = { u = 4.5, v = "many" }

[[extreme]]
run = "a"
of = "u"
kind = "largest"

[[period]]
run = "a"
of = "u"
value = "3.5"
allowed = 2

[[eigenvalues]]
run = "a"
value = ["0.5", "i"]

[[roots]]
run = "a"
within = { u = ["5", "0"] }

[[mode]]
run = "a"

[space]
set = ["a=1"]

[[panel]]
runs = ["c"]
"""

FOUND = {
    1: "format 2 is not known",
    3: "no shipped case 'osteomielitis'; did you mean 'osteomyelitis'?",
    7: "colour: this key is not known",
    11: "not of the form key=value",
    14: "there is no run 'b'",
    15: "'3 um' is a length",
    16: "'many' is not a number",
    18: "a value or a time is needed",
    21: "'largest' is not one of the choices",
    26: "a time is needed here",
    27: "allowed",
    31: "'i' is not a number",
    33: "count",
    35: "two numbers, ascending, are needed",
    37: "the populations that carry the wave",
    40: "allowed",
    43: "show",
    44: "there is no run 'c'",
}


def test_all_faults_of_a_file_come_together_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(FAULTS)
    with pytest.raises(InputError) as e:
        read_verification(file, {"osteomyelitis": Path("osteomyelitis.toml")})
    told = {(p.line, str(p)) for p in e.value.problems}
    for line, said in FOUND.items():
        assert any(at == line and said in text for at, text in told), (line, said)
    assert {at for at, _ in told} == set(FOUND)
    assert any("a text in quotes is needed, but this is the number 4.5" in text for _, text in told)
    assert all(str(p.file) == str(file) for p in e.value.problems)


NAMES = """
[[at]]
run = "a"
time = "1 day"
value = { uu = "1.0", both = "2.0", w = "3.0 day" }

[[steady]]
run = "a"
value = { u = "1" }
guess = { both = "1" }

[[eigenvalues]]
run = "a"
value = ["0.5"]

[[drift]]
run = "a"
of = "u"
per = "speed"
value = "1"

[[panel]]
runs = ["a"]
show = ["u", "vv"]

[run.b]
title = "wrong settings"
set = ["model.parameters.omm=1"]
"""


def test_names_are_held_against_the_model(folder: Path) -> None:
    file = folder / "names.toml"
    file.write_text(HEAD + NAMES)
    with pytest.raises(InputError) as e:
        prepare(read_verification(file, {}), folder)
    said = "\n".join(map(str, e.value.problems))
    first = len(HEAD.splitlines())
    for line, text in {
        5: "no population or quantity 'uu'; did you mean 'u'?",
        10: "no population 'both'",
        14: "there are 1 eigenvalues here, but 3 populations are not held",
        19: "no population or quantity 'speed'",
        24: "no population or quantity 'vv'",
        28: "has no parameter 'omm'; did you mean 'om'?",
    }.items():
        assert any(p.line == first + line and text in str(p) for p in e.value.problems), (line, text, said)
    assert any("'3.0 day' has another dimension than 'w'" in str(p) for p in e.value.problems)
    assert len(e.value.problems) == 7, said


LATE = """
[run.strip]
title = "in space"
set = ["sample={shape={kind='marrow', size=['60 um', '40 um']}, cell_size='20 um'}"]

[[at]]
run = "a"
time = "11 day"
value = { u = "1.0" }

[[extreme]]
run = "strip"
of = "both"
kind = "max"
value = "1.0"

[[panel]]
runs = ["a"]
show = ["lost"]
"""


def test_what_a_run_cannot_give(folder: Path) -> None:
    """Times after its end, quantities of a mean in space, and quantities of inputs that events set."""
    model = (folder / "model.toml").read_text("utf-8")
    event = '[event.relapse]\nwhen = "u < 2.5"\nset = { drug = "1" }\n'
    (folder / "model.toml").write_text(model + event)
    file = folder / "late.toml"
    file.write_text(HEAD + LATE)
    with pytest.raises(InputError) as e:
        prepare(read_verification(file, {}), folder)
    first = len(HEAD.splitlines())
    assert [(p.line or 0) - first for p in e.value.problems] == [8, 13, 19]
    late, space, event = map(str, e.value.problems)
    assert "day 11 is after the end of run 'a', day 10" in late
    assert "'both' is a quantity, and run 'strip' has space" in space
    assert "'lost' depends on 'drug', which an event sets" in event


def test_a_file_without_targets_verifies_nothing(folder: Path) -> None:
    file = folder / "empty.toml"
    file.write_text(HEAD)
    with pytest.raises(InputError, match="there is nothing to verify"):
        read_verification(file, {})


def test_a_space_that_is_none(folder: Path) -> None:
    file = folder / "flat.toml"
    file.write_text(HEAD + '[space]\nset = ["time.end=11 day"]\nallowed = 1e-6\n')
    with pytest.raises(InputError, match="the sample is still well mixed"):
        prepare(read_verification(file, {}), folder)


def test_names_may_be_shortened() -> None:
    assert find("komarova") == find("komarova2003") == published()["komarova2003"]
    with pytest.raises(InputError, match="'baker' can be baker2013 or baker2017"):
        find("baker")
    with pytest.raises(InputError, match="did you mean 'komarova2003'"):
        find("komarowa2003")
    assert find("my/own.toml") == Path("my/own.toml")
