# SPDX-License-Identifier: LGPL-3.0-or-later
"""Field series: read by the readers people use, changing meshes, resumed, and killed at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import h5py
import meshio
import numpy as np
import pytest
import pyvista as pv

from osteofield.results.xdmf import XdmfSeries
from osteofield.simulation.writer import ArraySpec, MeshData

from .conftest import UNITS, cube, frame


def step(
    series: XdmfSeries, t: float, fields: Mapping[str, np.ndarray], mesh: MeshData | None = None
) -> None:
    """Append one time, in blocks of ten rows."""
    arrays = dict(fields)
    if mesh is not None:
        arrays |= {p: getattr(mesh, f"{series.name}_{p[1:]}") for p in (".points", ".cells")}
    sink = series.write(t, {n: ArraySpec.of(a) for n, a in arrays.items()}, UNITS)
    for name, array in arrays.items():
        for start in range(0, len(array), 10):
            sink.block(name, start, array[start : start + 10])
    sink.commit()


def write(folder: Path, mesh: MeshData, times: list[float]) -> None:
    for name in ("marrow", "surface"):
        series = XdmfSeries(folder, name)
        series.create()
        for k, t in enumerate(times):
            step(series, t, getattr(frame(t, mesh), name), None if k else mesh)


@pytest.mark.parametrize("name", ["marrow", "surface"])
def test_meshio_reads_every_time(tmp_path: Path, mesh: MeshData, name: str) -> None:
    write(tmp_path, mesh, [0.0, 0.1, 2.5])
    with meshio.xdmf.TimeSeriesReader(tmp_path / f"{name}.xdmf") as reader:
        points, cells = reader.read_points_cells()
        assert reader.num_steps == 3
        np.testing.assert_array_equal(cells[0].data, getattr(mesh, f"{name}_cells"))
        expected_points = getattr(mesh, f"{name}_points")
        np.testing.assert_array_equal(points[:, : expected_points.shape[1]], expected_points)
        for k, t in enumerate([0.0, 0.1, 2.5]):
            got, fields, _ = reader.read_data(k)
            assert got == t
            for field, values in getattr(frame(t, mesh), name).items():
                np.testing.assert_array_equal(fields[field], values)


@pytest.mark.parametrize("name", ["marrow", "surface"])
def test_pyvista_reads_every_time(tmp_path: Path, mesh: MeshData, name: str) -> None:
    write(tmp_path, mesh, [0.0, 0.1, 2.5])
    reader = pv.XdmfReader(str(tmp_path / f"{name}.xdmf"))
    assert reader.time_values == [0.0, 0.1, 2.5]
    for t in [2.5, 0.1]:
        reader.set_active_time_value(t)
        block = reader.read()
        grid = block[0] if isinstance(block, pv.MultiBlock) else block
        assert grid.n_cells == len(getattr(mesh, f"{name}_cells"))
        for field, values in getattr(frame(t, mesh), name).items():
            np.testing.assert_array_equal(grid.point_data[field], values)


def test_units_are_with_the_data(tmp_path: Path) -> None:
    write(tmp_path, cube(1), [1.0])
    with h5py.File(tmp_path / "marrow.h5") as f:
        assert f["step00000/bacteria"].attrs["unit"] == "CFU/mm^3"
        assert f["mesh000/points"].attrs["unit"] == "um"


def test_nothing_is_included_and_every_dataset_exists(tmp_path: Path) -> None:
    write(tmp_path, cube(1), [0.0, 1.0])
    text = (tmp_path / "marrow.xdmf").read_text("utf-8")
    assert "xi:include" not in text
    assert len(read_all(tmp_path / "marrow.xdmf")) == 2


def test_mesh_that_changes_with_time(tmp_path: Path) -> None:
    series = XdmfSeries(tmp_path, "marrow")
    meshes = [cube(1), cube(1), cube(2)]
    series.create()
    for t, mesh in enumerate(meshes):
        step(series, float(t), frame(t, mesh).marrow, None if t == 1 else mesh)
    reader = pv.XdmfReader(str(tmp_path / "marrow.xdmf"))
    for t, mesh in enumerate(meshes):
        reader.set_active_time_value(float(t))
        block = reader.read()
        grid = block[0] if isinstance(block, pv.MultiBlock) else block
        np.testing.assert_array_equal(grid.points, mesh.marrow_points)
        np.testing.assert_array_equal(grid["RANKL"], frame(t, mesh).marrow["RANKL"])
    with h5py.File(tmp_path / "marrow.h5") as f:
        assert [k for k in f if k.startswith("mesh")] == ["mesh000", "mesh001"]


def test_reopened_series_forgets_what_came_after(tmp_path: Path) -> None:
    mesh = cube(1)
    write(tmp_path, mesh, [0.0, 1.0, 2.0, 3.0])
    series = XdmfSeries(tmp_path, "marrow")
    series.reopen(2)
    for t in [1.5, 2.0]:
        step(series, t, frame(t, mesh).marrow)
    found = read_all(tmp_path / "marrow.xdmf")
    assert list(found) == [0.0, 1.0, 1.5, 2.0]
    for t, fields in found.items():
        np.testing.assert_array_equal(fields["RANKL"], frame(t, mesh).marrow["RANKL"])
    with h5py.File(tmp_path / "marrow.h5") as f:
        assert sum(k.startswith("step") for k in f) == 4


def test_field_of_wrong_length_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    mesh = cube(1)
    write(tmp_path, mesh, [0.0])
    series = XdmfSeries(tmp_path, "marrow")
    series.reopen(1)
    before = (tmp_path / "marrow.h5").read_bytes()
    with pytest.raises(ValueError, match="'RANKL' has shape"):
        step(series, 1.0, {"RANKL": np.zeros(3)})
    assert (tmp_path / "marrow.h5").read_bytes() == before


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from results.conftest import cube, frame
from results.test_xdmf import step
from osteofield.results.xdmf import XdmfSeries
mesh = cube(3)
series = XdmfSeries(Path(sys.argv[1]), "marrow")
series.create()
for k in range(100000):
    step(series, k / 8, frame(k / 8, mesh).marrow, None if k else mesh)
    if k == 1:
        print("go", flush=True)
"""


def test_killed_at_any_moment_leaves_a_readable_series(tmp_path: Path) -> None:
    mesh = cube(3)
    script = WRITER.format(tests=str(Path(__file__).parents[1]))
    process = None
    for trial in range(6):
        folder = tmp_path / str(trial)
        folder.mkdir()
        process = subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"go\n"
        time.sleep(0.0137 * trial)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = read_all(folder / "marrow.xdmf")
        assert list(found) == [k / 8 for k in range(len(found))]
        assert len(found) > 1
        for t, fields in found.items():
            np.testing.assert_array_equal(fields["RANKL"], frame(t, mesh).marrow["RANKL"])
        series = XdmfSeries(folder, "marrow")  # and it can be continued
        series.reopen(10**9)
        t = len(series.steps) / 8
        step(series, t, frame(t, mesh).marrow, None if t else mesh)
        assert list(read_all(folder / "marrow.xdmf"))[-1] == t


def read_all(xdmf: Path) -> dict[float, dict[str, np.ndarray]]:
    """Follow every reference of the XML by hand."""
    out = {}
    for grid in ET.parse(xdmf).getroot().findall("Domain/Grid/Grid"):
        fields = {}
        for item in grid.iter("DataItem"):
            name, _, path = item.text.partition(":")
            with h5py.File(xdmf.parent / name) as f:
                data = f[path][:]
            assert " ".join(map(str, data.shape)) == item.get("Dimensions")
            fields[path.rpartition("/")[2]] = data
        out[float(grid.find("Time").get("Value"))] = fields
    return out
