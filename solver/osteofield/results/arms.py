# SPDX-License-Identifier: LGPL-3.0-or-later
"""The folder of a comparison: one results folder per arm, and what they come to in one table."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import InputError, Problem
from . import earlier, names
from .atomic import replace_file
from .checkpoint import any_intact, read_newest
from .lock import FolderLock
from .log import Log
from .reader import Result, open_results
from .record import Record, read_record
from .shown import Shown

TABLE = "arms.csv"
SHORT = (
    "time [day]",
    "bone_loss [%]",
    "E.De.max [um]",
    "bacteria_total [CFU]",
)  # and the means of what is shown


class ArmsFolder:
    """A folder made ready for the arms of a case; the same case again moves it aside as a whole.

    Args:
        directory: The folder.
        case: ``{"name": ..., "hash": ...}`` of the whole case.
        resolved: The case with all defaults.
        arms: Names, in order.
        overwrite: Remove earlier results of this case instead of moving them.
        resume: Keep arms that are done and go on with the others.
        screen: Whether messages also go to the screen.

    Raises:
        InputError: The folder holds something else, or nothing that could be resumed.
    """

    def __init__(
        self, directory: Path, case: Mapping[str, str], resolved: str, arms: Sequence[str],
        *, overwrite: bool = False, resume: bool = False, screen: bool = True,
    ):  # fmt: skip
        self.path, self.arms = directory, tuple(arms)
        name = case["name"]
        earlier.refuse(directory, name)
        old = read_record(directory) if directory.is_dir() else None
        if resume and old is None:
            message = "this folder holds no results, so there is nothing to resume."
            raise InputError(Problem(message, directory))
        self.resumed = resume
        moved = None
        try:
            if resume:
                if old is None or "arms" not in old:
                    message = (
                        f"what is here is a single run of {name!r}, and the case has arms now; without "
                        "--resume they start afresh."
                    )
                    raise InputError(Problem(message, directory))
            elif old is not None:
                moved = earlier.clear(directory, overwrite)
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(directory)
            self._record = Record(directory, case, old if resume else None)
            replace_file(directory / names.RESOLVED, resolved)
        except OSError as e:
            raise InputError(
                Problem(f"the results cannot be written here: {e.strerror}.", directory)
            ) from None
        self.log = Log(directory / names.LOG) if screen else Log(directory / names.LOG, None)
        if moved is not None:
            self.log.info(f"The earlier results of {name} were moved to {moved}.")
        self._record.begin({"arms": list(self.arms)})

    def what_is_left(self, arm: str, resolved: str) -> Literal["nothing", "rest", "all"]:
        """Of an arm, after a resumption: nothing, what follows its checkpoint, or all of it.

        Args:
            arm: Its name.
            resolved: Its case now, which may have a later end than the one that is done.
        """
        old = begun(self.path / arm) if self.resumed else None
        if old is None:
            return "all"
        if old.done:
            return "nothing" if _end(old.identity["case"]) == _end(resolved) else "rest"
        return "rest" if any_intact(self.path / arm / names.CHECKPOINTS) else "all"

    def end(self, facts: Mapping[str, Any]) -> None:
        """All arms were tried."""
        self._record.end(facts)

    def __enter__(self) -> ArmsFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and self._record.facts["status"] in ("starting", "running"):
            self._record.end({"status": "stopped", "reason": str(error) or type(error).__name__})
        self.log.close()
        self._lock.release()


@dataclass(frozen=True)
class Begun:
    """What is known of an arm that was begun before.

    Attributes:
        identity: Its resolved case, and if it has an intact checkpoint hashes of all it depends on.
        time: How far it has come, day.
        done: Whether that was its end.
    """

    identity: Mapping[str, str]
    time: float
    done: bool


def begun(path: Path) -> Begun | None:
    """The arm in a folder; None if it was not begun, or has left nothing to go on from."""
    record = read_record(path)
    if record is None:
        return None
    done = record.get("status") == "done"
    checkpoint = read_newest(path / names.CHECKPOINTS)
    if checkpoint is not None:
        checkpoint.arrays.close()
        return Begun(checkpoint.facts["identity"], checkpoint.time, done)
    try:
        text = (path / names.RESOLVED).read_text(encoding="utf-8")
    except OSError:
        return None
    return Begun({"case": text}, float(record.get("time", 0.0)), True) if done else None


def _end(resolved: str) -> Any:
    return tomllib.loads(resolved)["time"]["end"]


def compare(directory: Path) -> str:
    """Write ``arms.csv``, one row per arm at its last output time, and return a short table of it.

    Besides bone and bacteria the table has the means of every population that the model shows.
    """
    arms = {n: r for n, r in open_results(directory).arms.items() if len(r.times)}
    if not arms:
        return ""
    columns = list(dict.fromkeys(c for r in arms.values() for c in r.history))
    rows = {n: {c: float(r.history[c][-1]) for c in r.history} for n, r in arms.items()}
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["arm", "cleared [day]", *columns])
    for n, r in arms.items():
        cleared = r.record.get("cleared_at")
        values = [f"{rows[n][c]:.9g}" if c in rows[n] else "" for c in columns]
        out.writerow([n, "" if cleared is None else f"{cleared:.6g}", *values])
    replace_file(directory / TABLE, text.getvalue())
    return _screen_table(arms, rows, columns)


def _screen_table(
    arms: Mapping[str, Result], rows: Mapping[str, Mapping[str, float]], columns: Sequence[str]
) -> str:
    first = next(iter(arms.values()))
    shown = (first.record.get("roles") or {}).get("show", ())
    bacteria = set((first.record.get("roles") or {}).get("bacteria", ()))
    means = [c for n in shown for c in columns if c.startswith(f"{n}.mean ") and n not in bacteria]
    chosen = [
        c for c in dict.fromkeys((*SHORT, *means)) if c in columns and any(rows[n].get(c) for n in arms)
    ]
    shown_as = {n: Shown(r) for n, r in arms.items()}
    heads = Shown(first)
    table = [["arm", *(heads.header(c).replace(".mean", "") for c in chosen)]]
    table += [[n, *(shown_as[n].text(c, rows[n].get(c, np.nan)) for c in chosen)] for n in arms]
    widths = [max(len(r[k]) for r in table) for k in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [c.rjust(w) for c, w in zip(row, widths, strict=True)]
        cells[0] = row[0].ljust(widths[0])
        lines.append("  ".join(cells))
    return "\n".join(lines)
