# SPDX-License-Identifier: LGPL-3.0-or-later
"""Newton's correction at points, compiled for one model: rates, Jacobian and elimination in one go."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cbuild import lanes, load
from ..compiled import BUFFER
from .elimination import Couplings
from .pattern import Pattern
from .pointcode import Writer
from .problem import Points

LARGEST = 2000  # multiplications of an elimination that are written out; larger ones take long to compile
FLAGS = ("-fno-tree-vectorize", "-ffp-contract=fast", "-Wno-psabi", "-fno-lto")


class Pointwise:
    """Two passes over the points of one kind, in which nothing but states and node blocks is kept.

    The equation of a point is (c I - J) e = f + d, with the rates f and their Jacobian J at the state. The
    first pass eliminates the local unknowns and leaves the node blocks and right sides of the diffusing
    ones. The second, once those are known, does the same again, which costs less than to keep the factors,
    and substitutes back.

    Args:
        points: Their kernel has a `frame`.
        pattern: How to eliminate.
        marrow_width: Unknowns of a marrow row.
    """

    def __init__(self, points: Points, pattern: Pattern, marrow_width: int):
        self._points, self._unknowns = points, pattern.unknowns
        self._of_pair = pattern.pairs()[1]
        source = Writer(pattern, marrow_width).fill(points.kernel.frame)
        begin = source.index("void newton(")
        declaration = source[begin : source.index(")", begin) + 1] + ";"
        self._ffi, library = load(lanes() + source, declaration, extra=FLAGS)
        self._call = library.newton

    @staticmethod
    def possible(points: Points, pattern: Pattern) -> bool:
        """Whether the kernel shows its formulas, and their elimination is not too long to be written out."""
        length = sum(len(p.below) * len(p.right) for p in pattern.pivots)
        return bool(getattr(points.kernel, "frame", "")) and length <= LARGEST

    def eliminate(
        self,
        state: tuple[Any, ...],
        c: float,
        volumes: np.ndarray,
        slopes: tuple[np.ndarray, np.ndarray],
        right: tuple[np.ndarray, np.ndarray] | None,
        single: np.ndarray,
        whole: np.ndarray | None,
        found: Couplings,
    ) -> int:
        """The first pass.

        Args:
            state: Time, state and the like, as the kernel takes them.
            c: 1/day.
            volumes: (rows,) of all marrow rows.
            slopes: Marrow and surface part of d.
            right: (rows, nd) right sides times volume, and states, of what diffuses; None leaves them out.
            single: (rows, nd^2) float32 node blocks times volume, column major.
            whole: The same in double precision, or None.
            found: Grows by what these points have.

        Returns:
            Points whose local unknowns could not be eliminated.
        """
        total, strongest, bad = (
            np.zeros(found.total.size),
            np.zeros(len(self._of_pair)),
            np.zeros(1, np.int64),
        )
        b, known = right or (None, None)
        pairs = strongest if found.pairs else None
        self._run(state, c, volumes, slopes, b, known, single, whole, total, pairs, bad, None, None, None)
        found.add(total, self._of_pair, strongest)
        return int(bad[0])

    def finish(
        self,
        state: tuple[Any, ...],
        c: float,
        volumes: np.ndarray,
        slopes: tuple[np.ndarray, np.ndarray],
        solved: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The second pass: adds the correction e to the state.

        Args:
            state, c, volumes, slopes: As before.
            solved: (rows, nd), e of the diffusing unknowns.

        Returns:
            (unknowns,) integral of f + J e; (4, unknowns) integrals of the squares of the new state and of e,
            its smallest values, its largest sizes.
        """
        flows, extent = np.zeros(self._unknowns), np.zeros((4, self._unknowns))
        self._run(state, c, volumes, slopes, None, None, None, None, None, None, None, solved, flows, extent)
        return flows, extent

    def _run(self, state: tuple[Any, ...], c: float, volumes: np.ndarray, slopes: Any, *rest: Any) -> None:
        ffi, kinds = self._ffi, {"d": "double[]", "f": "float[]", "l": "long[]"}
        self._call(
            *self._points.kernel.arguments(*state),
            c,
            *(
                ffi.NULL if a is None else BUFFER(kinds[a.dtype.char], a)
                for a in (volumes, self._points.weight, *slopes, *rest)
            ),
        )
