# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield mesh``."""

# ruff: noqa: E501 - one fault and its message a line

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteofield.cli import main
from osteofield.geometry import load_sample


@pytest.fixture(autouse=True)
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ball of bone, 0.3 mm in radius, in a cube of 1.2 mm."""
    import SimpleITK as sitk

    monkeypatch.chdir(tmp_path)
    grid = np.indices((24, 24, 24)) - 11.5
    image = sitk.GetImageFromArray(np.where((grid**2).sum(0) < 6.0**2, 100, 20).astype(np.uint8))
    image.SetSpacing([0.05] * 3)
    sitk.WriteImage(image, "scan.nrrd")


def test_an_image_becomes_a_mesh_that_info_describes(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--threshold", "60", "--cell-size", "100um", "--smoothing", "0.5"]
    assert main(["mesh", "scan.nrrd", "-o", "ball.xdmf", *options]) == 0
    made = capsys.readouterr().out
    sample = load_sample(Path("ball.xdmf"))
    assert sample.dimension == 3
    share = 4 / 3 * np.pi * 0.3**3 / 1.2**3
    assert f"{'written: ball.xdmf'}" in made
    assert main(["mesh", "info", "ball.xdmf"]) == 0
    described = capsys.readouterr().out
    assert described.strip() in made
    bone = next(line for line in described.splitlines() if line.startswith("BV/TV [1]"))
    assert float(bone.split()[-1]) == pytest.approx(share, rel=0.15)


def test_a_slice(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--threshold", "60", "--cell-size", "50 um", "--slice", "x=0.6 mm"]
    assert main(["mesh", "scan.nrrd", "-o", "disc.xdmf", *options]) == 0
    assert load_sample(Path("disc.xdmf")).dimension == 2


def test_a_recipe_with_an_option_that_replaces_its_value() -> None:
    Path("recipe.toml").write_text(
        '[sample]\nshape = { kind = "plate", size = ["1 mm", "1 mm"], thickness = "200 um" }\ncell_size = "9"\n',
        encoding="utf-8",
    )
    assert main(["mesh", "recipe.toml", "-o", "plate.xdmf", "--cell-size", "100um"]) == 0
    assert load_sample(Path("plate.xdmf")).d0 == pytest.approx(100.0, rel=0.05)


@pytest.mark.parametrize(
    ("argv", "messages"),
    [
        (
            ["scan.nrrd"],
            ["-o FILE is needed: the mesh to write, for example -o sample.xdmf."],
        ),
        (["scan.nrrd", "-o", "a.vtk"], ["-o a.vtk: a mesh is written as XDMF: the name must end in .xdmf."]),
        (["scan.nrrd", "-o", "no/a.xdmf"], ["-o no/a.xdmf: there is no such folder to write to."]),
        (
            ["scn.nrrd", "-o", "a.xdmf"],
            ["scn.nrrd: there is no image 'scn.nrrd' in", "did you mean 'scan.nrrd'?"],
        ),
        (["scan.nrrd", "-o", "a.xdmf", "--threshold", "x"], ["--threshold x: a grey value or"]),
        (["scan.nrrd", "-o", "a.xdmf", "--cell-size", "3"], ["--cell-size 3: '3' has no unit"]),
        (
            ["scan.nrrd", "-o", "a.xdmf", "--slice", "w"],
            ["--slice w: sample.slice.axis: 'w' is not one of the"],
        ),
        (["scan.nrrd", "more.nrrd", "-o", "a.xdmf"], ["'more.nrrd' is one file too many"]),
        (["none.toml", "-o", "a.xdmf"], ["none.toml: there is no such file."]),
        (["mixed.toml", "-o", "a.xdmf"], ["mixed.toml: a sample of kind 'well mixed' needs no meshing."]),
        (["info"], ["name the mesh to describe: osteofield mesh info FILE."]),
        (
            ["info", "scan.nrrd", "-o", "a.xdmf"],
            ["'mesh info FILE' takes no further options, but -o is given."],
        ),
        (
            ["scan.nrrd", "-o", "a.xdmf", "--threshold", "200", "--cell-size", "50um"],
            ["scan.nrrd: the image has no bone"],
        ),
    ],
)
def test_wrong_input(argv: list[str], messages: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("mixed.toml").write_text("[sample]\nwell_mixed = true\n", encoding="utf-8")
    assert main(["mesh", *argv]) == 2
    said = capsys.readouterr().err
    for message in messages:
        assert message in said
    assert not Path("a.xdmf").exists()


def test_an_image_alone_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mesh", "scan.nrrd", "-o", "a.xdmf"]) == 0
    said = capsys.readouterr().out
    assert "Otsu" in said
    assert Path("a.xdmf").exists()


def test_a_mesh_from_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    import meshio

    points = np.array([(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)], float)
    cells = np.array([(0, 1, 4), (0, 4, 3), (1, 2, 5), (1, 5, 4)])
    mesh = meshio.Mesh(points, [("triangle", cells)], cell_data={"phase": [np.array([1, 1, 2, 2])]})
    meshio.write("other.vtu", mesh)
    Path("other.toml").write_text(
        '[sample]\nmesh = "other.vtu"\nunit = "mm"\nbone = 1\nmarrow = 2\n', encoding="utf-8"
    )
    assert main(["mesh", "other.toml", "-o", "sample.xdmf"]) == 0
    capsys.readouterr()
    assert main(["mesh", "info", "sample.xdmf"]) == 0
    said = capsys.readouterr().out
    assert "BV/TV [1]:" in said and "tagged mesh" in said
    sample = load_sample(Path("sample.xdmf"))
    assert sample.morphometry.bv_tv == 0.5 and sample.box == ((0.0, 0.0), (2000.0, 1000.0))
