# SPDX-License-Identifier: LGPL-3.0-or-later
"""Compiled rates of a network at many points: the front door to the C code."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .. import cbuild
from ..compiled import BUFFER
from ..errors import InputError, Problem
from .evaluation import Evaluation
from .expression import parse
from .interface import declarations
from .network import Network
from .numbers import Course, Numbers

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.int32]
Maybe = Array | None

FLAGS = ("-fno-tree-vectorize", "-ffp-contract=fast", "-Wno-psabi", "-fno-lto")


class Kernels:
    """Rates, Jacobian and term totals of a network, for marrow points and for bone-surface points.

    The numbers (parameters, inputs, geometry) live in one array that both kernels share, so changing
    them never compiles anything.

    Attributes:
        marrow: For points of marrow that do not touch bone.
        surface: For points of marrow on the bone surface, with the surface populations there.

    Args:
        network: The model with its numbers.
        cache: Folder of compiled libraries, by default `cbuild.cache_folder`; one that fits is reused.

    Raises:
        InputError: There is no C compiler, or the cache folder cannot be written.
    """

    def __init__(self, network: Network, cache: Path | None = None):
        self._numbers = numbers = Numbers(network)
        generated = _generate(network, cache or cbuild.cache_folder())
        ffi, library = _open(
            str(cbuild.build(cbuild.lanes() + generated["source"], extra=FLAGS, folder=cache)),
            network.with_time,
        )
        made = [
            PointKernel(kind, network, generated[kind], numbers, ffi, library)
            for kind in ("marrow", "surface")
        ]
        self.marrow, self.surface = made

    @property
    def inputs(self) -> dict[str, float]:
        """Present levels, internal units."""
        return dict(self._numbers.inputs)

    def set_inputs(self, levels: Mapping[str, float]) -> None:
        """Set some inputs (internal units), constant from now on; the others stay.

        Raises:
            KeyError: The model has no such input.
        """
        self._numbers.set(levels)

    def follow(self, course: Course) -> None:
        """Take the inputs from a function of time: every later call sees them at its own time."""
        self._numbers.follow(course)

    def set_geometry(self, *, sigma0: float, d0: float) -> None:
        """Set bone surface per marrow volume (1/um) and bone volume per bone surface (um)."""
        network = self._numbers.network
        if (sigma0, d0) != (network.sigma0, network.d0):  # the same after a re-cut
            self._numbers.bind(network.bind(sigma0=sigma0, d0=d0))


class PointKernel:
    """One kind of point. All arrays are C-contiguous float64, `node` int32.

    Arguments common to all methods:
        t: day. node: ``(n,)`` row of each point in the marrow arrays. ym: ``(rows, marrow populations)``.
        ys: ``(n, surface populations)``, None for marrow points. a: ``(n,)`` nodal bone surface over
        (nodal marrow volume times sigma0), 1 in 0-D; None for marrow points. g: ``(n, fields)``.
        x: ``(rows, 3)`` positions in um, or None where no rate uses them.

    Attributes:
        kind: ``marrow`` or ``surface``.
        names: Populations, in the order of Jacobian rows and columns.
        jac_rows: Row of every Jacobian entry, int32, row-major order; the diagonal is always there.
        jac_cols: Column of every entry.
        term_names: ``(population, "volume" | "surface", term)`` of every term total.
        frame: C source of a function with rates and Jacobian, to be filled in (`codegen.frame`).
    """

    def __init__(
        self,
        kind: Literal["marrow", "surface"],
        network: Network,
        shape: Mapping[str, Any],
        numbers: Numbers,
        ffi: Any,
        library: Any,
    ):
        self.kind = kind
        self.names: tuple[str, ...] = tuple(shape["names"])
        self.jac_rows = np.array(shape["rows"], dtype=np.int32)
        self.jac_cols = np.array(shape["cols"], dtype=np.int32)
        self.term_names: tuple[tuple[str, str, str], ...] = tuple(tuple(t) for t in shape["terms"])
        self.frame: str = shape["frame"]
        self._network, self._numbers = network, numbers
        self._null = ffi.NULL
        self._pp = ffi.from_buffer("double[]", numbers.array)
        self._call = {
            f: getattr(library, f"{kind}_{f}")
            for f in ("rates", "jacobian", "terms", *(("dfdt",) if network.with_time else ()))
        }
        self._positions = network.uses_position

    def rates(
        self, t: float, node: Index, ym: Array, ys: Maybe, a: Maybe, g: Maybe, x: Maybe, fm: Array, fs: Maybe
    ) -> None:
        """Write reaction rates: ``fm[node[i], :]`` (surface production times a included) and ``fs[i, :]``."""
        self._call["rates"](*self.arguments(t, node, ym, ys, a, g, x), self._d(fm), self._surface(fs))

    def jacobian(
        self, t: float, node: Index, ym: Array, ys: Maybe, a: Maybe, g: Maybe, x: Maybe, J: Array
    ) -> None:
        """Write the non-zeros of d(rates)/d(states) into ``J`` of shape ``(n, len(jac_rows))``."""
        self._call["jacobian"](*self.arguments(t, node, ym, ys, a, g, x), self._d(J))

    def dfdt(
        self, t: float, node: Index, ym: Array, ys: Maybe, a: Maybe, g: Maybe, x: Maybe, fm: Array, fs: Maybe
    ) -> None:
        """Write partial derivatives of the rates by time, as `rates`; zero where time is not in them."""
        if "dfdt" not in self._call:
            fm[node] = 0.0
            if self.kind == "surface" and fs is not None:
                fs[:] = 0.0
            return
        self._call["dfdt"](*self.arguments(t, node, ym, ys, a, g, x), self._d(fm), self._surface(fs))

    def terms(
        self,
        t: float,
        node: Index,
        ym: Array,
        ys: Maybe,
        a: Maybe,
        g: Maybe,
        x: Maybe,
        m: Array,
        ms: Maybe,
        out: Array,
    ) -> None:
        """Add to ``out`` every term summed over the points.

        Args:
            m: ``(rows,)`` weight of marrow terms at each marrow row (volume; 0 where not owned).
            ms: ``(n,)`` weight of the terms of surface populations (area), None for marrow points.
            out: ``(len(term_names),)``.
        """
        self._call["terms"](
            *self.arguments(t, node, ym, ys, a, g, x), self._d(m), self._surface(ms), self._d(out)
        )

    def quantity(
        self, name: str, t: float, node: Index, ym: Array, ys: Maybe, a: Maybe, g: Maybe, x: Maybe
    ) -> Array:
        """Value of a named quantity, or of any formula over the model's symbols, at every point.

        Raises:
            KeyError: It uses a name that does not exist at these points.
            ExpressionError: It is no formula.
        """
        self._numbers.at(t)
        n = self._numbers.network
        known: dict[str, Any] = dict(n.uniform(self._numbers.inputs))
        rows = ym[node]
        known |= {p.name: rows[:, k] for k, p in enumerate(n.marrow)} | {"t": float(t)}
        if x is not None:
            known |= {c: x[node, k] for k, c in enumerate("xyz")}
        if self.kind == "surface":
            if ys is not None:
                known |= {p.name: ys[:, k] for k, p in enumerate(n.surface)}
            if g is not None:
                known |= {f.name: g[:, k] for k, f in enumerate(n.fields)}
        value = Evaluation(n.definitions, known).of(parse(name))
        return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=np.float64), (len(node),)))

    def arguments(
        self, t: float, node: Index, ym: Array, ys: Maybe, a: Maybe, g: Maybe, x: Maybe
    ) -> tuple[Any, ...]:
        """What the compiled functions begin with, `frame` too."""
        surface = self.kind == "surface"
        if node.dtype != np.int32:
            raise TypeError("node must be int32")
        self._numbers.at(t)
        return (
            len(node), t, self._pp, BUFFER("int32_t[]", node), self._d(ym),
            self._d(ys) if surface and self._network.surface else self._null,
            self._d(a) if surface else self._null,
            self._d(g) if surface and self._network.fields else self._null,
            self._d(x) if self._positions else self._null,
        )  # fmt: skip

    def _surface(self, array: Maybe) -> Any:
        return self._d(array) if self.kind == "surface" and array is not None else self._null

    def _d(self, array: Maybe) -> Any:
        if array is None:
            raise TypeError(f"an array is missing that the {self.kind} kernel needs")
        if array.dtype != np.float64:
            raise TypeError(f"float64 is needed, not {array.dtype}")
        return BUFFER("double[]", array)


@lru_cache(64)
def _open(path: str, with_time: bool) -> tuple[Any, Any]:
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(declarations(with_time))
    return ffi, ffi.dlopen(path)


def _generate(network: Network, folder: Path) -> dict[str, Any]:
    """C source and shapes of a network, from the cache where its formulas were seen before."""
    s, m = network.structure, network.model
    varying = [n for n in s.order if n not in s.uniform]
    marrow, surface = [p.name for p in network.marrow], [p.name for p in network.surface]
    terms = [t for n in (*marrow, *surface) for t in m.populations[n].terms]
    recipe = {
        "uniform": list(network.uniform({})),
        "driven": list(network.driven),
        "marrow": marrow,
        "surface": surface,
        "fields": list(m.fields),
        "quantities": [(n, m.quantities[n].expression.text) for n in varying],
        "terms": [(t.population, t.kind, t.name, t.expression.text) for t in terms],
        "generator": _generator(),
    }
    key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:24]
    path = folder / f"{key}.json"
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        pass
    from .codegen import Layout, frame, generate  # SymPy: only when something new is to be derived
    from .derive import derive, rate_of

    quantities, driven = {n: m.quantities[n].expression for n in varying}, network.driven
    inside = {n: e for n, e in quantities.items() if n not in s.surface}
    tuples = [(t.population, t.kind, t.name, t.expression) for t in terms]
    programs = {
        "marrow": derive(
            marrow, inside, [t for t in tuples if t[0] in marrow and t[1] == "volume"], frozenset(), driven
        ),
        "surface": derive([*marrow, *surface], quantities, tuples, frozenset(surface), driven),
    }
    layout = Layout(
        (*network.uniform({}), *map(rate_of, driven)),
        tuple(marrow),
        tuple(surface),
        tuple(m.fields),
        network.with_time,
    )
    out: dict[str, Any] = {"source": generate(layout, programs)}
    for kind, p in programs.items():
        rows, cols = zip(*p.jacobian, strict=True) if p.jacobian else ((), ())
        out[kind] = {"names": list(p.states), "rows": rows, "cols": cols, "terms": list(p.terms)}
        out[kind]["frame"] = frame(layout, p, kind == "surface")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f"{key}.", dir=folder)
        with os.fdopen(handle, "w") as f:
            json.dump(out, f)
        os.replace(temporary, path)
    except OSError as e:
        raise InputError(
            Problem(
                f"the folder for compiled code cannot be written ({e.strerror}); set XDG_CACHE_HOME.", folder
            )
        ) from None
    return out


@lru_cache(1)
def _generator() -> str:
    """Hash of the code that writes the C source, so that a new version never meets an old cache."""
    here = Path(__file__).parent
    files = [here / f for f in ("derive.py", "codegen.py", "interface.py", "expression.py")]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]
