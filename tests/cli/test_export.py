# SPDX-License-Identifier: LGPL-3.0-or-later
"""``osteofield export``."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.cli import main
from osteofield.geometry import build_sample, read_image
from osteofield.results import prepare
from osteofield.simulation.writer import Frame, MeshData, write_frame


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ball of bone, 200 um in radius, that loses 10 um a day over two days."""
    monkeypatch.chdir(tmp_path)
    spec = ShapeSpec("sphere", (600.0,) * 3, radius=200.0)
    sample = build_sample(SampleSpec(shape=spec, cell_size=40.0))
    parts = []
    for cells in (sample.marrow, sample.surface):
        used, local = np.unique(cells, return_inverse=True)
        parts += [sample.points[used], local.reshape(cells.shape)]
    mesh = MeshData(*parts)
    record = {
        "roles": {"depth": "depth"}, "box": sample.box, "mesh": {"provenance": sample.provenance},
        "eroded_above": 2.0, "resolved": 'surface = "records depth"\n',
    }  # fmt: skip
    with prepare(tmp_path / "run", "demo", "h", screen=False) as folder:
        folder.begin({"depth": "um"}, record)
        for t in (0.0, 1.0, 2.0):
            depth = {"depth": np.full(len(mesh.surface_points), 10 * t)}
            write_frame(folder, Frame(t, {}, depth, {"time [day]": t}, None if t else mesh))
        folder.end({})
    return tmp_path / "run"


def test_a_scan_is_written_and_described(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    share = []
    for time in ("0 day", "25 h", "9 day"):
        options = ["--ct", "scan.nrrd", "--voxel", "20um", "--time", time]
        assert main(["export", "run", *options]) == 0
        image = read_image("scan.nrrd")
        assert (image.values.shape, image.spacing) == ((30,) * 3, (20.0,) * 3)
        share.append((image.values.mean() - 64) / 128)
    said = capsys.readouterr().out
    assert "bone at day 1\n" in said
    (*_, bv_tv) = re.findall(r"30 x 30 x 30 voxels of 20 x 20 x 20 um, BV/TV ([\d.]+);", said)
    assert float(bv_tv) == pytest.approx(share[-1], abs=1e-3)
    assert "bone 192, marrow 64: grey values above 128 are bone" in said
    radius = [(600**3 * s * 3 / 4 / np.pi) ** (1 / 3) for s in share]
    np.testing.assert_allclose(np.diff(radius), -10, rtol=0.03)


def test_noise_and_blur_reach_the_image(results: Path) -> None:
    base = ["export", "run", "--voxel", "20um", "--ct"]
    assert main([*base, "a.nrrd"]) == 0
    assert main([*base, "b.nrrd", "--noise", "5", "--seed", "3"]) == 0
    assert main([*base, "c.nrrd", "--blur", "50um", "--bone-grey", "100", "--marrow-grey", "0"]) == 0
    a, b, c = (read_image(f"{name}.nrrd").values.astype(float) for name in "abc")
    assert (b - a).std() == pytest.approx(5, rel=0.05)
    assert c.max() < 100 and c.mean() == pytest.approx((a.mean() - 64) / 1.28, rel=0.02)


def test_everything_wrong_is_said_at_once(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--blur", "3", "--noise", "-1", "--seed", "2.5", "--voxel", "0um", "--time", "3 um"]
    assert main(["export", "nothing", *options, "--ct", "missing/x.nrrd"]) == 2
    said = capsys.readouterr().err
    for message in (
        "nothing: there is no such folder;", "by default; there are results in run.",
        "--blur 3: '3' has no unit",
        "--noise -1: a number of at least 0 is needed.", "--seed 2.5: a whole number is needed.",
        "--voxel 0um: it must be positive.", "--time 3 um: ", "7 problems",
        "--ct missing/x.nrrd: there is no such folder to write to.",
    ):  # fmt: skip
        assert message in said
    assert main(["export", "run", "--blur", "3um"]) == 2
    said = capsys.readouterr().err
    assert "say what to export" in said and "an option of --ct, which is not given: --blur" in said


def test_targets_that_cannot_be(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results.parent / "file").write_text("")
    for target, message in (
        ("x.jpg", "the name must end in .nrrd or .mha"), ("run", "this folder is not empty"),
        ("file", "a name without ending means a folder"),
    ):  # fmt: skip
        assert main(["export", "run", "--voxel", "20um", "--ct", target]) == 2
        assert message in capsys.readouterr().err
    assert main(["export", "run", "--ct", "scan.nrrd"]) == 2
    assert "its voxel size has to be given" in capsys.readouterr().err
    assert not list(results.parent.glob("*.nrrd"))


def test_several_files_at_once(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyvista")
    files = ["--surface", "bone.ply", "--points", "depth.csv", "--lesion", "lesion.csv"]
    assert main(["export", "run", *files]) == 0
    said = capsys.readouterr().out
    assert "1 lesion, 0 perforations; ES/BS 1, eroded 20 um on average and 20 um at most" in said
    assert (results.parent / "bone.ply").read_bytes().startswith(b"ply")
    assert (
        (results.parent / "depth.csv").read_text("utf-8").startswith("x [um],y [um],z [um],depth [um],area")
    )
    assert (results.parent / "lesion.csv").read_text("utf-8").count("\n") == 3
    assert main(["export", "run", "--time", "0 day", "--lesion", "lesion.csv"]) == 0
    assert "0 lesions: no surface is eroded deeper" in capsys.readouterr().out
    assert main(["export", "run", "--surface", "bone.obj", "--lesion", "lesion.txt"]) == 2
    said = capsys.readouterr().err
    assert "must end in .stl or .ply" in said and "must end in .csv" in said
