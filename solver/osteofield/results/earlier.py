# SPDX-License-Identifier: LGPL-3.0-or-later
"""What lies in a results folder before a run: kept, moved aside or refused, and never lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from . import lock, record
from .lock import FolderLock
from .names import BUDGET, CHECKPOINTS, HISTORY, IMPLANT, LOG, PICTURES, REQUEST, RESOLVED, SERIES
from .record import read_record

# what --overwrite may remove: names osteofield gives, and inside the folders only these endings
_OWN_FILES = {
    lock.NAME, record.NAME, HISTORY, BUDGET, RESOLVED, LOG, REQUEST,
    "report.html", "resorption.py", "arms.csv",
    *(f"{name}.{ending}" for name in (*SERIES, IMPLANT, "bone") for ending in ("xdmf", "h5", "damaged.h5")),
}  # fmt: skip
_OWN_FOLDERS = {CHECKPOINTS: (".h5", ".tmp"), PICTURES: (".png", ".gif", ".mp4")}


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
        look(directory, case_name)
        lock.refuse_if_held(directory)
    # an old folder is moved aside or filled: both need the right to write
    parent = next(p for p in (directory, *directory.absolute().parents) if p.is_dir())
    if not os.access(parent, os.W_OK | os.X_OK):
        message = "the results cannot be written here: no permission, or a read-only file system."
        raise InputError(Problem(message, directory))


def look(directory: Path, case_name: str) -> dict[str, Any] | None:
    """The record of earlier results of this case, None for an empty folder; refuse all else.

    Raises:
        InputError: It holds another case's results or files that are not osteofield's.
    """
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
