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
BUFFER, NEW, NULL = _FFI.from_buffer, _FFI.new, _FFI.NULL
_CTYPES = {
    "d": "double[]", "f": "float[]", "i": "int[]", "h": "short[]", "l": "long[]", "B": "unsigned char[]"
}  # fmt: skip


def _passed(value: Any, types: dict[str, Any]) -> Any:
    """What C gets: the address of an array, which has to be contiguous, or of a record, null, or a number."""
    if isinstance(value, np.ndarray):
        return BUFFER(types[value.dtype.char], value)
    if isinstance(value, Record):
        return value.pointer
    return NULL if value is None else value


class Record:
    """A C struct whose pointers point into numpy arrays, other records, or nowhere.

    Args:
        pointer: To the struct, all zero.
        types: C types of arrays by the character of their dtype.
        fields: First values, as for `set`.
    """

    def __init__(self, pointer: Any, types: dict[str, Any], fields: dict[str, Any]):
        self.pointer, self._types = pointer, types
        self._kept: dict[str, Any] = {}  # what the pointers point to must live as long as they
        self.set(**fields)

    def set(self, **fields: Any) -> None:
        """Set fields: a contiguous array, another record or None for a pointer, a number for a number."""
        for name, value in fields.items():
            setattr(self.pointer, name, _passed(value, self._types))
            self._kept[name] = value

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays that it leads to."""
        return sum(v.nbytes for v in self._kept.values() if isinstance(v, np.ndarray | Record))


class Compiled:
    """The functions of some C source, each called by its C name.

    Arrays are passed as they are and checked to be contiguous (cffi refuses others), numbers as Python
    numbers, structs as `Record`, and None where a pointer may be null.

    Args:
        source: C text; functions that return void, long or double and are not static can be called, structs
            with a name of their own can be made.
        header: What comes before it, without functions of its own.
        contract: Whether a product and a sum may be rounded once.
    """

    def __init__(self, source: str, header: str = "", *, contract: bool = True):
        rounding = f"-ffp-contract={'fast' if contract else 'off'}"
        self._ffi, self._lib = load(header + source, _declarations(source), extra=(rounding, "-Wno-psabi"))
        self._types = {char: self._ffi.typeof(name) for char, name in _CTYPES.items()}

    def __getattr__(self, name: str) -> Any:
        function, types, passed = getattr(self._lib, name), self._types, _passed

        def call(*args: Any) -> Any:
            return function(*[passed(a, types) for a in args])

        setattr(self, name, call)
        return call

    def record(self, kind: str, **fields: Any) -> Record:
        """A struct of that kind; what is not given is zero."""
        return Record(self._ffi.new(f"{kind} *"), self._types, fields)


def _declarations(source: str) -> str:
    """cffi declarations read off the C source."""
    text = re.sub(r"//[^\n]*", "", source)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    structs = re.findall(r"^typedef struct[^;{]*\{[^}]*\} \w+;", text, flags=re.M)
    found = re.findall(r"^\s*((?:void|long|double) [A-Za-z0-9_]+\([^)]*\)) \{", text, flags=re.M)
    return "\n".join(
        " ".join(d.split()).replace("real ", "float ") for d in [*structs, *(f"{d};" for d in found)]
    )
