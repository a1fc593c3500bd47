# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is shipped and how it is set up: wheel, pinned versions, conda environment, finding a Python."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONDA_NAMES = {"dolfinx-solver-real": "fenics-dolfinx", "matplotlib": "matplotlib-base",
               "fastjsonschema": "python-fastjsonschema"}  # fmt: skip
PYPI_ONLY = {"py-rattler", "antimony", "libroadrunner"}  # read environment.yml, write and run SBML in tests


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def requirements(project: dict) -> list[Requirement]:
    texts = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        texts += extra
    return [Requirement(t) for t in texts]


@pytest.fixture(scope="module")
def pins(repository: Path) -> dict[str, str]:
    lines = (repository / "constraints.txt").read_text("utf-8").splitlines()
    return dict(re.fullmatch(r"([\w.-]+)==([\w.]+)", x).groups() for x in lines if not x.startswith("#"))


@pytest.fixture(scope="module")
def conda_specs(repository: Path) -> list[str]:
    text = (repository / "environment.yml").read_text("utf-8").split("dependencies:\n")[1]
    return [m[1].strip() for m in re.finditer(r"^  - ([^#\n]+)", text, re.M)]


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=repository,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_wheel_has_every_source_model_and_case(wheel: zipfile.ZipFile, repository: Path) -> None:
    names = set(wheel.namelist())
    package = repository / "solver" / "osteofield"
    for suffix in ("py", "c", "h", "toml"):
        for path in package.rglob(f"*.{suffix}"):
            assert path.relative_to(package.parent).as_posix() in names
    assert any(re.fullmatch(r"osteofield/models/\w+\.toml", n) for n in names)
    cases = {f"osteofield/_cases/{p.name}" for p in (repository / "cases").glob("*.toml")}
    assert cases
    assert cases <= names
    assert "osteofield/_cases/case.schema.json" in names


def test_wheel_has_nothing_else(wheel: zipfile.ZipFile, project: dict) -> None:
    kinds = {Path(n).suffix for n in wheel.namelist() if n.startswith("osteofield/")}
    assert kinds <= {".py", ".c", ".h", ".toml", ".json", ".css", ".js", ".txt", ".typed"}
    tops = {n.split("/")[0] for n in wheel.namelist()}
    assert tops == {"osteofield", f"osteofield-{project['version']}.dist-info"}


def test_wheel_carries_the_licence_and_the_command(wheel: zipfile.ZipFile, project: dict) -> None:
    info = f"osteofield-{project['version']}.dist-info"
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in wheel.read(f"{info}/licenses/LICENSE").decode()
    assert "GNU GENERAL PUBLIC LICENSE" in wheel.read(f"{info}/licenses/COPYING").decode()
    assert "osteofield = osteofield.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()


def test_wheel_can_be_used_without_the_source_tree(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import osteofield.cli as c, sys; print(c.__file__); sys.exit(c.main(['models']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
    assert "osteoimmune" in done.stdout


def test_installed_command_shows_its_help(command: str) -> None:
    done = subprocess.run([command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "run" in done.stdout


def test_every_requirement_is_pinned_within_its_range(
    requirements: list[Requirement], pins: dict[str, str]
) -> None:
    pinned = {canonicalize_name(k): v for k, v in pins.items()}
    for r in requirements:
        assert canonicalize_name(r.name) in pinned, f"{r.name} is not in constraints.txt"
        assert r.specifier.contains(pinned[canonicalize_name(r.name)])


def test_conda_specs_are_valid(conda_specs: list[str]) -> None:
    rattler = pytest.importorskip("rattler", reason="py-rattler is not installed")
    for text in conda_specs:
        rattler.MatchSpec(text, strict=True)  # raises on a spec that conda would refuse


def test_conda_environment_has_every_requirement(
    requirements: list[Requirement], conda_specs: list[str]
) -> None:
    names = {s.split()[0] for s in conda_specs}
    wanted = {CONDA_NAMES.get(r.name, canonicalize_name(r.name)) for r in requirements} - PYPI_ONLY
    assert wanted <= names


def test_version_is_the_same_everywhere(project: dict, repository: Path) -> None:
    assert f"\nversion: {project['version']}\n" in (repository / "CITATION.cff").read_text("utf-8")
    headings = re.findall(r"^## (\S+)", (repository / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert headings[0] == project["version"]


def test_no_committed_file_names_this_machine(repository: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    places = {f"{repository}/", f"{repository.parent}/"} - {"/"}
    for name in filter(None, listed.stdout.split("\0")):
        path = repository / name
        if path.is_file():
            text = path.read_bytes().decode(errors="ignore")
            assert not [p for p in places if p in text], name


def interpreter(folder: Path, name: str, body: str) -> None:
    """A stand-in for a Python on PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def find_python(repository: Path, path: Path, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    for tool in ("sh", "dirname", "awk", "grep", "tail", "ls"):
        (path / tool).symlink_to(shutil.which(tool) or "")
    return subprocess.run(
        [repository / "tools" / "environment.sh", "python"],
        env={"PATH": str(path), "HOME": str(home), **env},
        capture_output=True,
        text=True,
    )


TOO_OLD = "echo 'is Python 3.11'; exit 1"
GOOD = f'exec "{sys.executable}" "$@"'
has_headers = pytest.mark.skipif(
    not Path(sysconfig.get_path("include"), "Python.h").exists(), reason="this Python has no Python.h"
)


@has_headers
def test_a_newer_python_on_path_is_preferred_to_an_old_default(repository: Path, tmp_path: Path) -> None:
    interpreter(tmp_path / "bin", "python3", TOO_OLD)
    interpreter(tmp_path / "bin", "python3.13", GOOD)
    done = find_python(repository, tmp_path / "bin", tmp_path)
    assert done.stdout.strip() == str(tmp_path / "bin" / "python3.13")


@has_headers
def test_pythons_of_pyenv_are_found(repository: Path, tmp_path: Path) -> None:
    interpreter(tmp_path / "bin", "python3", TOO_OLD)
    versions = tmp_path / ".pyenv" / "versions" / "3.12.9" / "bin"
    versions.mkdir(parents=True)
    interpreter(versions, "python3.12", GOOD)
    done = find_python(repository, tmp_path / "bin", tmp_path)
    assert done.stdout.strip() == str(versions / "python3.12")


@has_headers
def test_python_can_be_named(repository: Path, tmp_path: Path) -> None:
    interpreter(tmp_path / "bin", "python3.12", GOOD)
    interpreter(tmp_path / "own", "mine", GOOD)
    done = find_python(repository, tmp_path / "bin", tmp_path, PYTHON=str(tmp_path / "own" / "mine"))
    assert done.stdout.strip() == str(tmp_path / "own" / "mine")


def test_without_a_usable_python_it_says_what_was_tried(repository: Path, tmp_path: Path) -> None:
    interpreter(tmp_path / "bin", "python3", TOO_OLD)
    interpreter(tmp_path / "bin", "python3.12", "echo 'lacks Python.h (package python3.12-dev)'; exit 1")
    done = find_python(repository, tmp_path / "bin", tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{tmp_path / 'bin' / 'python3'}: is Python 3.11" in done.stderr
    assert "python3.12: lacks Python.h" in done.stderr
    assert "PYTHON=" in done.stderr
