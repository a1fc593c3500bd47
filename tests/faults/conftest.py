# SPDX-License-Identifier: LGPL-3.0-or-later
"""A small run that writes all the time, made to fail, and what must hold whatever has happened to it.

``OSTEOFIELD_HEAVY=1`` asks for the heavy variants (ten minutes on an idle machine): 64 kills instead of 8.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import osteofield as of
from osteofield.results.checkpoint import read_newest

from ..conftest import PATIENCE
from ..infected import plate

DRIVER = Path(__file__).with_name("driver.py")
SEGMENTS = Path("/dev/shm")
CASE = plate(
    '[checkpoint]\nevery = "0.02 day"   # nearly after every step',
    cell="100 um",
    time='end = "3 day"',
    output='every = "0.05 day"',
)


@dataclass(frozen=True)
class Ended:
    """How a process ended: exit status (None: it hung and was ended), standard output and error."""

    status: int | None
    out: str
    said: str


def clear_segments(there: set[Path]) -> None:
    """Remove the shared memory that MPICH leaves behind when it is killed, and nobody else has open."""
    new = {p for p in SEGMENTS.glob("mpich_shm_*") if p not in there}
    time.sleep(0.2 if new else 0)  # others that have just been made are open by now
    for maps in Path("/proc").glob("[0-9]*/maps") if new else ():
        with suppress(OSError):
            text = maps.read_text("utf-8")
            new = {p for p in new if str(p) not in text}
    for path in new:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def heavy() -> bool:
    return os.environ.get("OSTEOFIELD_HEAVY", "") not in ("", "0")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plate.toml"
    path.write_text(CASE)
    return path


@pytest.fixture
def start(tmp_path: Path, file: Path) -> Callable[..., Ended]:
    """``start(folder, plan, *arguments, ranks=1)``: the run command with a planned fault."""
    launcher = Path(sys.executable).with_name("mpiexec")

    def run(folder: Path, plan: Mapping[str, Any] | None = None, *arguments: str, ranks: int = 1) -> Ended:
        planned = tmp_path / "plan.json"
        planned.write_text(json.dumps(plan or {}))
        command = [sys.executable, DRIVER, planned, "run", file, "-o", folder, *arguments]
        there = set(SEGMENTS.glob("mpich_shm_*"))
        if ranks > 1:
            if not launcher.exists():
                pytest.skip(f"this environment has no MPI launcher ({launcher})")
            command = [launcher, "-n", str(ranks), *command]
        process = subprocess.Popen(
            [str(c) for c in command], cwd=tmp_path, stdin=subprocess.DEVNULL, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            out, said = process.communicate(timeout=PATIENCE)
            return Ended(process.returncode, out, said)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            out, said = process.communicate()
            return Ended(None, out, said)
        finally:
            clear_segments(there)

    return run


@pytest.fixture
def here(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ended]:
    """``here(folder, *arguments)``: the run command in this process."""
    from osteofield.cli import main

    def run(folder: Path, *arguments: str) -> Ended:
        capfd.readouterr()
        status = main(["run", str(file), "-o", str(folder), *arguments])
        out, said = capfd.readouterr()
        return Ended(status, out, said)

    return run


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of the run to which nothing happened."""
    folder = tmp_path_factory.mktemp("faults")
    (folder / "plate.toml").write_text(CASE)
    return of.run(folder / "plate.toml", folder / "reference").path


def must_open(folder: Path, reference: Path) -> int:
    """Everything written so far can be read and is right; returns the number of output times.

    What is there is bit by bit what the run without a fault has at those times (the same ranks), apart
    from a row and fields where a run has stopped in between.
    """
    result = of.open_results(folder)
    wanted = of.open_results(reference)
    assert result.record["status"] in ("starting", "running", "done", "stopped", "interrupted")
    text = (folder / "history.csv").read_text("utf-8") if (folder / "history.csv").exists() else ""
    assert text == "" or text.endswith("\n") or len(text.splitlines()[-1].split(",")) <= len(result.history)
    known = {t: i for i, t in enumerate(wanted.times)}
    for column, values in result.history.items():
        for t, value in zip(result.times, values, strict=True):
            if t in known:
                assert value == wanted.history[column][known[t]], (column, t)
    for name in ("marrow", "surface"):
        listed = series(folder, name)
        assert len(listed) >= len(result.times)  # fields come before their row
        assert len(listed) <= len(result.times) + 1
        for t, fields in listed.items():
            if t in known:
                for field, values in fields.items():
                    assert np.array_equal(values, getattr(wanted, name)[field][known[t]]), (field, t)
    return len(result.times)


def series(folder: Path, name: str) -> dict[float, dict[str, np.ndarray]]:
    """Follow every reference of ``NAME.xdmf``: time to fields."""
    found: dict[float, dict[str, np.ndarray]] = {}
    if not (folder / f"{name}.xdmf").exists():
        return found
    for grid in ET.parse(folder / f"{name}.xdmf").getroot().findall("Domain/Grid/Grid"):
        fields = {}
        for item in grid.iter("DataItem"):
            file, _, path = (item.text or "").partition(":")
            with h5py.File(folder / file) as f:
                data = f[path][:]
            assert " ".join(map(str, data.shape)) == item.get("Dimensions")
            assert np.isfinite(data).all()
            if "/mesh" not in path:
                fields[path.rpartition("/")[2]] = data
        time = grid.find("Time")
        assert time is not None
        found[float(time.get("Value", "nan"))] = fields
    return found


def can_resume(folder: Path) -> bool:
    """Whether an intact checkpoint is there; none may be damaged by a kill."""
    said: list[str] = []
    found = read_newest(folder / "checkpoints", said.append)
    assert said == []
    if found is not None:
        found.arrays.close()
    return found is not None


def same_files(folder: Path, reference: Path) -> None:
    """The history byte for byte and all fields bit by bit."""
    assert (folder / "history.csv").read_bytes() == (reference / "history.csv").read_bytes()
    for name in ("marrow", "surface"):
        one, other = series(folder, name), series(reference, name)
        assert list(one) == list(other)
        for t in one:
            assert all(np.array_equal(one[t][k], other[t][k]) for k in other[t])
