# SPDX-License-Identifier: LGPL-3.0-or-later
"""Memory bandwidth of one core, measured on the spot."""

from __future__ import annotations

import time
from importlib import resources

import numpy as np

from osteofield.cbuild import load


def triad(megabytes: float = 600.0, repeats: int = 7) -> float:
    """Bytes per second of ``a = b + s c``, best of some repeats; three arrays of so many MB in all."""
    source = resources.files(__package__).joinpath("stream.c").read_text("utf-8")
    ffi, library = load(source, "void triad(long n, double s, const double *b, const double *c, double *a);")
    n = int(megabytes * 1e6 / 24)
    a, b, c = np.zeros(n), np.ones(n), np.full(n, 2.0)
    buffers = [ffi.from_buffer("double[]", x) for x in (b, c, a)]
    best = float("inf")
    for _ in range(repeats):
        begun = time.perf_counter()
        library.triad(n, 3.0, *buffers)
        best = min(best, time.perf_counter() - begun)
    return 24.0 * n / best
