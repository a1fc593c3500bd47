# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a run can go on from: the newest intact checkpoint of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import InputError, Problem
from . import lock
from .checkpoint import Checkpoint, read_newest
from .earlier import look
from .folder import ResultsFolder
from .lock import FolderLock
from .names import CHECKPOINTS
from .record import require_record


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
        found = look(path, case_name)
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
