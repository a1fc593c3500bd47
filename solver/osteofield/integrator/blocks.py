# SPDX-License-Identifier: LGPL-3.0-or-later
"""Compiled linear algebra for one size of network: numpy arrays in, C underneath."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from ..cbuild import lanes
from ..compiled import BUFFER, NEW, Compiled
from .pattern import CANCELLED
from .sparse import WEIGHTS

_SOURCES = ("rows", "points", "krylov", "states", "levels", "cycle")
STRETCH = 64  # rows between which a cycle looks what has all its neighbours


class Blocks(Compiled):
    """The functions of the C sources here for `nd` diffusing, `nm` marrow and `ns` surface populations."""

    def __init__(self, nd: int, nm: int, ns: int):
        folder = resources.files(__package__)
        source = "\n".join(folder.joinpath(f"{name}.c").read_text() for name in _SOURCES)
        header = f"#define ND {nd}\n#define NM {nm}\n#define NS {ns}\n#define WEIGHTS {WEIGHTS}\n"
        header += f"#define CANCELLED {CANCELLED}\n#define STRETCH {STRETCH}\n"
        self.nd, self.nm, self.ns = nd, nm, ns
        super().__init__(source, lanes() + header)

    def linear(self, coefficients: list[float], vectors: list[np.ndarray], out: np.ndarray) -> None:
        """``out = sum_j c_j x_j`` over flat float64 arrays; `out` may be one of them."""
        used = [(float(c), x) for c, x in zip(coefficients, vectors, strict=True) if c != 0.0]
        values = NEW("double[]", [c for c, _ in used])
        pointers, _kept = _pointers([x for _, x in used])
        self._lib.linear(out.size, len(used), values, pointers, BUFFER("double[]", out))

    def linear2(
        self,
        first: list[float],
        second: list[float],
        vectors: list[np.ndarray],
        out: np.ndarray,
        other: np.ndarray,
    ) -> None:
        """``out = sum_j first_j x_j`` and ``other = sum_j second_j x_j`` in one pass."""
        c, d = (NEW("double[]", [float(v) for v in values]) for values in (first, second))
        o, q = (BUFFER("double[]", a) for a in (out, other))
        pointers, _kept = _pointers(vectors)
        self._lib.linear2(out.size, len(vectors), c, d, pointers, o, q)

    def gaps(
        self,
        weight: np.ndarray,
        first: list[float],
        second: list[float],
        vectors: list[np.ndarray],
        out: np.ndarray,
    ) -> None:
        """``out`` (2 w,) grows by the weighted squares of two combinations, column by column."""
        c, d = (NEW("double[]", [float(v) for v in values]) for values in (first, second))
        m, o = (BUFFER("double[]", a) for a in (weight, out))
        pointers, _kept = _pointers(vectors)
        self._lib.gaps(len(weight), out.size // 2, m, len(vectors), c, d, pointers, o)


def _pointers(vectors: list[np.ndarray]) -> tuple[Any, list[Any]]:
    """A C array of float64 vectors, and what must live as long as it."""
    buffers = [BUFFER("double[]", x) for x in vectors]
    return NEW("const double *[]", buffers), buffers


def padded_rows(rows: int, width: int) -> np.ndarray:
    """Zeros (rows, width) float32 with the spare numbers behind them that vector loads may touch."""
    return np.zeros(rows * width + 32, np.float32)[: rows * width].reshape(rows, width)


def aligned(count: int) -> np.ndarray:
    """Zeros (count,) float64 that begin where a vector register may be read whole."""
    line = 64
    memory = np.zeros(8 * count + line, np.uint8)
    first = -memory.ctypes.data % line
    return memory[first : first + 8 * count].view(np.float64)


@lru_cache(16)
def blocks(nd: int, nm: int, ns: int) -> Blocks:
    """The compiled functions of that size, compiled at most once per process."""
    return Blocks(nd, nm, ns)
