# SPDX-License-Identifier: LGPL-3.0-or-later
"""The scalar stiffness of a level in the form in which cycles and rates go through it."""

from __future__ import annotations

import numpy as np

from ..compiled import Record
from .blocks import STRETCH, Blocks
from .halo import LocalMatrix
from .sparse import passes


class Stiffness:
    """Off-diagonal entries in single precision, in pairs, with short steps for columns where they fit.

    K is rounded once and acts on differences between rows: what leaves one node arrives at the other, and a
    constant field is at rest exactly.

    Args:
        matrix: Owned rows; their columns ascend.
        compiled: Whose functions go through it.

    Attributes:
        rows, edge: Owned rows, and the first without a ghost beside it.
        start, middle: int32 (rows + 1,) and (rows,); entries of row i before its diagonal are from start[i]
            to middle[i], those after it from there to start[i + 1]. Either are even in number.
        column, value: int32 and float32 of every entry; one of zero makes a number even.
        diagonal: (rows,) float32.
        near, far: int32, of every `STRETCH` rows the least column of these and all after them, and the
            largest own one of these and all before.
        record: All this for the compiled functions.
    """

    def __init__(self, matrix: LocalMatrix, compiled: Blocks):
        c, n = passes(), matrix.rows
        self.rows, self.edge = n, matrix.edge
        lower, upper, diagonal = matrix.split()
        self.diagonal = diagonal.astype(np.float32)
        before, after = lower - matrix.indptr[:-1], matrix.indptr[1:] - upper
        before += before % 2
        self.start = np.zeros(n + 1, np.int32)
        np.cumsum(before + after + after % 2, out=self.start[1:])
        self.middle = self.start[:-1] + before
        entries = int(self.start[-1])
        self.column, self.value = np.zeros(entries, np.int32), np.zeros(entries, np.float32)
        step = np.zeros(entries, np.int16)
        fits = c.paired(
            n, self.edge, matrix.indptr, lower, upper, matrix.indices, matrix.values,
            self.start, self.middle, self.column, step, self.value,
        )  # fmt: skip
        self.near, self.far = (np.zeros(-(-n // STRETCH), np.int32) for _ in range(2))
        c.extents(n, STRETCH, self.start, self.column, self.near, self.far)
        self.record: Record = compiled.record(
            "stiffness", rows=n, edge=self.edge, start=self.start, middle=self.middle, column=self.column,
            step=step if fits else None, value=self.value, near=self.near, far=self.far,
        )  # fmt: skip
