# SPDX-License-Identifier: LGPL-3.0-or-later
"""The live line of a run: on a terminal, in a log, for every step, or not at all."""

from __future__ import annotations

import io

import pytest

from osteofield.cli import progress
from osteofield.cli.progress import ProgressLine
from osteofield.simulation import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds on the clock; the test sets them."""
    now = [100.0]
    monkeypatch.setattr(progress.clock, "monotonic", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return now


def at(day: float, steps: int = 7, rejected: int = 0, loss: float | None = 1.25) -> Progress:
    row = None if loss is None else {"bone_loss [%]": loss}
    return Progress(day, 28.0, steps, rejected, 0.25, 3.0, row)


def run(line: ProgressLine, time: list[float], seconds: float, days: float, every: float = 1.0) -> None:
    """Steps at an even speed."""
    n = round(seconds / every)
    for k in range(n + 1):
        line(at(days * k / n, k + 1))
        time[0] += every


def test_a_terminal_has_one_line_that_is_rewritten_and_taken_away(time: list[float]) -> None:
    screen = Terminal()
    line = ProgressLine(screen)
    assert not line.started
    run(line, time, 100, 14)
    assert line.started
    said = screen.getvalue()
    assert "\n" not in said
    last = said.split("\r")[-1].removesuffix("\x1b[K")
    assert last == ("[=====     ] day 14 of 28, 1.7 min left, bone lost 1.25 %, step 101 (6 h), 7.1 s a day")
    line.close()
    assert screen.getvalue().endswith("\r\x1b[K")
    line.close()
    assert screen.getvalue().count("\r") == said.count("\r") + 1


def test_a_narrow_terminal_does_not_wrap(time: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Terminal()
    run(ProgressLine(screen), time, 100, 14)
    assert max(len(x.removesuffix("\x1b[K")) for x in screen.getvalue().split("\r")) == 39


@pytest.mark.parametrize("dumb", [False, True])
def test_a_log_has_plain_lines_at_growing_distances(
    time: list[float], monkeypatch: pytest.MonkeyPatch, dumb: bool
) -> None:
    if dumb:
        monkeypatch.setenv("TERM", "dumb")
    screen = Terminal() if dumb else io.StringIO()
    run(ProgressLine(screen), time, 600, 14)
    lines = screen.getvalue().splitlines()
    assert len(lines) == 20
    assert not set("\r\x1b[") & set(screen.getvalue())
    assert lines[9] == "day 7 of 28, 15 min left, bone lost 1.25 %, step 301 (6 h), 43 s a day"
    run(ProgressLine(screen), time, 86400, 14, every=10)
    assert 100 < len(screen.getvalue().splitlines()) - 20 < 250


def test_the_speed_is_that_of_late(time: list[float]) -> None:
    """A slow start does not spoil the estimate for ever."""
    screen = Terminal()
    line = ProgressLine(screen)
    run(line, time, 300, 1)
    for k in range(250):
        line(at(1 + 0.1 * k))
        time[0] += 1.0
    assert "21 s left" in screen.getvalue().split("\r")[-1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.24, "0.24 s"),
        (99.0, "99 s"),
        (100.0, "1.7 min"),
        (3000.0, "50 min"),
        (9000.0, "2.5 h"),
        (4e5, "4.6 days"),
    ],
)
def test_what_is_left(seconds: float, text: str) -> None:
    assert progress._duration(seconds) == text


def test_every_step_or_nothing(time: list[float]) -> None:
    verbose, quiet = io.StringIO(), io.StringIO()
    run(ProgressLine(verbose, "verbose"), time, 10, 14)
    assert len(verbose.getvalue().splitlines()) == 11
    assert verbose.getvalue().startswith("step 1: day 0, 6 h long, 3.0 iterations per solve so far")
    line = ProgressLine(quiet, "quiet")
    run(line, time, 10, 14)
    line.close()
    assert quiet.getvalue() == ""
    assert line.started


def test_a_run_without_bone(time: list[float]) -> None:
    assert "bone" not in ProgressLine(io.StringIO()).text(at(1, loss=None), 100.0)


@pytest.mark.parametrize(
    ("days", "text"), [(2.0, "2 day"), (0.25, "6 h"), (0.001, "1.4 min"), (1e-6, "0.086 s")]
)
def test_spans_of_time(days: float, text: str) -> None:
    assert progress._length(days) == text
