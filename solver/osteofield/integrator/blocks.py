# SPDX-License-Identifier: LGPL-3.0-or-later
"""Compiled linear algebra for one size of network: numpy arrays in, `blocks.c` underneath."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from ..cbuild import load

_CTYPES = {"float64": "double *", "float32": "float *", "int32": "int *", "uint8": "unsigned char *"}


class Blocks:
    """The functions of ``blocks.c`` for `nd` diffusing, `nm` marrow and `ns` surface populations.

    Every function is called by its C name; arrays are passed as they are and checked to be
    contiguous, numbers as Python numbers.
    """

    def __init__(self, nd: int, nm: int, ns: int):
        if nd < 1:
            raise ValueError("at least one population must diffuse")
        source = resources.files(__package__).joinpath("blocks.c").read_text()
        header = f"#define ND {nd}\n#define NM {nm}\n#define NS {ns}\n"
        self.nd, self.nm, self.ns = nd, nm, ns
        self._ffi, self._lib = load(header + source, _declarations(source), extra=("-ffp-contract=fast",))

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._lib, name)
        cast = self._ffi.cast

        def call(*args: Any) -> Any:
            return function(
                *[
                    cast(_CTYPES[a.dtype.name], a.ctypes.data) if isinstance(a, np.ndarray) else a
                    for a in args
                ]
            )

        setattr(self, name, call)
        return call

    def linear(self, coefficients: list[float], vectors: list[np.ndarray], out: np.ndarray) -> None:
        """``out = sum_j c_j x_j`` over flat float64 arrays; `out` may be one of them."""
        used = [(c, x) for c, x in zip(coefficients, vectors, strict=True) if c != 0.0]
        ffi = self._ffi
        pointers = ffi.new("double *[]", [ffi.cast("double *", x.ctypes.data) for _, x in used])
        values = ffi.new("double[]", [c for c, _ in used])
        self._lib.linear(out.size, len(used), values, ffi.cast("const double **", pointers), ffi.cast("double *", out.ctypes.data))


def _declarations(source: str) -> str:
    """cffi declarations read off the C source, macros expanded by hand for the two kinds of point."""
    text = re.sub(r"//[^\n]*", "", source).replace("\\\n", "\n")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = re.findall(r"^\s*((?:void|long) [A-Za-z_#]+\([^)]*\)) \{", text, flags=re.M)
    out = []
    for d in found:
        d = " ".join(d.split()).replace("real ", "float ")
        if "NAME##" in d:
            out += [d.replace("NAME##", kind) for kind in ("marrow", "surface")]
        elif " NAME(" in d:
            out += [d.replace(" NAME(", f" {kind}(") for kind in ("transfer", "transfer_blocks")]
        else:
            out.append(d)
    return "\n".join(f"{d};" for d in out)


@lru_cache(16)
def blocks(nd: int, nm: int, ns: int) -> Blocks:
    """The compiled functions of that size, compiled at most once per process."""
    return Blocks(nd, nm, ns)
