# SPDX-License-Identifier: LGPL-3.0-or-later
"""The results folder of a run: prepared so that nothing is lost, then filled as the run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, Problem
from . import lock, record
from .atomic import replace_file
from .checkpoint import Checkpoint, read_newest, write_checkpoint
from .history import HistoryWriter
from .lock import FolderLock
from .log import Log
from .record import Record, read_record
from .xdmf import XdmfSeries

if TYPE_CHECKING:
    from ..simulation.writer import Frame, MeshData

CHECKPOINTS = "checkpoints"
PICTURES = "pictures"
HISTORY = "history.csv"
RESOLVED = "case.resolved.toml"
LOG = "log.txt"
SERIES = ("marrow", "surface")

# what --overwrite may remove: names osteofield gives, and inside the folders only these endings
_OWN_FILES = {
    lock.NAME, record.NAME, HISTORY, RESOLVED, LOG, "report.html", "arms.csv",
    *(f"{name}.{ending}" for name in (*SERIES, "bone") for ending in ("xdmf", "h5")),
}  # fmt: skip
_OWN_FOLDERS = {CHECKPOINTS: (".h5", ".tmp"), PICTURES: (".png",)}


def prepare(
    directory: str | Path,
    case_name: str,
    case_hash: str,
    overwrite: bool = False,
    resume: bool = False,
    *,
    log_level: str = "info",
    screen: bool = True,
) -> ResultsFolder:
    """Make a folder ready for a run and lock it.

    Results of the same case (by name) that are there already are moved aside to ``DIR.1``,
    ``DIR.2``, ... Nothing else is ever moved or removed.

    Args:
        directory: The results folder; made, with its parents, if missing.
        case_name: Name of the case.
        case_hash: Hash of everything that a resumed run must share with the one it goes on from.
        overwrite: Remove the old results of this case instead of moving them.
        resume: Go on from the newest intact checkpoint.
        log_level: Lowest level of messages shown on the screen.
        screen: Whether messages are shown on the screen at all.

    Raises:
        InputError: The folder holds another case's results or files that are not osteofield's,
            another run is writing to it, it cannot be written, or there is nothing to resume.
    """
    directory = Path(directory)
    case = {"name": case_name, "hash": case_hash}
    try:
        refuse(directory, case_name)
        if resume and not directory.is_dir():
            raise InputError(Problem("there is no such folder, so there is nothing to resume.", directory))
        old = _look(directory, case_name) if directory.is_dir() else None
        if resume:
            return _resumed(directory, case, old, log_level, screen)
        moved = None
        if old is not None:
            moved = clear(directory, overwrite)
        directory.mkdir(parents=True, exist_ok=True)
        results = ResultsFolder(directory, case, log_level=log_level, screen=screen)
    except OSError as e:
        raise InputError(Problem(f"the results cannot be written here: {e.strerror}.", directory)) from None
    if moved is not None:
        results.log.info(f"The earlier results of {case_name} were moved to {moved}.")
    return results


def clear(directory: Path, overwrite: bool) -> Path | None:
    """Remove the results in a folder, or move it aside and return where to."""
    held = FolderLock(directory)
    try:
        if overwrite:
            _remove(directory)
            return None
        moved = _move_aside(directory)
        (moved / lock.NAME).unlink()
        return moved
    finally:
        held.release()


def refuse(directory: str | Path, case_name: str, resume: bool = False) -> None:
    """Raise what `prepare` would raise about a folder's content, without touching it.

    Raises:
        InputError: The folder holds another case's results or foreign files, or nothing to resume.
    """
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise InputError(Problem("this is a file; results need a folder: choose one with -o.", directory))
    old = _look(directory, case_name) if directory.is_dir() else None
    if resume and old is None:
        raise InputError(Problem("this folder holds no results, so there is nothing to resume.", directory))


def _look(directory: Path, case_name: str) -> dict[str, Any] | None:
    """The record of earlier results of this case, None for an empty folder; refuse all else."""
    found = read_record(directory)
    if found is None:
        foreign = sorted(p.name for p in directory.iterdir() if p.name != lock.NAME)
        if not foreign:
            return None
        shown = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        message = (
            f"this folder holds files that are not results of osteofield ({shown}), so nothing was touched; "
            "choose an empty or new folder with -o."
        )
        raise InputError(Problem(message, directory))
    other = found.get("case", {})
    if other.get("name") != case_name:
        message = (
            f"this folder holds the results of another case, {other.get('name')!r} "
            f"(hash {str(other.get('hash'))[:12]}), not of {case_name!r}; "
            "choose another folder with -o, or remove this one."
        )
        raise InputError(Problem(message, directory))
    return found


def _resumed(
    directory: Path, case: dict[str, str], old: dict[str, Any] | None, log_level: str, screen: bool
) -> ResultsFolder:
    if old is None:
        raise InputError(Problem("this folder holds no results, so there is nothing to resume.", directory))
    if old["case"].get("hash") != case["hash"]:
        message = (
            f"the checkpoint belongs to another state of case {case['name']!r} (hash "
            f"{str(old['case'].get('hash'))[:12]}, now {case['hash'][:12]}); a run is resumed with the very "
            f"case it was started with, kept in {RESOLVED}. Without --resume it starts afresh."
        )
        raise InputError(Problem(message, directory))
    passed_over: list[str] = []
    found = read_newest(directory / CHECKPOINTS, passed_over.append)
    if found is None:
        why = "".join(f" {m}" for m in passed_over) or " The run ended before its first one."
        message = f"there is no checkpoint to resume from.{why} Without --resume the case starts afresh."
        raise InputError(Problem(message, directory))
    results = ResultsFolder(
        directory, case, resume_from=found, previous=old, log_level=log_level, screen=screen
    )
    for message in passed_over:
        results.log.warning(message)
    results.log.info(f"Resuming at {found.time:g} day from {found.path}.")
    return results


def _move_aside(directory: Path) -> Path:
    n = 1
    while (aside := directory.with_name(f"{directory.name}.{n}")).exists():
        n += 1
    return directory.rename(aside)


def _foreign(directory: Path) -> list[Path]:
    """What osteofield did not write into a results folder, the folders of its arms included."""
    foreign = []
    arms = (read_record(directory) or {}).get("arms", ())
    for path in directory.iterdir():
        if path.name in arms and path.is_dir() and not path.is_symlink():
            foreign += _foreign(path)
        elif path.name in _OWN_FOLDERS and path.is_dir() and not path.is_symlink():
            endings = _OWN_FOLDERS[path.name]
            foreign += [p for p in path.iterdir() if p.is_dir() or p.suffix not in endings]
        elif path.name not in _OWN_FILES and not (path.name.startswith(".") and path.suffix == ".tmp"):
            foreign.append(path)
    return foreign


def _remove(directory: Path) -> None:
    foreign = _foreign(directory)
    if foreign:
        names = ", ".join(sorted(str(p.relative_to(directory)) for p in foreign)[:5])
        message = (
            f"besides results this folder holds {names}, so it was not overwritten; move that elsewhere, "
            "or run without --overwrite to have the whole folder moved aside."
        )
        raise InputError(Problem(message, directory))
    # run.json last: a folder half removed is still known as results
    for path in sorted(directory.iterdir(), key=lambda p: p.name == record.NAME):
        if path.name == lock.NAME:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


class ResultsFolder:
    """Implements `simulation.writer.Writer` on a folder made ready by `prepare`.

    Attributes:
        path: The folder.
        log: The run's log.
        resume_from: The checkpoint to go on from, or None for a run from the start.
    """

    def __init__(
        self,
        path: Path,
        case: Mapping[str, str],
        *,
        resume_from: Checkpoint | None = None,
        previous: Mapping[str, Any] | None = None,
        log_level: str = "info",
        screen: bool = True,
    ):
        self.path = path
        self.resume_from = resume_from
        self._lock = FolderLock(path)
        self._record = Record(path, case, previous)
        self.log = Log(path / LOG, level=log_level) if screen else Log(path / LOG, None)
        self._history = HistoryWriter(path / HISTORY)
        self._series: dict[str, XdmfSeries] = {}
        self._units: dict[str, str] = {}

    def begin(self, mesh: MeshData | None, units: Mapping[str, str], record: Mapping[str, Any]) -> None:
        """Start, or after a checkpoint go on: see `Writer.begin`.

        ``record["resolved"]`` becomes ``case.resolved.toml``, the rest goes into ``run.json``.
        """
        facts = {k: v for k, v in record.items() if k != "resolved"}
        if "case" in facts:  # prepare() has the name and hash that count
            facts["case"] = {**facts["case"], **self._record.facts["case"]}
        facts["units"] = dict(facts.get("units") or units)
        self._units = dict(units)
        if "resolved" in record:
            replace_file(self.path / RESOLVED, record["resolved"])
        if self.resume_from is not None:
            self._history.reopen(self.resume_from.time)
        if mesh is not None:
            filled = [name for name in SERIES if len(_geometry(mesh, name)[1])]  # a sample may have no bone
            self._series = {name: XdmfSeries(self.path, name) for name in filled}
            for name, series in self._series.items():
                if self.resume_from is not None and series.h5.exists():
                    series.reopen(self.resume_from.time)
                    series.set_mesh(*_geometry(mesh, name))
                else:
                    series.create(*_geometry(mesh, name))
        self._record.begin(facts)

    def frame(self, frame: Frame) -> None:
        """One output time: fields, then the history row, so that no row lacks its fields."""
        for name, series in self._series.items():
            if frame.mesh is not None:
                series.set_mesh(*_geometry(frame.mesh, name))
            series.write(frame.time, getattr(frame, name), self._units)
        self._history.write(frame.row)

    def checkpoint(self, time: float, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
        """Store what is needed to go on; the last two are kept."""
        write_checkpoint(self.path / CHECKPOINTS, time, arrays, facts)

    def end(self, record: Mapping[str, Any]) -> None:
        """The run is over; final facts for ``run.json``. The log stays open until `close`."""
        self._record.end(record)

    def close(self) -> None:
        """Close all files and let other runs in; harmless when done twice."""
        self._history.close()
        self.log.close()
        self._lock.release()

    def __enter__(self) -> ResultsFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and self._record.facts["status"] in ("starting", "running"):
            reason = str(error) or kind.__name__ if kind else ""
            self._record.end({"status": "stopped", "reason": reason})
        self.close()


def _geometry(mesh: MeshData, name: str) -> tuple[np.ndarray, np.ndarray]:
    return getattr(mesh, f"{name}_points"), getattr(mesh, f"{name}_cells")
