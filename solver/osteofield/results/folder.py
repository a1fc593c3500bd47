# SPDX-License-Identifier: LGPL-3.0-or-later
"""The results folder of a run: prepared so that nothing is lost, then filled as the run goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, Problem
from . import lock, record
from .atomic import replace_file
from .checkpoint import Checkpoint, CheckpointSink, read_newest
from .extents import Extents
from .history import HistoryWriter, table_text
from .lock import FolderLock
from .log import Log
from .record import Record, read_record, require_record
from .xdmf import CELLS, POINTS, StepSink, XdmfSeries

if TYPE_CHECKING:
    from ..simulation.writer import ArraySpec, Sink

CHECKPOINTS = "checkpoints"
REQUEST = "checkpoint"  # `touch DIR/checkpoint` asks a running job for one
PICTURES = "pictures"
HISTORY = "history.csv"
BUDGET = "budget.csv"
RESOLVED = "case.resolved.toml"
LOG = "log.txt"
SERIES = ("marrow", "surface")
IMPLANT, AT_MARROW = "implant", "at_marrow"

# what --overwrite may remove: names osteofield gives, and inside the folders only these endings
_OWN_FILES = {
    lock.NAME, record.NAME, HISTORY, BUDGET, RESOLVED, LOG, REQUEST,
    "report.html", "resorption.py", "arms.csv",
    *(f"{name}.{ending}" for name in (*SERIES, IMPLANT, "bone") for ending in ("xdmf", "h5", "damaged.h5")),
}  # fmt: skip
_OWN_FOLDERS = {CHECKPOINTS: (".h5", ".tmp"), PICTURES: (".png", ".gif", ".mp4")}


def prepare(
    directory: str | Path,
    case_name: str,
    case_hash: str,
    overwrite: bool = False,
    **options: Any,
) -> ResultsFolder:
    """Make a folder ready for a run from the start and lock it.

    Results of the same case (by name) that are there already are moved aside to ``DIR.1``,
    ``DIR.2``, ... Nothing else is ever moved or removed.

    Args:
        directory: The results folder; made, with its parents, if missing.
        case_name: Name of the case.
        case_hash: Hash of case and model, for ``run.json``.
        overwrite: Remove the old results of this case instead of moving them.
        options: See `ResultsFolder`.

    Raises:
        InputError: The folder holds another case's results or files that are not osteofield's,
            another run is writing to it, or it cannot be written.
    """
    directory = Path(directory)
    moved = None
    try:
        refuse(directory, case_name)
        if directory.is_dir() and _look(directory, case_name) is not None:
            moved = clear(directory, overwrite)
        directory.mkdir(parents=True, exist_ok=True)
        results = ResultsFolder(directory, {"name": case_name, "hash": case_hash}, **options)
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


def refuse(directory: str | Path, case_name: str) -> None:
    """Raise what `prepare` would raise about a folder, without touching what it holds.

    Raises:
        InputError: It holds another case's results or foreign files, another run is writing to it, or
            nothing can be written there.
    """
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise InputError(Problem("this is a file; results need a folder: choose one with -o.", directory))
    if directory.is_dir():
        _look(directory, case_name)
        lock.refuse_if_held(directory)
    # an old folder is moved aside or filled: both need the right to write
    parent = next(p for p in (directory, *directory.absolute().parents) if p.is_dir())
    if not os.access(parent, os.W_OK | os.X_OK):
        message = "the results cannot be written here: no permission, or a read-only file system."
        raise InputError(Problem(message, directory))


def _look(directory: Path, case_name: str) -> dict[str, Any] | None:
    """The record of earlier results of this case, None for an empty folder; refuse all else."""
    found = read_record(directory)
    if found is None:
        # a run that was killed while it made the folder leaves its lock or half a file behind
        own = {lock.NAME, *(f".{name}.tmp" for name in _OWN_FILES)}
        foreign = sorted(p.name for p in directory.iterdir() if p.name not in own)
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


class ResumePoint:
    """The newest intact checkpoint of a folder, locked so that nobody writes there meanwhile.

    Attributes:
        path: The folder.
        checkpoint: What is there to go on from.
        passed_over: Sentences on checkpoints that are damaged.

    Raises:
        InputError: There is no such folder or no intact checkpoint in it, it is not this case's, another
            run is writing to it, or it cannot be written.
    """

    def __init__(self, directory: str | Path, case_name: str):
        self.path = path = Path(directory)
        if not path.is_dir():
            raise InputError(Problem("there is no such folder, so there is nothing to resume.", path))
        found = _look(path, case_name)
        if found is None:
            raise InputError(Problem("this folder holds no results, so there is nothing to resume.", path))
        self._previous = found
        try:
            self._lock = FolderLock(path)
        except OSError as e:
            raise InputError(Problem(f"the results cannot be written here: {e.strerror}.", path)) from None
        self.passed_over: list[str] = []
        checkpoint = read_newest(path / CHECKPOINTS, self.passed_over.append)
        if checkpoint is None:
            self._lock.release()
            why = "".join(f" {m}" for m in self.passed_over) or " The run ended before its first one."
            message = f"there is no checkpoint to resume from.{why} Without --resume the case starts afresh."
            raise InputError(Problem(message, path))
        self.checkpoint = checkpoint

    def open(self, case_hash: str, **options: Any) -> ResultsFolder:
        """The folder, to be continued; options: see `ResultsFolder`."""
        case = {"name": self._previous["case"]["name"], "hash": case_hash}
        try:
            results = ResultsFolder(
                self.path, case, resume_from=self.checkpoint, previous=self._previous, held=self._lock,
                **options,
            )  # fmt: skip
        except OSError as e:
            self.close()
            message = f"the results cannot be written here: {e.strerror}."
            raise InputError(Problem(message, self.path)) from None
        for message in self.passed_over:
            results.log.warning(message)
        results.log.info(f"Resuming at {self.checkpoint.time:g} day from {self.checkpoint.path}.")
        return results

    def close(self) -> None:
        """Nothing will be resumed: let others in."""
        self.checkpoint.arrays.close()
        self._lock.release()


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


def last_state(directory: str | Path) -> Checkpoint:
    """The newest intact checkpoint of a run that is over, to be read only.

    Raises:
        InputError: There is no such folder or no intact checkpoint in it, or the run is going on.
    """
    path = Path(directory)
    require_record(path)
    lock.refuse_if_held(path)
    passed_over: list[str] = []
    found = read_newest(path / CHECKPOINTS, passed_over.append)
    if found is None or passed_over:
        if found is not None:
            found.arrays.close()
        why = "".join(f" {m}" for m in passed_over)
        raise InputError(Problem(f"this run has left no intact checkpoint of its end.{why}", path))
    return found


class ResultsFolder:
    """Implements `simulation.writer.Writer` on a folder made ready by `prepare` or a `ResumePoint`.

    Args:
        path: The folder.
        case: Its name and hash, for ``run.json``.
        resume_from: The checkpoint to go on from.
        previous: The record of the run that is resumed.
        held: The lock, if it is held already.
        identity: What must not change between a checkpoint and the run that goes on from it, by name.
        keep: Number of checkpoints that are kept.
        log_level: Lowest level of messages shown on the screen.
        screen: Whether messages are shown on the screen at all.

    Attributes:
        log: The run's log.
    """

    def __init__(
        self,
        path: Path,
        case: Mapping[str, str],
        *,
        resume_from: Checkpoint | None = None,
        previous: Mapping[str, Any] | None = None,
        held: FolderLock | None = None,
        identity: Mapping[str, str] | None = None,
        keep: int = 2,
        log_level: str = "info",
        screen: bool = True,
    ):
        self.path, self.resume_from, self._previous = path, resume_from, previous
        self._identity, self._keep = dict(identity or {}), keep
        self._lock = held or FolderLock(path)
        try:
            self._record = Record(path, case, previous)
            self.log = Log(path / LOG, level=log_level) if screen else Log(path / LOG, None)
        except BaseException:
            self._lock.release()
            raise
        self._history = HistoryWriter(path / HISTORY)
        self._series: dict[str, XdmfSeries] = {}
        self._units: dict[str, str] = {}

    # ---------------------------------------------------------------- begin
    def begin(self, units: Mapping[str, str], record: Mapping[str, Any], rows: int | None = None) -> bool:
        """Start, or go on after `rows` frames: see `Writer.begin`.

        ``record["resolved"]`` becomes ``case.resolved.toml``, ``record["implant"]`` ``implant.xdmf``, the
        rest goes into ``run.json``.
        """
        facts = {k: v for k, v in record.items() if k not in ("resolved", IMPLANT)}
        if "case" in facts:  # prepare() has the name and hash that count
            facts["case"] = {**facts["case"], **self._record.facts["case"]}
        facts["units"] = dict(facts.get("units") or units)
        self._units = dict(units)
        if "resolved" in record:
            replace_file(self.path / RESOLVED, record["resolved"])
        if IMPLANT in record and (rows is None or not (self.path / f"{IMPLANT}.h5").exists()):
            self._write_implant(record[IMPLANT])
        whole = rows is None or self._reopen(rows)
        self._record.begin(facts)
        return not whole

    def _write_implant(self, hull: Any) -> None:
        """The surface of an implant, once."""
        from ..simulation.writer import ArraySpec, write_arrays  # loaded by then; readers need no MPI

        arrays = {POINTS: hull.points, CELLS: hull.facets, AT_MARROW: hull.at_marrow.astype(float)}
        series = XdmfSeries(self.path, IMPLANT)
        series.create()
        write_arrays(series.write(0.0, {n: ArraySpec.of(a) for n, a in arrays.items()}, {}), arrays)

    def _reopen(self, rows: int) -> bool:
        """Cut off what came after a checkpoint; whether every series has its mesh."""
        found = self._history.reopen(rows)
        if found < rows:
            self.log.warning(
                f"{HISTORY} holds only {found} of the {rows} rows that were written before the checkpoint."
            )
        whole = True
        expected = (self._previous or {}).get("mesh", {})
        for name in SERIES:
            series = XdmfSeries(self.path, name)
            if not series.h5.exists() and not expected.get(f"{name}_nodes"):
                continue
            try:
                series.reopen(rows)
            except OSError as e:
                whole = False
                self.log.warning(f"the fields written so far cannot be continued: {e}. A new file is begun.")
                if series.h5.exists():
                    series.h5.replace(_free(series.h5.with_name(f"{name}.damaged.h5")))
                continue
            self._series[name] = series
            whole &= bool(series.steps) or not rows
        return whole

    # ---------------------------------------------------------------- on the way
    def frame(self, time: float, row: Mapping[str, float], arrays: Mapping[str, ArraySpec]) -> Sink:
        """One output time: fields, then the history row, so that no row lacks its fields."""
        steps: dict[str, StepSink] = {}
        try:
            for name in SERIES:
                own = {n[len(name) + 1 :]: s for n, s in arrays.items() if n.startswith(f"{name}/")}
                cells = arrays.get(f"{name}{CELLS}")
                if cells is not None and cells.shape[0]:  # a sample may have no bone
                    own |= {POINTS: arrays[f"{name}{POINTS}"], CELLS: cells}
                    if name not in self._series:
                        self._series[name] = XdmfSeries(self.path, name)
                        self._series[name].create()
                if name in self._series:
                    steps[name] = self._series[name].write(time, own, self._units)
            return _FrameSink(steps, lambda: self._history.write(row))
        except BaseException:
            for step in steps.values():
                step.abandon()
            raise

    def wants_checkpoint(self) -> bool:
        """Whether the user has asked for one: with a file of that name in the folder."""
        return (self.path / REQUEST).exists()

    def checkpoint(self, time: float, facts: Mapping[str, Any], arrays: Mapping[str, ArraySpec]) -> Sink:
        """What is needed to go on."""
        (self.path / REQUEST).unlink(missing_ok=True)
        known = {**facts, "identity": self._identity}
        return CheckpointSink(self.path / CHECKPOINTS, time, known, arrays, self._keep)

    def end(self, record: Mapping[str, Any]) -> None:
        """The run is over; final facts for ``run.json``. The log stays open until `close`."""
        if "budget" in record:
            replace_file(self.path / BUDGET, table_text(record["budget"]))
        self._record.end({k: v for k, v in record.items() if k != "budget"})

    def close(self) -> None:
        """Close all files and let other runs in; harmless when done twice."""
        if self.resume_from is not None:
            self.resume_from.arrays.close()
        self._history.close()
        self.log.close()
        self._lock.release()

    def __enter__(self) -> ResultsFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and self._record.facts["status"] in ("starting", "running"):
            reason = str(error) or (kind.__name__ if kind else "")
            with suppress(OSError):  # the disk may be full
                self._record.end({"status": "stopped", "reason": reason})
        self.close()


class _FrameSink:
    """The fields of one output time on their way into their series."""

    def __init__(self, steps: Mapping[str, StepSink], then: Callable[[], None]):
        self._steps, self._then = steps, then
        places = {
            f"{domain}{name}" if name in (POINTS, CELLS) else f"{domain}/{name}": place
            for domain, step in steps.items()
            for name, place in step.places.items()
        }
        self.extents = Extents(places)

    def block(self, name: str, start: int, rows: np.ndarray) -> None:
        domain, mark = next((d, m) for d in SERIES for m in "/." if name.startswith(f"{d}{m}"))
        if domain in self._steps:
            self._steps[domain].block(name[len(domain) + (mark == "/") :], start, rows)

    def commit(self) -> None:
        left = list(self._steps.values())
        try:
            while left:
                left.pop(0).commit()
        except BaseException:
            for step in left:
                step.abandon()
            raise
        self._then()

    def abandon(self) -> None:
        for step in self._steps.values():
            step.abandon()


def _free(path: Path) -> Path:
    """This name, or with the first number that makes it a new one."""
    n, free = 1, path
    while free.exists():
        n, free = n + 1, path.with_stem(f"{path.stem}.{n}")
    return free
