# SPDX-License-Identifier: LGPL-3.0-or-later
"""What was measured, in `measured.json`: runs and shares of phases that the figures are drawn from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .worker import Report

FILE = Path(__file__).with_name("measured.json")
COUNTED = ("nodes", "unknowns", "steps", "rejected", "solves", "cycles")  # facts of a run that are kept


@dataclass(frozen=True)
class Measured:
    """One run.

    Attributes:
        workload: As in `benchmarks.registry.workload_of`; an image by its name alone.
        method: As in `benchmarks.registry.METHODS`.
        tolerance: The integrator's own.
        error: Against the reference; None where there is none for that mesh.
        cpu: Processor seconds from the mesh in memory to the last output.
        facts: Steps and the like.
        date: Year, month, day.
    """

    workload: dict[str, Any]
    method: str
    tolerance: float
    error: float | None
    cpu: float
    facts: dict[str, float]
    date: str

    @classmethod
    def of(
        cls, workload: Mapping[str, Any], method: str, tolerance: float, run: Report, date: str
    ) -> Measured:
        """What is kept of the report of a worker."""
        facts = {k: v for k, v in (run.facts or {}).items() if k in COUNTED}
        error = None if run.error is None else float(f"{run.error:.3g}")
        return cls(named(workload), method, tolerance, error, round(run.cpu, 2), facts, date)


@dataclass(frozen=True)
class Phases:
    """Where the time of one run went, as `benchmarks.profile` prints it.

    Attributes:
        title: Of the run.
        cpu: Its processor seconds.
        shares: Phase to per cent.
        date: Year, month, day.
    """

    title: str
    cpu: float
    shares: dict[str, float]
    date: str


@dataclass
class Record:
    """All of it.

    Attributes:
        machine: In general terms.
        runs: In the order in which they were made.
        phases: Profiles.
    """

    machine: str
    runs: list[Measured]
    phases: list[Phases]

    @classmethod
    def read(cls, path: Path = FILE) -> Record:
        """Read a file that `write` made or a person wrote."""
        raw = json.loads(path.read_text("utf-8"))
        return cls(raw["machine"], [Measured(**r) for r in raw["runs"]], [Phases(**p) for p in raw["phases"]])

    def write(self, path: Path = FILE) -> None:
        """Write it, one run to a line."""
        parts = [f'"machine": {json.dumps(self.machine)}']
        for name, items in (("runs", self.runs), ("phases", self.phases)):
            lines = ",\n  ".join(json.dumps(asdict(x)) for x in items)
            parts.append(f'"{name}": [\n  {lines}\n ]')
        path.write_text("{\n " + ",\n ".join(parts) + "\n}\n", encoding="utf-8")

    def add(self, run: Measured) -> None:
        """Put a run in the place of an earlier one of the same workload, method and tolerance."""
        same = [k for k, r in enumerate(self.runs) if _key(r) == _key(run)]
        for k in reversed(same):
            del self.runs[k]
        self.runs.append(run)

    def of(self, workload: Mapping[str, Any], method: str) -> list[Measured]:
        """Runs of a method, the loosest tolerance first."""
        runs = [r for r in self.runs if r.workload == workload and r.method == method]
        return sorted(runs, key=lambda r: -r.tolerance)


def named(workload: Mapping[str, Any]) -> dict[str, Any]:
    """A workload as it is kept: the same on any machine."""
    kept = {k: v for k, v in workload.items() if v is not None}
    if "image" in kept:
        kept["image"] = Path(kept["image"]).name
    return kept


def _key(run: Measured) -> str:
    return json.dumps([run.workload, run.method, run.tolerance], sort_keys=True)
