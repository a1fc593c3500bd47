# SPDX-License-Identifier: LGPL-3.0-or-later
"""A small infected plate, and runs of it in this process that are written to memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from osteofield.api import case_network, case_sample
from osteofield.case import Case, load_case
from osteofield.kinetics import load_network
from osteofield.parallel import world
from osteofield.simulation import Frame, Simulation

PLATE = """\
format = 1
[sample]
cell_size = "60 um"
[sample.shape]
kind = "plate"
size = ["800 um", "400 um"]
thickness = "200 um"
[model]
name = "osteoimmune"
[model.parameters]
turnover = "rodent"
[[focus]]
center = ["150 um", "200 um"]
radius = "120 um"
load = "1000 CFU/mm^3"
[time]
end = "4 day"
[output]
every = "1 day"
"""


class Recorder:
    """A writer that keeps everything in memory."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.checkpoints: list[tuple[float, Mapping[str, np.ndarray], Mapping[str, Any]]] = []
        self.record: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.mesh: Any = None

    def begin(self, mesh: Any, units: Mapping[str, str], record: Mapping[str, Any]) -> None:
        self.mesh, self.units, self.record = mesh, dict(units), dict(record)

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def checkpoint(self, time: float, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        self.checkpoints.append((time, {k: np.array(a) for k, a in arrays.items()}, dict(facts)))

    def end(self, record: Mapping[str, Any]) -> None:
        self.last = dict(record)

    @property
    def history(self) -> dict[str, np.ndarray]:
        columns = self.frames[0].row
        return {c: np.array([f.row[c] for f in self.frames]) for c in columns}


@pytest.fixture
def case_file(tmp_path: Path) -> Callable[..., Path]:
    """``case_file(text=PLATE, name="plate")`` writes a case file."""

    def write(text: str = PLATE, name: str = "plate") -> Path:
        file = tmp_path / f"{name}.toml"
        file.write_text(text)
        return file

    return write


@pytest.fixture
def case(case_file: Callable[..., Path]) -> Callable[..., Case]:
    """``case("key=value", ..., text=PLATE)``: the plate with settings as on the command line."""
    return lambda *settings, text=PLATE: load_case(case_file(text), settings)


@pytest.fixture
def simulate() -> Callable[..., SimpleNamespace]:
    """``simulate(case, writer=None, **run)``: outcome, recorder, simulation and log of a run."""

    def run(case: Case, writer: Any = None, **options: Any) -> SimpleNamespace:
        network, log = case_network(case), []
        simulation = Simulation(case, network, network.in_health(), case_sample(case), world(), log.append)
        writer = writer or Recorder()
        outcome = simulation.run(writer, **options)
        return SimpleNamespace(outcome=outcome, writer=writer, simulation=simulation, log="\n".join(log))

    return run


@pytest.fixture(scope="session")
def recorder() -> type:
    """Class of the in-memory writer, to be subclassed."""
    return Recorder


@pytest.fixture(scope="session")
def network():
    return load_network("osteoimmune")
