# SPDX-License-Identifier: LGPL-3.0-or-later
"""Settings searched once per workload and integrator, and kept with the record of the search."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import osteofield
from osteofield.cbuild import cache_folder

from . import process
from .method import Method
from .search import Search, text
from .worker import Report

Log = Callable[[str], None]
Runner = Callable[[dict[str, Any], str, dict[str, Any]], Report]
"""``run(workload, reference, settings)``: one run of a method."""


def ensure_reference(request: dict[str, Any]) -> str:
    """Path of the reference of a workload, computed in a process of its own where it is not there."""
    report = process.start({"workload": request, "reference": True})
    assert report.facts is not None
    return str(report.facts["path"])


def tuned(
    method: Method,
    request: dict[str, Any],
    coarse: dict[str, Any],
    log: Log = print,
    *,
    renew: bool = False,
    run: Runner | None = None,
) -> dict[str, Any]:
    """The settings of a method for a workload: all are searched on a coarse mesh, then those that depend
    on the size, and the tolerance, on the mesh itself.

    Args:
        method: What is tuned.
        request: The workload.
        coarse: The same on a coarser mesh, or `request`.
        log: Receives the record of the search.
        renew: Search again where a record is kept.
        run: Runs the method on the mesh itself otherwise than by one worker.
    """
    path = _record(method, request, coarse)
    if path.exists() and not renew:
        kept = json.loads(path.read_text())
        log(f"{method.title}: settings searched earlier on this machine ({path.name})")
        for line in kept["log"]:
            log(line)
        log(f"  chosen: {text(kept['settings'])}")
        return dict(kept["settings"])
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        log(line)

    log(f"{method.title}: searching its settings")
    settings = method.first
    stages = [(coarse, tuple(method.space))]
    if coarse != request:
        stages.append((request, method.scaling))
    for where, keys in stages:
        reference = ensure_reference(where)

        def trial(chosen: dict[str, Any], limit: float) -> Report:
            if run is not None and where is request:  # noqa: B023
                return run(request, reference, chosen)  # noqa: B023
            asked = {"workload": where, "path": reference, "method": method.name, "settings": chosen}  # noqa: B023
            return process.start(asked, limit)

        note(f"  on {text(where)}:")
        settings = Search(method, trial, note).run(settings, keys)
    log(f"  chosen: {text(settings)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"settings": settings, "log": lines}, indent=1))
    return settings


def _record(method: Method, request: dict[str, Any], coarse: dict[str, Any]) -> Path:
    about = json.dumps([request, coarse, {k: list(v) for k, v in method.space.items()}], sort_keys=True)
    if method.name == "ours":  # what it needs for an error changes with its code
        for file in sorted((Path(osteofield.__file__).parent / "integrator").glob("*.[cp]*")):
            about += hashlib.sha256(file.read_bytes()).hexdigest()
    key = hashlib.sha256(about.encode()).hexdigest()[:12]
    return cache_folder() / "benchmarks" / f"settings-{method.name}-{key}.json"
