# SPDX-License-Identifier: LGPL-3.0-or-later
"""The report in a headless browser: it draws the lesion, logs no error, and would fetch nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ..conftest import PATIENCE

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--disable-background-networking", "--no-first-run",
    "--enable-logging=stderr", "--virtual-time-budget=5000",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((b for b in map(shutil.which, BROWSERS) if b), None)
    if found is None:
        pytest.skip("no Chromium or Chrome is installed; on Debian: apt-get install chromium")
    return found


def opened(browser: str, file: Path, profile: Path) -> tuple[str, list[str]]:
    """The page as it stands after loading, and what was written to the console."""
    command = [browser, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=PATIENCE)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_lesion_is_drawn_and_nothing_is_logged_or_fetched(browser: str, page: Path, tmp_path: Path) -> None:
    dom, console = opened(browser, page, tmp_path / "profile")
    assert console == []
    drawn = re.search(r'<html[^>]*data-lesion="([^"]*)"', dom)
    assert drawn is not None and re.fullmatch(r"drawn [1-9]\d+ triangles", drawn[1])
    assert re.search(r'<span class="day">day 10</span>', dom)
    assert re.search(r'<span class="bar" style="width: [\d.]+px;">\d+ [µm]m</span>', dom)


def test_a_page_that_fetches_would_be_noticed(browser: str, page: Path, tmp_path: Path) -> None:
    """The test above can fail: a request is refused by the page's own policy, and that is logged."""
    spoiled = tmp_path / "spoiled.html"
    text = page.read_text(encoding="utf-8")
    spoiled.write_text(
        text.replace("</body>", '<img src="http://127.0.0.1:9/x.png"></body>'), encoding="utf-8"
    )
    _, console = opened(browser, spoiled, tmp_path / "profile")
    assert any("Content Security Policy" in line for line in console)
