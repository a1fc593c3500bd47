# SPDX-License-Identifier: LGPL-3.0-or-later
"""The results folder of a run: prepared so that nothing is lost, then filled as the run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, Problem
from .atomic import replace_file
from .checkpoint import Checkpoint, CheckpointSink
from .earlier import clear, look, refuse
from .frame import FrameSink
from .history import HistoryWriter, table_text
from .lock import FolderLock
from .log import Log
from .names import AT_MARROW, BUDGET, CHECKPOINTS, HISTORY, IMPLANT, LOG, REQUEST, RESOLVED, SERIES
from .record import Record
from .xdmf import CELLS, POINTS, StepSink, XdmfSeries

if TYPE_CHECKING:
    from ..simulation.writer import ArraySpec, Sink


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
        if directory.is_dir() and look(directory, case_name) is not None:
            moved = clear(directory, overwrite)
        directory.mkdir(parents=True, exist_ok=True)
        results = ResultsFolder(directory, {"name": case_name, "hash": case_hash}, **options)
    except OSError as e:
        raise InputError(Problem(f"the results cannot be written here: {e.strerror}.", directory)) from None
    if moved is not None:
        results.log.info(f"The earlier results of {case_name} were moved to {moved}.")
    return results


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
            return FrameSink(steps, lambda: self._history.write(row))
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


def _free(path: Path) -> Path:
    """This name, or with the first number that makes it a new one."""
    n, free = 1, path
    while free.exists():
        n, free = n + 1, path.with_stem(f"{path.stem}.{n}")
    return free
