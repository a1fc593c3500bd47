# SPDX-License-Identifier: LGPL-3.0-or-later
"""The documentation holds together: links lead somewhere, and messages that it explains are said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PLACEHOLDER = re.compile(r"\.\.\.|\([^)]*\)|\d\S*|'[^']*'|\"[^\"]*\"")


def pages(root: Path) -> list[Path]:
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def test_every_link_leads_somewhere(repository: Path) -> None:
    broken = []
    for page in pages(repository):
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert not broken


def test_every_page_is_in_the_index(repository: Path) -> None:
    index = (repository / "docs" / "index.md").read_text(encoding="utf-8")
    for page in (repository / "docs").glob("*.md"):
        assert page.name == "index.md" or f"({page.name}" in index, page.name


def test_every_message_that_troubleshooting_explains_is_one_of_ours(repository: Path) -> None:
    """Quoted messages, cut at what varies in them, stand in the code word for word."""
    page = (repository / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    package = repository / "solver" / "osteofield"
    code = "".join(p.read_text(encoding="utf-8") for p in sorted(package.rglob("*.py")))
    code += (repository / "tools" / "environment.sh").read_text(encoding="utf-8")
    code = re.sub(r"\"\s*(?:#[^\n]*)?\n\s*f?\"", "", code)  # texts that go on in the next line
    others = ("command not found", "Python.h:", "libEGL.so.1:", "failed to unpack", "Message truncated",
              "MPI_Init", "No space left")  # fmt: skip
    told = [m for row in re.findall(r"^\| (`[^|]*) \|", page, re.M) for m in re.findall(r"`([^`]+)`", row)]
    messages = [m for m in told if not any(o in m for o in others)]
    assert len(messages) > 25
    for message in messages:
        for part in PLACEHOLDER.split(message):
            part = part.strip(" :;,.")
            if len(part) > 3:
                assert part in code, f"{message!r}: nobody says {part!r}"


@pytest.mark.parametrize("word", ["hpc.md"])
def test_old_pages_are_gone(repository: Path, word: str) -> None:
    for page in pages(repository):
        assert word not in page.read_text(encoding="utf-8"), page
