# SPDX-License-Identifier: LGPL-3.0-or-later
"""Results read back in Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteofield.errors import InputError
from osteofield.results import Result, open_results, prepare
from osteofield.simulation.writer import write_frame

from .conftest import RECORD, UNITS, cube, frame

TIMES = [0.0, 1.0, 2.5, 4.0]


@pytest.fixture
def result(tmp_path: Path) -> Result:
    mesh = cube(2)
    with prepare(tmp_path / "demo", "demo", "h1", screen=False) as results:
        results.begin(UNITS, RECORD)
        for t in TIMES:
            write_frame(results, frame(t, mesh, new=not t))
        results.end({"status": "done"})
    return open_results(tmp_path / "demo")


def test_history(result: Result) -> None:
    assert list(result.history) == ["time [day]", "bone_loss [mm^3]", "RANKL.mean [pM]"]
    np.testing.assert_array_equal(result.history["bone_loss [mm^3]"], np.array(TIMES) / 3)
    assert result.times.tolist() == TIMES


def test_field_is_an_array_of_times_and_points(result: Result) -> None:
    series = result.marrow["RANKL"]
    expected = np.stack([frame(t, cube(2)).marrow["RANKL"] for t in TIMES])
    assert series.unit == "pM"
    assert series.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(series), expected)
    np.testing.assert_array_equal(series[-1], expected[-1])
    np.testing.assert_array_equal(series[1:3], expected[1:3])
    np.testing.assert_array_equal(series[:, 5], expected[:, 5])
    np.testing.assert_array_equal(series[2, :4], expected[2, :4])
    np.testing.assert_array_equal(series.at(2.4), expected[2])
    np.testing.assert_array_equal(series.points, cube(2).marrow_points)
    np.testing.assert_array_equal(series.cells, cube(2).marrow_cells)
    with pytest.raises(IndexError):
        series[4]


def test_only_the_asked_time_is_read(result: Result) -> None:
    with result.marrow.open() as f:
        assert len(f["step00001/RANKL"]) == result.marrow["RANKL"].shape[1]
    import h5py

    with h5py.File(result.marrow.path, "r+") as f:
        del f["step00000/RANKL"]
    np.testing.assert_array_equal(result.marrow["RANKL"][1], frame(1.0, cube(2)).marrow["RANKL"])


def test_eroded_depth_is_the_depth_where_eroded(result: Result) -> None:
    depth, eroded = result.surface["depth"], result.surface["E.De"]
    assert eroded.unit == "um"
    np.testing.assert_array_equal(np.isnan(eroded[:]), ~(depth[:] > 2.0))
    assert np.nanmax(eroded[-1]) == depth[-1].max() == 4.0
    assert list(result.surface) == ["OCa", "depth", "E.De"]
    assert len(result.surface) == 3


def test_unknown_field_gets_a_suggestion(result: Result) -> None:
    with pytest.raises(KeyError, match="did you mean 'RANKL'"):
        result.marrow["RANK"]
    assert "TNF" not in result.marrow


def test_changing_mesh_is_read_time_by_time(tmp_path: Path) -> None:
    with prepare(tmp_path / "demo", "demo", "h1", screen=False) as results:
        results.begin(UNITS, RECORD)
        for n in (1, 2):
            write_frame(results, frame(float(n), cube(n), new=True))
        results.end({})
    marrow = open_results(tmp_path / "demo").marrow
    assert [len(marrow["RANKL"][i]) for i in range(2)] == [8, 27]
    assert len(marrow.mesh(0)[0]) == 8
    with pytest.raises(ValueError, match="changes with time"):
        marrow["RANKL"][:]


def test_a_running_job_is_readable(tmp_path: Path) -> None:
    with prepare(tmp_path / "demo", "demo", "h1", screen=False) as results:
        results.begin(UNITS, RECORD)
        assert len(open_results(tmp_path / "demo").times) == 0
        write_frame(results, frame(0.0, cube(1), new=True))
        result = open_results(tmp_path / "demo")
        assert result.record["status"] == "running"
        assert result.marrow["RANKL"].shape == (1, 8)


def test_no_results(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_results(tmp_path / "none")
    with pytest.raises(InputError, match="not a results folder"):
        open_results(tmp_path)


def test_a_run_that_was_killed_could_not_write_so(tmp_path: Path) -> None:
    """Its record says that it goes on, but nobody holds the folder."""
    with prepare(tmp_path / "demo", "demo", "h1", screen=False) as results:
        results.begin(UNITS, RECORD)
        going_on = open_results(tmp_path / "demo")
        assert going_on.status == "running"
        assert "anything to draw yet." in str(going_on.nothing_to("draw"))
        text = (tmp_path / "demo" / "run.json").read_text("utf-8")
    (tmp_path / "demo" / "run.json").write_text(text)
    killed = open_results(tmp_path / "demo")
    assert killed.status == "killed"
    assert "anything to draw (it was killed); run the case again." in str(killed.nothing_to("draw"))
    (tmp_path / "demo" / "run.json").write_text(
        text.replace('"status": "running"', '"status": "stopped", "reason": "no memory."', 1)
    )
    stopped = open_results(tmp_path / "demo")
    assert "anything to report (it ended as 'stopped': no memory); run" in str(stopped.nothing_to("report"))
