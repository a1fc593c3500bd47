# SPDX-License-Identifier: LGPL-3.0-or-later
"""C functions that take numpy arrays as they are."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from _cffi_backend import FFI

from .cbuild import load

# its methods are C, those of cffi.FFI are Python and take three times as long: a step makes hundreds of calls
_FFI = FFI()
BUFFER, NEW = _FFI.from_buffer, _FFI.new
_CTYPES = {"d": "double[]", "f": "float[]", "i": "int[]", "l": "long[]", "B": "unsigned char[]"}


class Compiled:
    """The functions of some C source, each called by its C name.

    Arrays are passed as they are and checked to be contiguous (cffi refuses others), numbers as Python
    numbers.

    Args:
        source: C text; functions that return void, long or double and are not static can be called.
        header: What comes before it, without functions of its own.
        contract: Whether a product and a sum may be rounded once.
    """

    def __init__(self, source: str, header: str = "", *, contract: bool = True):
        rounding = f"-ffp-contract={'fast' if contract else 'off'}"
        self._ffi, self._lib = load(header + source, _declarations(source), extra=(rounding, "-Wno-psabi"))
        self._types = {char: self._ffi.typeof(name) for char, name in _CTYPES.items()}

    def __getattr__(self, name: str) -> Any:
        function, buffer, types, ndarray = (
            getattr(self._lib, name),
            BUFFER,
            self._types,
            np.ndarray,
        )

        def call(*args: Any) -> Any:
            return function(*[buffer(types[a.dtype.char], a) if type(a) is ndarray else a for a in args])

        setattr(self, name, call)
        return call


def _declarations(source: str) -> str:
    """cffi declarations read off the C source."""
    text = re.sub(r"//[^\n]*", "", source)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = re.findall(r"^\s*((?:void|long|double) [A-Za-z0-9_]+\([^)]*\)) \{", text, flags=re.M)
    return "\n".join(" ".join(d.split()).replace("real ", "float ") + ";" for d in found)
