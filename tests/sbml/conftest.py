# SPDX-License-Identifier: LGPL-3.0-or-later
"""Models written in Antimony, imported, run well mixed, and held against libroadrunner."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteofield.api import case_network, case_sample
from osteofield.case import load_case
from osteofield.parallel import world
from osteofield.sbml import Imported, import_sbml
from osteofield.simulation import MemoryWriter, Simulation


def libsbml() -> Any:
    """The library; the test is skipped without it."""
    return pytest.importorskip("libsbml", reason="python-libsbml is not installed (extra sbml)")


CASE = """\
format = 1
[sample]
well_mixed = true
[initial]
state = "model"
[model]
name = "{model}"
[time]
end = "{end!r} {unit}"
tolerance = 1e-10
linear_tolerance = 1e-8
first_step = "{first!r} {unit}"
shortest_step = "{shortest!r} {unit}"
[output]
every = "{every!r} {unit}"
"""

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0}


def to_sbml(text: str) -> str:
    """Antimony as SBML Level 3 Version 2; the test is skipped without antimony."""
    antimony = pytest.importorskip("antimony", reason="antimony is not installed (test dependencies)")
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(text) >= 0, antimony.getLastError()
    return antimony.getSBMLString(antimony.getMainModuleName())


def converted(sbml: str, level: int, version: int) -> str:
    """The same model in another edition of SBML."""
    document = libsbml().readSBMLFromString(sbml)
    assert document.setLevelAndVersion(level, version, False), document.getErrorLog().toString()
    return libsbml().writeSBMLToString(document)


def simulate(file: Path) -> dict[str, list[float]]:
    """Run a well-mixed case: time in day, and every population in its own unit."""
    case, memory = load_case(file), MemoryWriter()
    network = case_network(case)
    run = Simulation(case, network, network.in_health(), case_sample(case), world(), lambda line: None)
    outcome = run.run(memory)
    assert outcome.status == "done", outcome.reason
    columns = {"time": [f.time for f in memory.frames]}
    for p in network.populations:
        columns[p.name] = [f.row[f"{p.name}.mean [{p.unit}]"] for f in memory.frames]
    return columns


def with_local(sbml: str, **locals_: float) -> str:
    """The same model with parameters of reactions: ``J_k=3`` is the parameter k of reaction J."""
    document = libsbml().readSBMLFromString(sbml)
    for name, value in locals_.items():
        reaction, id = name.split("_", 1)
        parameter = document.getModel().getReaction(reaction).getKineticLaw().createLocalParameter()
        parameter.setId(id)
        parameter.setValue(value)
    return libsbml().writeSBMLToString(document)


@pytest.fixture
def sbml_file(tmp_path: Path) -> Callable[..., Path]:
    """``sbml_file(antimony_text)`` or ``sbml_file(sbml=text)`` writes ``model.xml``."""
    libsbml()

    def write(text: str = "", *, sbml: str = "") -> Path:
        file = tmp_path / "model.xml"
        file.write_text(sbml or to_sbml(text), encoding="utf-8")
        return file

    return write


@pytest.fixture(scope="session")
def roadrunner() -> Iterator[Callable[..., np.ndarray]]:
    """``roadrunner(sbml, end, points, columns)``: what libroadrunner computes, in a process of its own."""
    if find_spec("roadrunner") is None:
        pytest.skip("libroadrunner is not installed")
    command = [sys.executable, str(Path(__file__).with_name("roadrunner_server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None

        def ask(sbml: str, end: float, points: int, columns: list[str]) -> np.ndarray:
            request = {"sbml": sbml, "end": end, "points": points, "columns": columns}
            print(json.dumps(request), file=server.stdin, flush=True)
            answer = server.stdout.readline()
            assert answer, "libroadrunner ended without an answer"
            return np.array(json.loads(answer))

        yield ask
        server.stdin.close()


@pytest.fixture
def deviation(
    tmp_path: Path, sbml_file: Callable[..., Path], roadrunner: Callable[..., np.ndarray]
) -> Callable[..., tuple[float, Imported]]:
    """Import a model, run it, and compare it with libroadrunner.

    ``deviation(text, columns, end)``: `columns` maps populations of the model file to selections of
    libroadrunner; the result is the largest difference, relative to the largest value of its column.
    """

    def compare(
        text: str,
        columns: Mapping[str, str],
        end: float,
        *,
        unit: str = "s",
        points: int = 20,
        sbml: str = "",
    ) -> tuple[float, Imported]:
        file = sbml_file(text, sbml=sbml)
        imported = import_sbml(file)
        (tmp_path / "model.toml").write_text(imported.toml, encoding="utf-8")
        case = tmp_path / "case.toml"
        steps = {"every": end / points, "first": 1e-4 * end, "shortest": 1e-10 * end}
        case.write_text(CASE.format(model="model.toml", end=float(end), unit=unit, **steps))
        ours = simulate(case)
        theirs = roadrunner(file.read_text(encoding="utf-8"), end, points, ["time", *columns.values()])
        time = np.array(ours["time"]) * 86400 / SECONDS[unit]
        np.testing.assert_allclose(time, theirs[:, 0], rtol=1e-9, atol=1e-12 * end)
        worst = 0.0
        for k, name in enumerate(columns, 1):
            size = np.abs(theirs[:, k]).max()
            assert size > 0
            worst = max(worst, float(np.abs(np.array(ours[name]) - theirs[:, k]).max() / size))
        return worst, imported

    return compare
