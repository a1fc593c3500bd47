# SPDX-License-Identifier: LGPL-3.0-or-later
"""Results of a small run in 2-D by the solver, and written ones in 3-D, with their reports."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteofield.case.types import SampleSpec, ShapeSpec
from osteofield.errors import InputError
from osteofield.geometry import build_sample
from osteofield.report import write_report
from osteofield.results import open_results, prepare
from osteofield.simulation.writer import Frame, MeshData, write_frame
from osteofield.view.opengl import require_opengl

RADIUS, SIZE = 300.0, 1000.0
FOCUS = np.array([500.0, 150.0, 500.0])
CASE = """\
format = 1
name = "ball"
surface = "records depth"
[sample]
cell_size = "100 um"
[sample.shape]
kind = "sphere"
[initial]
state = "homeostasis"
[model]
name = "small"
[model.parameters]
growth = "2 1/day"
[[therapy]]
drug = "rifampicin <b>"
from = "4 day"
until = "8 day"
dose = { level = 0.5 }
[boundary]
outer = "closed"
[time]
end = "10 day"
tolerance = 1e-3
"""
MODEL = {
    "name": "small",
    "hash": "abc",
    "title": "A small model",
    "description": "Bacteria & bone.",
    "sources": {"Someone1999": "Someone 1999, J Bone 1:1", "Recalled": "Somebody (recalled, to be verified)"},
    "parameters": [
        {
            "name": n, "value": 2.0, "unit": "1/day", "meaning": "of <something>", "source": s,
            "changed": n == "growth",
        }
        for n, s in (("growth", "assumed"), ("decay", "Someone1999"), ("killing", "Recalled: half of it"))
    ],
    "switches": [
        {"name": "fever", "on": True, "meaning": "it burns", "source": "assumed: why not", "changed": False}
    ],
}  # fmt: skip
BUDGET = """\
population,kind,what,amount,unit,share of turnover
TNF,start,at the beginning,0,amol,0
TNF,gain,secretion <by> macrophages,150,amol,0.75
TNF,loss,decay,-50,amol,-0.25
TNF,end,at the end,99.99,amol,0.5
TNF,residual,explained by nothing,-0.01,amol,-5e-05
"""
UNITS = {"TNF": "pM", "bacteria": "CFU/mm^3", "OCa": "pM", "depth": "um"}


def write_ball(folder: Path) -> Path:
    """A ball of bone, infected at one side, at days 0, 5 and 10."""
    spec = SampleSpec(shape=ShapeSpec("sphere", (SIZE,) * 3, radius=RADIUS), cell_size=100.0)
    sample = build_sample(spec)
    parts = []
    for cells in (sample.marrow, sample.surface):
        used, local = np.unique(cells, return_inverse=True)
        parts += [sample.points[used], local.reshape(cells.shape)]
    mesh = MeshData(*parts)
    far = np.linalg.norm(mesh.marrow_points - FOCUS, axis=1)
    near = np.linalg.norm(mesh.surface_points - FOCUS, axis=1)
    record = {
        "case": {"title": "A ball & its <lesion>"},
        "resolved": CASE,
        "roles": {"depth": "depth", "bacteria": ["bacteria"], "show": ["TNF", "OCa"]},
        "labels": {"TNF": "TNF-a", "OCa": "active osteoclasts", "bacteria": "bacteria"},
        "model": MODEL,
        "foci": [
            {
                "center": FOCUS, "radius": 150.0, "population": "bacteria", "load": 1000.0,
                "marrow_volume": 1.2e7,
            }
        ],
        "box": [[0.0] * 3, [SIZE] * 3], "columns": {"Oc.S/BS [1]": "share of bone surface under osteoclasts"},
        "dimension": 3, "eroded_above": 2.0, "infected_above": 50.0, "ranks": 2,
        "versions": {"osteofield": "0.1.0"},
        "mesh": {"marrow_nodes": 4321, "surface_nodes": 123, "provenance": {"source": "shape"}},
    }  # fmt: skip
    with prepare(folder, "ball", "h", screen=False) as results:
        results.begin(UNITS, record)
        for t in (0.0, 5.0, 10.0):
            depth = t * np.exp(-near / 200)
            row = {
                "time [day]": t, "BV/TV [1]": 0.1131 - 1e-4 * t, "bone_loss [mm^3]": 1.23456789e-4 * t,
                "bone_loss [%]": 0.1091, "E.De.max [um]": depth.max(), "ES/BS [1]": t / 100,
                "bacteria_total [CFU]": 12.0 + t, "TNF.max [pM]": 0.1 + t, "TNF.mean [pM]": t,
                "OCa.mean [pM]": 1e-3 + 1e-5 * t, "Oc.S/BS [1]": 0.007 + t / 1e4,
                "TNF.residual [1]": 1e-9 * t,
            }  # fmt: skip
            marrow = {"TNF": t * np.exp(-far / 60), "bacteria": 1000.0 * (far < 150)}
            surface = {"OCa": np.full(len(near), 1e-3), "depth": depth}
            write_frame(results, Frame(t, marrow, surface, row, None if t else mesh))
        (folder / "budget.csv").write_text(BUDGET)
        facts = {"accepted": 10, "rejected": 1, "rejections": {"error: TNF": 1}, "solves": 80}
        results.end(
            {"steps": {**facts, "iterations": 400}, "timings": {"integration": 1.5, "memory_MB": 99.0}}
        )
    return folder


@pytest.fixture(scope="session")
def ball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ball(tmp_path_factory.mktemp("report") / "ball")


@pytest.fixture(scope="session")
def page(ball: Path) -> Path:
    """The report of the ball, with all that a machine with OpenGL puts into it."""
    try:
        require_opengl()
    except InputError:
        pytest.skip("this machine has no OpenGL")
    return write_report(ball)


@pytest.fixture(scope="session")
def well_mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "mixed"
    with prepare(folder, "mixed", "h", screen=False) as results:
        record = {"roles": {"show": ["TNF"]}, "dimension": 0, "resolved": 'format = 1\nname = "mixed"\n'}
        results.begin({"TNF": "pM"}, record)
        for t in range(3):
            row = {"time [day]": float(t), "TNF.mean [pM]": 1.0 + t}
            write_frame(results, Frame(float(t), {}, {}, row))
        results.end({})
    assert len(open_results(folder).times) == 3
    return folder
