# SPDX-License-Identifier: LGPL-3.0-or-later
"""Our preconditioner for peers: exact elimination at every node around one V-cycle of our hierarchy."""

from __future__ import annotations

import numpy as np

from osteofield.integrator.blocks import blocks, padded_rows
from osteofield.integrator.elimination import Couplings
from osteofield.integrator.elimination import Elimination as Local
from osteofield.integrator.hierarchy import Hierarchy
from osteofield.integrator.pattern import Pattern
from osteofield.integrator.stiffness import Stiffness

from .semidiscrete import Semidiscrete


class Elimination:
    """Approximate inverse of ``I - J / c`` for the whole state.

    Args:
        system: Whose Jacobian.
    """

    def __init__(self, system: Semidiscrete):
        p = system.problem
        self._system, nd = system, p.diffusing
        compiled = blocks(nd, p.marrow_width, p.surface_width)
        self._hierarchy = Hierarchy(p.local, Stiffness(p.local, compiled), p.diffusivity, compiled, p.comm)
        self._b, self._x = np.zeros((system.rows, nd)), np.zeros((system.rows, nd))
        self._single = padded_rows(system.rows, nd)
        self._c = 1.0
        self._parts = {}
        for kind, points in system.kinds:
            k, width = points.kernel, p.marrow_width + (p.surface_width if kind == "surface" else 0)
            self._parts[kind] = Local(Pattern(k.jac_rows, k.jac_cols, nd, width), points.node, compiled)

    def prepare(self, J: dict[str, np.ndarray], c: float) -> None:
        """Take a Jacobian of the reactions and the factor c.

        Raises:
            ArithmeticError: A block is singular.
        """
        self._c, bad, found = c, 0, Couplings(self._system.problem.diffusing)
        for kind, part in self._parts.items():
            part.J = J[kind]
            bad += part.factor(c, self._system.problem.volumes, self._hierarchy.operator, None, found)
        if bad or not self._hierarchy.set_blocks(found):
            raise ArithmeticError("a node block of the preconditioner is singular")

    def solve(self, r: np.ndarray, z: np.ndarray) -> None:
        """``z`` is about ``(I - J / c)^-1 r``."""
        s = self._system
        np.multiply(r, self._c, out=z)
        for part in self._parts.values():
            part.reduce(s.problem.volumes, s.marrow(z), s.surface(z), self._b)
        self._single[:] = self._b
        self._x[:] = self._hierarchy.cycle(self._single)[: s.rows]
        for part in self._parts.values():
            part.expand(self._x, s.marrow(z), s.surface(z))
