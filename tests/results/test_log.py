# SPDX-License-Identifier: LGPL-3.0-or-later
"""The log: everything in the file, what matters on the screen."""

from __future__ import annotations

import io
import re
from pathlib import Path

from osteofield.results import Log


def test_file_gets_all_and_screen_what_matters(tmp_path: Path) -> None:
    screen = io.StringIO()
    log = Log(tmp_path / "log.txt", screen)
    log.debug("step 1")
    log("two\nlines")
    log.warning("careful")
    assert screen.getvalue() == "two\nlines\nwarning: careful\n"
    lines = (tmp_path / "log.txt").read_text("utf-8").splitlines()
    assert [line[21:] for line in lines] == ["step 1", "two", "lines", "warning: careful"]
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", line) for line in lines)
    log.close()
    log("after")  # only to the screen
    assert len((tmp_path / "log.txt").read_text("utf-8").splitlines()) == 4


def test_silent_log_says_nothing(capsys) -> None:
    Log.silent().error("unheard")
    assert capsys.readouterr() == ("", "")
