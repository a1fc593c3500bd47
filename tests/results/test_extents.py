# SPDX-License-Identifier: LGPL-3.0-or-later
"""Rows that another process of the node writes to the places that the first one has laid out."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from osteofield.results import extents, open_results, prepare
from osteofield.simulation.writer import ArraySpec, MeshData

from .conftest import RECORD, UNITS, cube, frame, square


@pytest.mark.parametrize("make", [cube, square])
def test_a_frame_written_by_two(tmp_path: Path, make: Callable[[], MeshData]) -> None:
    mesh = make()
    with prepare(tmp_path / "demo", "demo", "h1", screen=False) as results:
        results.begin(UNITS, RECORD)
        for t in (0.0, 1.0):
            given = frame(t, mesh, new=not t)
            arrays = given.arrays
            sink = results.frame(t, given.row, {n: ArraySpec.of(a) for n, a in arrays.items()})
            part = pickle.loads(pickle.dumps(sink.extents)).open()
            for name, array in arrays.items():
                half = len(array) // 2
                part.block(name, half, array[half:])
                sink.block(name, 0, array[:half])
            part.close()
            sink.commit()
    result = open_results(tmp_path / "demo")
    d = mesh.marrow_points.shape[1]
    for k, t in enumerate((0.0, 1.0)):
        for domain, read in (("marrow", result.marrow), ("surface", result.surface)):
            points, cells = read.mesh(k)
            assert np.array_equal(points[:, :d], getattr(mesh, f"{domain}_points"))
            assert not points[:, d:].any() and points.shape[1] == 3
            assert np.array_equal(cells, getattr(mesh, f"{domain}_cells"))
            for name, values in getattr(frame(t, mesh), domain).items():
                assert np.array_equal(read[name][k], values)


def test_only_the_node_that_laid_it_out_can_open_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"a": extents.Extent(str(tmp_path / "a"), 0, 1, np.dtype(float))}
    (tmp_path / "a").touch()
    there = extents.Extents(place)
    (tmp_path / "a").rename(tmp_path / "b")
    assert there.open() is None  # there is no such file
    (tmp_path / "a").touch()
    assert there.open() is None  # and this is another one
    (tmp_path / "b").rename(tmp_path / "a")
    part = there.open()
    assert part is not None
    part.block("a", 1, np.array([2.0, 3.0]))
    part.block("not kept", 0, np.array([1.0]))
    part.close()
    assert np.fromfile(tmp_path / "a").tolist() == [0.0, 2.0, 3.0]
    monkeypatch.setattr(extents, "this_node", lambda: ("another", "node"))
    assert there.open() is None
