# SPDX-License-Identifier: LGPL-3.0-or-later
"""Settings searched once per workload and integrator, and kept with the record of the search."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import osteofield
from osteofield.cbuild import cache_folder

from . import process
from .method import Method
from .search import Search, Trial, text
from .worker import Report

Log = Callable[[str], None]
Runner = Callable[[dict[str, Any], str, dict[str, Any]], Report]
"""``run(workload, reference, settings)``: one run of a method."""


@dataclass(frozen=True)
class Meshes:
    """On which meshes of a workload settings are searched.

    Attributes:
        request: The workload.
        coarse: The same on a coarse mesh, where all settings of a peer are tried, or `request`.
        source: The same on a mesh between the two, from whose own search all settings but the tolerance
            are taken over; None: those that depend on the size are tried on the mesh of `request` itself.
    """

    request: dict[str, Any]
    coarse: dict[str, Any]
    source: dict[str, Any] | None = None


def ensure_reference(request: dict[str, Any]) -> str:
    """Path of the reference of a workload, computed in a process of its own where it is not there."""
    report = process.start({"workload": request, "reference": True})
    assert report.facts is not None
    return str(report.facts["path"])


def tuned(
    method: Method,
    meshes: Meshes,
    log: Log = print,
    *,
    renew: bool = False,
    run: Runner | None = None,
) -> dict[str, Any]:
    """The settings of a method for a workload, from the record of an earlier search where there is one.

    A record does for everyone who does not ask for settings from another mesh than it was made with.

    Args:
        method: What is tuned.
        meshes: Where.
        log: Receives the record of the search.
        renew: Search again where a record is kept.
        run: Runs the method on the mesh itself otherwise than by one worker.

    Raises:
        NoSettings: None were accurate enough.
    """
    path = _record(method, meshes.request)
    kept = json.loads(path.read_text("utf-8")) if path.exists() and not renew else None
    if kept is not None and meshes.source in (None, kept["source"]):
        log(f"{method.title}: settings searched earlier on this machine ({path.name})")
        for line in kept["log"]:
            log(line)
        log(f"  chosen: {text(kept['settings'])}")
        return dict(kept["settings"])
    lines: list[str] = []

    def note(line: str) -> None:
        lines.append(line)
        log(line)

    before = meshes.source or (meshes.coarse if meshes.coarse != meshes.request else None)
    if before is None:
        settings, keys = method.first, tuple(method.space)
    else:
        settings = tuned(method, Meshes(before, meshes.coarse), log, renew=renew)
        keys = () if meshes.source else method.scaling
        note(f"  all but the tolerance{' and what depends on the size' if keys else ''} from {text(before)}")
    log(f"{method.title}: searching its settings")
    note(f"  on {text(meshes.request)}:")
    with _trials(method, meshes.request, run) as trial:
        settings = Search(method, trial, note).run(settings, keys)
    log(f"  chosen: {text(settings)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"settings": settings, "source": meshes.source, "log": lines}, indent=1))
    return settings


@contextmanager
def _trials(method: Method, where: dict[str, Any], run: Runner | None) -> Iterator[Trial]:
    reference = ensure_reference(where)
    if run is not None:
        yield lambda chosen, limit: run(where, reference, chosen)
        return
    common = {"workload": where, "path": reference, "method": method.name}
    with closing(process.Server(common)) as server:
        yield lambda chosen, limit: server.start({**common, "settings": chosen}, limit)


def _record(method: Method, request: Mapping[str, Any]) -> Path:
    about = json.dumps([request, {k: list(v) for k, v in method.space.items()}], sort_keys=True)
    if method.name == "ours":  # what it needs for an error changes with its code
        for file in sorted((Path(osteofield.__file__).parent / "integrator").glob("*.[cp]*")):
            about += hashlib.sha256(file.read_bytes()).hexdigest()
    key = hashlib.sha256(about.encode()).hexdigest()[:12]
    return cache_folder() / "benchmarks" / f"settings-{method.name}-{key}.json"
