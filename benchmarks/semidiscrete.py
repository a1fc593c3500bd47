# SPDX-License-Identifier: LGPL-3.0-or-later
"""The system of ordinary differential equations that all peers integrate, with what their solvers ask for."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import numpy as np

from osteofield.cbuild import load
from osteofield.integrator import Points, Problem

_CTYPES = {"d": "double[]", "f": "float[]", "i": "int[]", "B": "unsigned char[]"}


class Routines:
    """The functions of ``semidiscrete.c`` for one problem; arrays are passed as they are."""

    def __init__(self, problem: Problem):
        p = problem
        text = resources.files(__package__).joinpath("semidiscrete.c").read_text("utf-8")
        header = f"#define ND {p.diffusing}\n#define NM {p.marrow_width}\n#define NS {p.surface_width}\n"
        for kind, points in (("marrow", p.inside), ("surface", p.surface)):
            pairs = zip(points.kernel.jac_rows, points.kernel.jac_cols, strict=True)
            written = " ".join(f"w[{r}] += J[{q}] * v[{c}];" for q, (r, c) in enumerate(pairs))
            header += f"#define {kind}_PRODUCT {written}\n"
        flags = ("-ffp-contract=fast", "-funroll-loops")
        self._ffi, self._library = load(header + text, _declarations(text), extra=flags)

    def __getattr__(self, name: str) -> Any:
        function, buffer = getattr(self._library, name), self._ffi.from_buffer

        def call(*arguments: Any) -> Any:
            return function(
                *[buffer(_CTYPES[a.dtype.char], a) if isinstance(a, np.ndarray) else a for a in arguments]
            )

        setattr(self, name, call)
        return call


class Semidiscrete:
    """dy/dt = r(t, y) - D K y / m on a flat state: marrow rows (populations interleaved), then surface rows.

    Args:
        problem: What `osteofield.tissue.build_tissue` made of the sample, on one rank.

    Attributes:
        calls: Evaluations of the rates.
    """

    def __init__(self, problem: Problem):
        if problem.comm.size != 1 or len(problem.open_rows):
            raise ValueError("the peers run on one rank and with closed faces")
        p = self.problem = problem
        self.routines = Routines(problem)
        self.rows, self.points = len(p.volumes), len(p.surface.node)
        self.split = self.rows * p.marrow_width
        self.size = self.split + self.points * p.surface_width
        self.kinds = tuple((k, q) for k, q in (("marrow", p.inside), ("surface", p.surface)) if len(q.node))
        self.calls = 0

    def marrow(self, y: np.ndarray) -> np.ndarray:
        """(rows, marrow populations) view of a state."""
        return y[: self.split].reshape(self.rows, self.problem.marrow_width)

    def surface(self, y: np.ndarray) -> np.ndarray:
        """(points, surface populations) view of a state."""
        return y[self.split :].reshape(self.points, self.problem.surface_width)

    def spread(self, marrow: np.ndarray, surface: np.ndarray) -> np.ndarray:
        """A state that has one value per population everywhere."""
        y = np.empty(self.size)
        self.marrow(y)[:], self.surface(y)[:] = marrow, surface
        return y

    def rate(self, t: float, y: np.ndarray, out: np.ndarray) -> None:
        """``out = dy/dt``."""
        self.calls += 1
        for _, points in self.kinds:
            points.kernel.rates(t, *self._arguments(points, y), self.marrow(out), self.surface(out))
        self._diffuse(y, out)

    def jacobian(self, t: float, y: np.ndarray, out: dict[str, np.ndarray]) -> None:
        """The non-zeros of the reactions' Jacobian at every point, by kind of point."""
        for kind, points in self.kinds:
            points.kernel.jacobian(t, *self._arguments(points, y), out[kind])

    def jacobian_store(self) -> dict[str, np.ndarray]:
        """Arrays for `jacobian`."""
        return {k: np.zeros((len(q.node), len(q.kernel.jac_rows))) for k, q in self.kinds}

    def product(self, J: dict[str, np.ndarray], v: np.ndarray, out: np.ndarray) -> None:
        """``out = (d rate / d y) v`` with a Jacobian of the reactions from `jacobian`."""
        for kind, points in self.kinds:
            getattr(self.routines, f"{kind}_product")(
                len(points.node), points.node, J[kind].shape[1], J[kind], self.marrow(v), self.surface(v),
                self.marrow(out), self.surface(out),
            )  # fmt: skip
        self._diffuse(v, out)

    def _diffuse(self, y: np.ndarray, out: np.ndarray) -> None:
        p, k = self.problem, self.problem.local
        if p.diffusing:
            self.routines.diffuse(
                self.rows, k.indptr, k.indices, k.values, p.diffusivity, p.volumes,
                self.marrow(y), self.marrow(out),
            )  # fmt: skip

    def _arguments(self, points: Points, y: np.ndarray) -> tuple[Any, ...]:
        return points.node, self.marrow(y), self.surface(y), points.a, points.g, self.problem.position


def _declarations(source: str) -> str:
    text = re.sub(r"//[^\n]*", "", source).replace("\\\n", "\n")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = re.findall(r"^\s*((?:void|long) [A-Za-z_#]+\([^)]*\)) \{", text, flags=re.M)
    lines = []
    for declaration in (" ".join(d.split()) for d in found):
        kinds = ("marrow", "surface") if "NAME##" in declaration else ("",)
        lines += [declaration.replace("NAME##", kind) + ";" for kind in kinds]
    return "\n".join(lines)
