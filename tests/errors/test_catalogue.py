# SPDX-License-Identifier: LGPL-3.0-or-later
"""The catalogue of faulty cases: what is said about each, word for word (see README.md)."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from osteofield.cli import main

HERE = Path(__file__).parent
NAMES = sorted(p.stem for p in HERE.glob("*.toml"))
SPACING = 0.05  # mm


def complaint(name: str, folder: Path) -> tuple[int, str]:
    """Exit status and standard error of one entry, run in an empty folder."""
    case = folder / f"{name}.toml"
    shutil.copy(HERE / case.name, case)
    if (HERE / name).is_dir():
        shutil.copytree(HERE / name, folder, dirs_exist_ok=True)
    command = ["check", case.name]
    for line in case.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("#! command "):
            command = shlex.split(line.removeprefix("#! command "))
        elif line.startswith("#! image "):
            draw_image(folder, *line.split()[2:])
        elif line.startswith("#!"):
            raise ValueError(f"{case.name}: {line!r} means nothing here")
    said = io.StringIO()
    with working_in(folder), contextlib.redirect_stderr(said):
        status = main(command)
    return status, said.getvalue().replace(str(folder.resolve()), "{dir}")


def draw_image(folder: Path, file: str, size: str, kind: str) -> None:
    """A small grey-value image."""
    import SimpleITK as sitk

    shape = tuple(int(n) for n in size.split("x"))
    grey = np.full(shape, 20, np.uint8)
    if kind == "ball":
        grid = np.indices(shape) - (np.array(shape).reshape(-1, *[1] * len(shape)) - 1) / 2
        grey[(grid**2).sum(0) < (min(shape) / 4) ** 2] = 100
    elif kind != "uniform":
        raise ValueError(f"no image of kind {kind!r}")
    image = sitk.GetImageFromArray(grey)
    image.SetSpacing([SPACING] * len(shape))
    sitk.WriteImage(image, str(folder / file))


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said(name: str, tmp_path: Path) -> None:
    before = set(os.listdir(HERE))
    status, said = complaint(name, tmp_path)
    assert status == 2
    assert said == (HERE / f"{name}.expected").read_text(encoding="utf-8")
    assert set(os.listdir(HERE)) == before


def test_the_catalogue_is_whole() -> None:
    assert NAMES
    assert {p.stem for p in HERE.glob("*.expected")} == set(NAMES)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or NAMES:
        with tempfile.TemporaryDirectory() as scratch:
            code, text = complaint(wanted, Path(scratch))
        print(f"{wanted}: exit status {code}\n{text}")
        (HERE / f"{wanted}.expected").write_text(text, encoding="utf-8")
