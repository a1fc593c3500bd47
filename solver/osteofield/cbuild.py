# SPDX-License-Identifier: LGPL-3.0-or-later
"""C source text to a loaded library: compiled once, cached, safe against races and other CPUs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import resources
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
def lanes() -> str:
    """C source of vectors that hold eight points side by side, which generated code begins with."""
    return resources.files(__package__).joinpath("lanes.c").read_text()


@lru_cache(1)
def _machine() -> str:
    """A text that differs where compiled code may not run: compiler version and CPU features."""
    version = subprocess.run(
        [*compiler(), "--version"], capture_output=True, encoding="utf-8", errors="replace", check=False
    ).stdout
    features = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        features = next((x for x in lines if x.startswith(("flags", "Features"))), "")
    except OSError:
        pass
    return f"{version}|{platform.machine()}|{features}"


def build(source: str, *, extra: tuple[str, ...] = (), folder: Path | None = None) -> Path:
    """Compile C source to a shared library and return its path; a cached one is reused.

    The file name is a hash of source, flags, compiler and CPU. Of several processes that want the
    same library, on however many nodes, one compiles and the others wait for it. It is written under
    a temporary name and renamed, so that nobody ever sees half a file, whatever the lock is worth on
    a network file system.

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
        with _alone(folder / f"{key}.lock"):
            if not target.exists():
                _compile(source, flags, target)
    except OSError as e:
        raise InputError(
            Problem(
                f"the folder for compiled code cannot be written ({e.strerror}); set XDG_CACHE_HOME.", folder
            )
        ) from None
    return target


def _compile(source: str, flags: tuple[str, ...], target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f"{target.stem}.", dir=target.parent) as work:
        c, out = Path(work) / "source.c", Path(work) / "library.so"
        c.write_text(source)
        done = subprocess.run(
            [*compiler(), *flags, str(c), "-o", str(out), "-lm"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise InputError(
                Problem(f"the C compiler '{shlex.join(compiler())}' failed:\n{done.stderr.strip()[-2000:]}")
            )
        os.replace(out, target)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keep other processes out while they can be; the kernel lets go of the lock of a dead one."""
    with open(lock, "w", encoding="utf-8") as file:
        with suppress(OSError):  # a file system without locks: then some compile twice
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)  # who waits for it finds the library made


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
