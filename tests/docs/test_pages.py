# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pages that users follow: their commands run, their cases are right, no link of the site is broken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from osteofield.cli import main

from ..infected import plate

SMALL = plate(at="100 um", radius="100 um", parameters="", time='end = "10 day"')


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of the fenced blocks of a page, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def execute(command: list[str], folder: Path) -> str:
    """Run in the environment of the tests; a failure shows what was said."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "MPLBACKEND": "Agg"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.slow
def test_the_tutorial_from_scan_to_map(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyvista")
    for language, text in blocks(repository / "docs" / "tutorial.md"):
        if language == "python":
            (tmp_path / "make_scan.py").write_text(text)
            execute([sys.executable, "make_scan.py"], tmp_path)
        else:
            assert language == "sh"
            execute(["bash", "-euc", text], tmp_path)
    made = {p.name for p in tmp_path.iterdir()}
    assert {
        "scan.nrrd",
        "sample.xdmf",
        "osteomyelitis_microct.toml",
        "report.html",
        "day10.nrrd",
        "lesions.csv",
    } <= made
    assert len(list((tmp_path / "results" / "first" / "pictures").glob("*.png"))) >= 2
    assert "total" in (tmp_path / "lesions.csv").read_text("utf-8")


def test_an_image_of_ones_own(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tutorial = blocks(repository / "docs" / "tutorial.md")
    (tmp_path / "make_scan.py").write_text(tutorial[0][1])
    execute([sys.executable, "make_scan.py"], tmp_path)
    (_, mesh), (_, sample) = blocks(repository / "docs" / "howto" / "image.md")
    execute(["bash", "-euc", mesh], tmp_path)
    case = re.sub(r"\[sample\].*?\[model\]", sample + "[model]", SMALL, flags=re.S)
    check(case.replace('["100 um", "200 um"]', '"center"'), tmp_path, monkeypatch)


def check(case: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "case.toml").write_text(case)
    monkeypatch.chdir(folder)
    assert main(["check", "case.toml"]) == 0


def test_a_drug_of_ones_own(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (_, drug), (_, therapy) = blocks(repository / "docs" / "howto" / "drug.md")
    (tmp_path / "my_drug.toml").write_text(drug)
    check(SMALL + therapy, tmp_path, monkeypatch)


def test_a_cytokine_of_ones_own(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ((_, model),) = blocks(repository / "docs" / "howto" / "cytokine.md")
    (tmp_path / "with_il10.toml").write_text(model)
    check(SMALL.replace('"osteoimmune"', '"with_il10.toml"'), tmp_path, monkeypatch)
    capsys.readouterr()
    assert main(["models", "with_il10.toml"]) == 0
    assert "IL10" in capsys.readouterr().out


def test_python_and_notebook(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text(SMALL)
    for page in ("python", "notebook"):
        texts = [
            text
            for language, text in blocks(repository / "docs" / "howto" / f"{page}.md")
            if language == "python"
        ]
        assert len(texts) == 3
        (tmp_path / f"{page}.py").write_text("\n".join(texts))
        said = execute([sys.executable, f"{page}.py"], tmp_path)
        assert ("% of bone lost" if page == "python" else "TNF around the centre") in said


def test_the_site_builds_without_a_broken_link(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path / "site"),
    ]
    execute(command, repository)
    model = (tmp_path / "site" / "reference" / "models" / "osteoimmune.html").read_text(encoding="utf-8")
    assert "dRANKL/dt" in model and "Pivonka2008" in model
    assert (tmp_path / "site" / "tutorial.html").exists()


def test_a_broken_link_fails(repository: Path, tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# A\n\n[b](b.md) and [c](#c)\n")
    text = (repository / "mkdocs.yml").read_text("utf-8").partition("\nhooks:")
    rest = text[2].partition("\nmarkdown_extensions:")
    validation = "markdown_extensions:" + rest[2].partition("\nexclude_docs:")[0]
    (tmp_path / "mkdocs.yml").write_text("site_name: a\n" + validation)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(tmp_path / "mkdocs.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "b.md" in done.stderr and "#c" in done.stderr
