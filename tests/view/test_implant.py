# SPDX-License-Identifier: LGPL-3.0-or-later
"""An implant is drawn in grey: in flat sections, and cut open in space."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from osteofield.case.types import ImplantSpec, SampleSpec, ShapeSpec
from osteofield.geometry import build_sample
from osteofield.results import open_results, prepare
from osteofield.simulation.writer import Frame, MeshData, write_frame
from osteofield.view import plot
from osteofield.view.implant import loops
from osteofield.view.style import CUT_BONE, IMPLANT
from osteofield.view.window import build_window


def test_segments_make_loops():
    square, triangle = [[0, 1], [2, 1], [2, 3], [3, 0]], [[7, 5], [5, 6], [6, 7]]
    found = loops(np.array(square + triangle))
    assert [sorted(set(line.tolist())) for line in found] == [[0, 1, 2, 3], [5, 6, 7]]
    assert all(line[0] == line[-1] and len(line) == len(set(line.tolist())) + 1 for line in found)
    assert loops(np.zeros((0, 2), int)) == []


def write(folder: Path, dimension: int) -> Path:
    """A pin of 400 um through a plate of 300 um, in the middle of a box of 1 mm."""
    shape = ShapeSpec("plate", (1000.0,) * dimension, thickness=300.0)
    pin = ImplantSpec("cylinder", diameter=400.0)
    s = build_sample(SampleSpec(shape=shape, cell_size=60.0, implant=pin))
    parts = []
    for cells in (s.marrow, s.surface):
        used, local = np.unique(cells, return_inverse=True)
        parts += [s.points[used], local.reshape(cells.shape)]
    mesh = MeshData(*parts)
    record = {
        "roles": {"depth": "depth", "bacteria": [], "show": ["TNF"]},
        "foci": [], "box": [[0.0] * dimension, [1000.0] * dimension], "dimension": dimension,
        "implant": s.implant,
    }  # fmt: skip
    with prepare(folder, "pin", "h", screen=False) as results:
        results.begin({"TNF": "pM", "depth": "um"}, record)
        marrow = {"TNF": 1.0 + mesh.marrow_points[:, 0]}
        write_frame(
            results, Frame(0.0, marrow, {"depth": mesh.surface_points[:, 1]}, {"time [day]": 0.0}, mesh)
        )
    return folder


def grey(picture: Path) -> float:
    """Area of the first panel's implant over that of the panel, roughly."""
    image = plt.imread(picture)[..., :3]
    height, width = image.shape[:2]
    panel = image[: int(0.85 * height), : width // 2]
    return float((np.abs(panel - to_rgb(IMPLANT)).max(-1) < 0.02).mean())


def test_a_section_through_a_pin(tmp_path: Path):
    folder = write(tmp_path / "r", 2)
    result = open_results(folder)
    assert result.implant is not None and "implant" not in result.record
    points, facets, at_marrow = result.implant
    assert 0.4 < at_marrow.mean() < 0.6  # the rest touches bone
    (picture,) = plot(folder, what="lesion", out=tmp_path / "p.png")
    assert grey(picture) == pytest.approx(np.pi * 200**2 / 1000**2, rel=0.25)
    assert open_results(write(tmp_path / "q", 2)).path.joinpath("implant.xdmf").exists()


@pytest.mark.usefixtures("opengl")
def test_a_pin_cut_open(tmp_path: Path):
    """Its cap, flat and grey, covers what would be painted as cut bone."""
    (picture,) = plot(write(tmp_path / "r", 3), what="TNF", out=tmp_path / "p.png")
    assert 0.015 < grey(picture) < 0.03  # a disc at the top of the block
    image = plt.imread(picture)[..., :3]
    height, width = image.shape[:2]
    on_plane = image[int(0.4 * height) : int(0.8 * height), int(0.66 * width) : int(0.73 * width)]
    assert (np.abs(on_plane - to_rgb(CUT_BONE)).max(-1) < 0.02).mean() > 0.9  # bone hides the pin in it


@pytest.mark.usefixtures("opengl")
@pytest.mark.parametrize("dimension", [2, 3])
def test_the_window_shows_the_implant(tmp_path: Path, dimension: int):
    plotter = build_window(write(tmp_path / "r", dimension), off_screen=True)
    image = plotter.screenshot(None, return_img=True) / 255.0
    body = plotter.actors["implant"].mapper.dataset
    plotter.close()
    if dimension == 2:
        assert body.area == pytest.approx(np.pi * 200**2, rel=0.03)  # filled, all of it
    else:
        assert body.bounds[1] - body.bounds[0] == pytest.approx(400, rel=0.03)
        assert body.n_open_edges == 0  # cut open, and closed by its section
    seen = np.abs(image / image.max(-1, keepdims=True) - np.array(to_rgb(IMPLANT)) / to_rgb(IMPLANT)[2])
    assert (seen.max(-1) < 0.03).mean() > 0.01
