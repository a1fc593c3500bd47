# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield new``."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteofield.cli import main
from osteofield.cli.new import shipped_cases


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_case_is_copied_as_it_is_shipped(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "osteomyelitis"]) == 0
    assert (
        Path("osteomyelitis.toml").read_bytes() == (repository / "cases" / "osteomyelitis.toml").read_bytes()
    )
    assert "osteofield check osteomyelitis.toml" in capsys.readouterr().out


def test_an_existing_file_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Path("healthy.toml").write_text("mine", encoding="utf-8")
    assert main(["new", "healthy.toml"]) == 2
    assert Path("healthy.toml").read_text("utf-8") == "mine"
    assert "healthy.toml: this file exists already" in capsys.readouterr().err


def test_an_unknown_name_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "osteomielitis"]) == 2
    assert "did you mean 'osteomyelitis'?" in capsys.readouterr().err
    assert not list(Path().iterdir())


def test_without_a_name_the_cases_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(shipped_cases())
    assert "healthy" in shipped_cases()
    assert all(len(line.split()) > 3 for line in listed)  # a name and a title


def test_another_name_and_a_schema_for_the_editor(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("mice").mkdir()
    assert main(["new", "healthy", "-o", "mice/no 3.toml", "--schema"]) == 0
    first, rest = Path("mice/no 3.toml").read_text(encoding="utf-8").split("\n", 1)
    assert first == "#:schema ./case.schema.json"
    assert rest == (repository / "cases" / "healthy.toml").read_text(encoding="utf-8")
    published = (repository / "docs" / "case.schema.json").read_bytes()
    assert Path("mice/case.schema.json").read_bytes() == published
    assert "osteofield check 'mice/no 3.toml'" in capsys.readouterr().out


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "healthy", "-o", "none/a.toml"]) == 2
    assert "this cannot be written: No such file or directory." in capsys.readouterr().err
