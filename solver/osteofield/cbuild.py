# SPDX-License-Identifier: LGPL-3.0-or-later
"""C source text to a loaded library: compiled once, cached, safe against races and other CPUs."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import InputError, Problem

FLAGS = ("-O3", "-march=native", "-fPIC", "-shared", "-std=gnu11", "-fno-math-errno", "-fno-trapping-math")


@lru_cache(1)
def compiler() -> tuple[str, ...]:
    """Command of the C compiler: ``$CC``, else cc, gcc or clang.

    Raises:
        InputError: There is none, or not the one that CC names.
    """
    chosen = tuple(shlex.split(os.environ.get("CC", "")))
    if chosen:
        if not shutil.which(chosen[0]):
            raise InputError(Problem(f"the C compiler that CC names, '{chosen[0]}', was not found."))
        return chosen
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return (name,)
    raise InputError(
        Problem("no C compiler was found; install one, for example 'apt-get install gcc', or set CC.")
    )


def cache_folder() -> Path:
    """Where compiled libraries are kept: ``$XDG_CACHE_HOME/osteofield`` or ``~/.cache/osteofield``."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "osteofield"


@lru_cache(1)
def _machine() -> str:
    """A text that differs where compiled code may not run: compiler version and CPU features."""
    version = subprocess.run([*compiler(), "--version"], capture_output=True, text=True, check=False).stdout
    features = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next((x for x in lines if x.startswith(("flags", "Features"))), "")
    except OSError:
        pass
    return f"{version}|{platform.machine()}|{features}"


def build(source: str, *, extra: tuple[str, ...] = (), folder: Path | None = None) -> Path:
    """Compile C source to a shared library and return its path; a cached one is reused.

    The file name is a hash of source, flags, compiler and CPU; the library is written under a
    temporary name and renamed, so that processes sharing a home never see half a file.

    Raises:
        InputError: No compiler, the cache folder cannot be written, or the source does not compile.
    """
    flags = (*FLAGS, *extra)
    key = hashlib.sha256("\0".join((source, *flags, *compiler(), _machine())).encode()).hexdigest()[:24]
    folder = folder or cache_folder()
    target = folder / f"{key}.so"
    if target.exists():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = tempfile.mkdtemp(prefix=f"{key}.", dir=folder)
    except OSError as e:
        raise InputError(
            Problem(
                f"the folder for compiled code cannot be written ({e.strerror}); set XDG_CACHE_HOME.", folder
            )
        ) from None
    try:
        c = Path(work) / "source.c"
        c.write_text(source)
        out = Path(work) / "library.so"
        done = subprocess.run(
            [*compiler(), *flags, str(c), "-o", str(out), "-lm"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise InputError(
                Problem(f"the C compiler '{shlex.join(compiler())}' failed:\n{done.stderr.strip()[-2000:]}")
            )
        os.replace(out, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return target


def load(source: str, declarations: str, *, extra: tuple[str, ...] = ()) -> tuple[Any, Any]:
    """Compile (or reuse) and open a library.

    Args:
        source: C source text.
        declarations: cffi declarations of the functions used.
        extra: More compiler flags.

    Returns:
        ``(ffi, library)``.
    """
    from cffi import FFI

    ffi = FFI()
    ffi.cdef(declarations)
    return ffi, ffi.dlopen(str(build(source, extra=extra)))
