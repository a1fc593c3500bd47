# SPDX-License-Identifier: LGPL-3.0-or-later
"""A small infected plate, and runs of it in this process that are written to memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from osteofield.api import case_network, case_sample
from osteofield.case import Case, load_case
from osteofield.kinetics import load_network
from osteofield.parallel import world
from osteofield.simulation import MemoryWriter, Simulation

from ..infected import plate

PLATE = plate(time='end = "4 day"', output='every = "1 day"')


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
        writer = writer or MemoryWriter()
        outcome = simulation.run(writer, **options)
        return SimpleNamespace(outcome=outcome, writer=writer, simulation=simulation, log="\n".join(log))

    return run


@pytest.fixture(scope="session")
def recorder() -> type:
    """Class of the in-memory writer, to be subclassed."""
    return MemoryWriter


@pytest.fixture(scope="session")
def network():
    return load_network("osteoimmune")
