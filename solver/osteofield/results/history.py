# SPDX-License-Identifier: LGPL-3.0-or-later
"""The history table ``history.csv``: one row per output time, header ``name [unit]``."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, Problem
from .atomic import replace_file


def table_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table as CSV; all rows have the keys of the first."""
    if not rows:
        return ""
    lines = [_line(list(rows[0]))]
    lines += [_line([v if isinstance(v, str) else _number(v) for v in r.values()]) for r in rows]
    return "".join(lines)


class HistoryWriter:
    """Appends rows, each on disk when `write` returns; numbers read back exactly as they were."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.columns: list[str] | None = None
        self._fd: int | None = None

    def reopen(self, keep: int) -> int:
        """Continue a table with its first `keep` rows, later ones dropped; how many of them there were."""
        try:
            header, *rows = _rows(self.path)
        except OSError:
            return 0
        if not header:
            return 0
        self.columns = header
        kept = [r for r in rows if len(r) == len(header)][:keep]
        replace_file(self.path, "".join(_line(r) for r in [header, *kept]))
        return len(kept)

    def write(self, row: Mapping[str, float]) -> None:
        """Append one row.

        Args:
            row: Header to value, in order; the same headers in every row.
        """
        if self.columns is None:
            self.columns = list(row)
            replace_file(self.path, _line(self.columns))
        elif list(row) != self.columns:
            odd = sorted(set(row) ^ set(self.columns)) or "their order"
            raise ValueError(f"this row of {self.path.name} does not have the columns of the first: {odd}")
        if self._fd is None:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        end = os.fstat(self._fd).st_size
        line = _line([_number(v) for v in row.values()]).encode()
        try:
            while line:
                line = line[os.write(self._fd, line) :]
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, end)  # no part of a row
            raise

    def close(self) -> None:
        """Nothing more will be written."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _line(cells: list[str]) -> str:
    return ",".join(f'"{c}"' if "," in c else c for c in cells) + "\n"


def _number(value: float) -> str:
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _rows(path: Path) -> list[list[str]]:
    """Header and rows; a last line without its end was cut short by a killed run and does not count."""
    with open(path, newline="", encoding="utf-8") as f:
        text = f.read()
    return list(csv.reader(text[: text.rfind("\n") + 1].splitlines())) or [[]]


def read_history(path: Path) -> dict[str, np.ndarray]:
    """Read a history table.

    Args:
        path: ``history.csv``. A last line cut short by a killed run is left out.

    Returns:
        Header to ``(n,)`` values, in the order of the columns.

    Raises:
        InputError: The file is missing or is no table of numbers.
    """
    try:
        header, *rows = _rows(path)
    except OSError as e:
        raise InputError(Problem(f"the history cannot be read: {e.strerror}.", path)) from None
    table = []
    for number, row in enumerate(rows, 2):
        try:
            if len(row) != len(header):
                raise ValueError
            table.append([float(c) for c in row])
        except ValueError:
            message = f"this is not a row of {len(header)} numbers."
            raise InputError(Problem(message, path, number)) from None
    values = np.array(table, dtype=float).reshape(len(table), len(header))
    return {name: values[:, i] for i, name in enumerate(header)}
