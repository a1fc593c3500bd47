# SPDX-License-Identifier: LGPL-3.0-or-later
"""Checkpoints: named arrays in global order and JSON facts, verified by checksum, the last two kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .atomic import sync_folder

FORMAT = 2
_NAME = re.compile(r"checkpoint_(\d{6})\.h5")


@dataclass(frozen=True)
class Checkpoint:
    """What was read back.

    Attributes:
        time: day.
        arrays: Name to array, in the same order on any number of ranks.
        facts: What the writer stored beside them.
        path: The file it came from.
    """

    time: float
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]
    path: Path


class DamagedCheckpoint(Exception):
    """A checkpoint file that cannot be trusted; the message says why."""


def write_checkpoint(
    folder: Path, time: float, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], *, keep: int = 2
) -> Path:
    """Write the next checkpoint of `folder`, then remove all but the newest `keep`.

    The file appears under its name only when it is complete and on disk.

    Returns:
        Path of the new file.

    Raises:
        OSError: The disk is full or the folder cannot be written; older checkpoints stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = _files(folder)
    number = int(_NAME.fullmatch(old[-1].name)[1]) + 1 if old else 1  # type: ignore[index]
    path = folder / f"checkpoint_{number:06d}.h5"
    temporary = folder / f".{path.name}.tmp"
    text = json.dumps(dict(facts), sort_keys=True)
    data = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    try:
        with h5py.File(temporary, "w") as f:
            f.attrs["format"] = FORMAT
            f.attrs["time"] = float(time)
            f.create_dataset("facts", data=text)
            group = f.create_group("arrays")
            for name, a in data.items():
                group.create_dataset(name, data=a)
            f.attrs["sha256"] = _digest(float(time), text, data)
        fd = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    for p in _files(folder)[:-keep]:
        p.unlink()
    return path


def read_newest(folder: Path, say: Callable[[str], None] = lambda message: None) -> Checkpoint | None:
    """Read the newest checkpoint that is intact.

    Args:
        folder: The ``checkpoints`` folder.
        say: Is told, in a sentence, of every damaged file that was passed over.

    Returns:
        None if there is no intact checkpoint.
    """
    for path in reversed(_files(folder)):
        try:
            return read_checkpoint(path)
        except DamagedCheckpoint as e:
            say(f"{path} is damaged ({e}) and is not used.")
    return None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and verify one checkpoint.

    Raises:
        DamagedCheckpoint: Not readable, incomplete, altered or of a format this version does not know.
    """
    try:
        with h5py.File(path, "r") as f:
            found = int(f.attrs["format"])
            if found != FORMAT:
                raise DamagedCheckpoint(f"it has format {found}, this version reads {FORMAT}")
            time = float(f.attrs["time"])
            text = f["facts"][()].decode()
            arrays: dict[str, np.ndarray] = {}
            f["arrays"].visititems(
                lambda name, x: arrays.__setitem__(name, x[()]) if isinstance(x, h5py.Dataset) else None
            )
            wanted = f.attrs["sha256"]
    except (OSError, KeyError, RuntimeError, ValueError, AttributeError, UnicodeDecodeError) as e:
        raise DamagedCheckpoint(f"it cannot be read: {str(e).splitlines()[0] if str(e) else e!r}") from None
    if _digest(time, text, arrays) != wanted:
        raise DamagedCheckpoint("its checksum does not match its content")
    return Checkpoint(time, arrays, json.loads(text), path)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if _NAME.fullmatch(p.name))


def _digest(time: float, facts: str, arrays: Mapping[str, np.ndarray]) -> str:
    h = hashlib.sha256(f"{time!r}\n{facts}\n".encode())
    for name in sorted(arrays):
        a = np.ascontiguousarray(arrays[name])
        h.update(f"{name} {a.dtype.str} {a.shape}\n".encode())
        h.update(a.data if a.size else b"")
    return h.hexdigest()
