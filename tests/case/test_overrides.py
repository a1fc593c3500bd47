# SPDX-License-Identifier: LGPL-3.0-or-later
"""Settings of the command line in place of values of a file."""

from typing import Any

import pytest

from osteofield.case.overrides import OverriddenSource, override
from osteofield.tomlsource import TomlSource

FILE = TomlSource.parse(
    """
[time]
end = "28 day"
[[focus]]
radius = "300 um"
[sample]
synthetic = { "BV/TV" = 0.2 }
""",
    "a.toml",
)


@pytest.mark.parametrize(
    ("setting", "key", "value"),
    [
        ('time.end="7 day"', ("time", "end"), "7 day"),
        ("time.end=7 day", ("time", "end"), "7 day"),
        ("time.tolerance=1e-4", ("time", "tolerance"), 1e-4),
        ("focus.0.radius=200 um", ("focus", 0, "radius"), "200 um"),
        ("focus[0].radius=200 um", ("focus", 0, "radius"), "200 um"),
        ("focus.1.radius=200 um", ("focus", 1, "radius"), "200 um"),
        ("therapy.0.drug=antibiotic", ("therapy", 0, "drug"), "antibiotic"),
        ("sample.synthetic.BV/TV=0.3", ("sample", "synthetic", "BV/TV"), 0.3),
        ('sample.synthetic."BV/TV"=0.3', ("sample", "synthetic", "BV/TV"), 0.3),
        ("model.switches.exhaustion=true", ("model", "switches", "exhaustion"), True),
        ('output.times=["0 day", "1 day"]', ("output", "times"), ["0 day", "1 day"]),
        ("sample.image=../a=b.nrrd", ("sample", "image"), "../a=b.nrrd"),
        ("title=2026-11-21", ("title",), "2026-11-21"),
        ("title=1\nend=2", ("title",), "1\nend=2"),
        ("title=", ("title",), ""),
    ],
)
def test_a_setting_replaces_or_adds_one_value(setting: str, key: tuple, value: Any) -> None:
    source, problems = override(FILE, [setting])
    assert not problems
    here: Any = source.data
    for part in key:
        here = here[part]
    assert here == value and type(here) is type(value)
    assert str(source.problem(key, "wrong.")) == f"--set {setting}: wrong."


def test_the_file_itself_is_left_as_it_is() -> None:
    override(FILE, ["focus.0.radius=1 um", "time.end=1 day"])
    assert FILE.data["focus"][0]["radius"] == "300 um"
    assert FILE.data["time"]["end"] == "28 day"


def test_the_last_of_two_settings_holds() -> None:
    source, _ = override(FILE, ["time.end=1 day", "time.end=2 day"])
    assert source.data["time"]["end"] == "2 day"
    assert source.label(("time", "end")) == "--set time.end=2 day"


def test_problems_point_to_the_setting_or_to_the_file_whichever_said_it() -> None:
    source, _ = override(FILE, ["focus.0={load='x'}", "tme.end=3 day", "time.tolerance=2"])
    assert (
        str(source.problem(("focus", 0, "load"), "wrong."))
        == "--set focus.0={load='x'}: focus[0].load: wrong."
    )
    assert str(source.problem(("tme",), "not known.")) == "--set tme.end=3 day: not known."
    assert str(source.problem(("time", "end"), "wrong.")) == "a.toml:3: time.end: wrong."
    assert str(source.problem(("time",), "wrong.")) == "a.toml:2: time: wrong."


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("time.end", 'this is not of the form key=value, for example time.end="7 day".'),
        ("=3", 'this is not of the form key=value, for example time.end="7 day".'),
        ("time..end=3", 'this is not of the form key=value, for example time.end="7 day".'),
        ("time.end.unit=3", "'time.end' is not a table, so 'unit' cannot be set in it."),
        ("time.0=3", "'time' is not an array, so it has no element 0."),
        ("focus.2.radius=3 um", "'focus' has 1 element(s), numbered from 0."),
        ("focus.radius=3 um", "'focus' is not a table, so 'radius' cannot be set in it."),
    ],
)
def test_settings_that_lead_nowhere(setting: str, message: str) -> None:
    source, problems = override(FILE, [setting, "time.end=9 day"])
    assert [str(p) for p in problems] == [f"--set {setting}: {message}"]
    assert source.data["time"]["end"] == "9 day"
    assert isinstance(source, OverriddenSource)
