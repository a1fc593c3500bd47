# SPDX-License-Identifier: LGPL-3.0-or-later
"""``run.json``: what ran, with which versions, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from .atomic import replace_file

NAME = "run.json"
KIND = "osteofield results"
FORMAT = 1


def read_record(folder: Path) -> dict[str, Any] | None:
    """Read ``run.json`` of a results folder.

    Returns:
        None if there is none or it is not osteofield's.
    """
    try:
        record = json.loads((folder / NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("kind") == KIND else None


class Record:
    """Facts of a run, replaced on disk as a whole at every change.

    A resumed run adds an entry to ``sessions`` and leaves those of the earlier ones.

    Args:
        folder: The results folder.
        case: ``{"name": ..., "hash": ...}``.
        previous: The record of the run that is resumed.
    """

    def __init__(self, folder: Path, case: Mapping[str, Any], previous: Mapping[str, Any] | None = None):
        self.path = folder / NAME
        earlier = list(previous.get("sessions", [])) if previous else []
        self.facts: dict[str, Any] = dict(previous or {})
        self._session: dict[str, Any] = {"started": _now(), "status": "starting"}
        self.facts |= {"kind": KIND, "format": FORMAT, "case": dict(case), "status": "starting"}
        self.facts["sessions"] = [*earlier, self._session]
        for key in ("reason", "ended"):
            self.facts.pop(key, None)
        self.save()

    def begin(self, facts: Mapping[str, Any]) -> None:
        """The computation starts: versions, hashes, ranks, units, mesh, roles."""
        self.facts |= {**facts, "status": "running"}
        self._session |= {k: facts[k] for k in ("versions", "ranks") if k in facts} | {"status": "running"}
        self.save()

    def end(self, facts: Mapping[str, Any]) -> None:
        """It is over: status, reason, step counts, timings."""
        ended = {"status": "done", **facts, "ended": _now()}
        self.facts |= ended
        self._session |= ended
        self.save()

    def save(self) -> None:
        """Write the file.

        Raises:
            OSError: It cannot be written; the old one stays.
        """
        replace_file(self.path, json.dumps(self.facts, indent=1, default=_plain) + "\n")


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays, and paths, as JSON."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no place in {NAME}")


def require_record(folder: Path) -> dict[str, Any]:
    """Read ``run.json`` of a folder that must hold results.

    Raises:
        InputError: There is no such folder, or it is not a results folder.
    """
    if folder.exists() and not folder.is_dir():
        message = "this is a file, but a results folder is needed; by default it is 'results/CASE'."
        raise InputError(Problem(message, folder))
    if not folder.is_dir():
        message = "there is no such folder; results are in 'results/CASE' by default"
        raise InputError(Problem(f"{message}{_found(folder.parent)}", folder))
    record = read_record(folder)
    if record is None:
        message = f"this is not a results folder of osteofield: it has no valid {NAME}"
        raise InputError(Problem(f"{message}{_found(folder)}", folder))
    return record


def _found(folder: Path, most: int = 5) -> str:
    """End of a sentence that names results in a folder, if there are any."""
    inner = sorted(str(f.parent) for f in folder.glob(f"*/{NAME}")) if folder.is_dir() else []
    if not inner:
        return "."
    return f"; there are results in {', '.join(inner[:most])}{', ...' if len(inner) > most else ''}."
