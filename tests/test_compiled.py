# SPDX-License-Identifier: LGPL-3.0-or-later
"""C functions and structs that take numpy arrays."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from osteofield.compiled import Compiled

SOURCE = """
typedef float real;
typedef struct list {
    const real *x; // numbers
    const short *skip;
    long n;
    struct list *next;
} list;
double total(const list *l, const double *more) {
    double s = more ? *more : 0.;
    for (; l; l = l->next)
        for (long i = 0; i < l->n; i++)
            if (!l->skip || !l->skip[i]) s += l->x[i];
    return s;
}
"""


@pytest.fixture(scope="module")
def compiled():
    return Compiled(SOURCE)


def test_structs_lead_to_arrays_and_to_each_other(compiled):
    x = np.arange(4, dtype=np.float32)
    rest = compiled.record("list", x=np.full(2, 10.0, np.float32), n=2)
    first = compiled.record("list", x=x, n=4, next=rest)
    assert compiled.total(first, None) == 26.0
    assert compiled.total(first, np.array([0.5])) == 26.5
    first.set(skip=np.array([0, 0, 0, 1], np.int16))
    assert compiled.total(first, None) == 23.0
    x[0] = 5.0
    first.set(skip=None, next=None)
    assert compiled.total(first, None) == 11.0
    assert first.nbytes == x.nbytes and rest.nbytes == 8


def test_arrays_live_as_long_as_the_struct(compiled):
    first = compiled.record("list", x=np.ones(200_000, np.float32), n=200_000)
    first.set(next=compiled.record("list", x=np.ones(200_000, np.float32), n=200_000))
    gc.collect()
    _other = [np.full(200_000, 7.0, np.float32) for _ in range(4)]
    assert compiled.total(first, None) == 400_000.0


def test_what_does_not_fit_is_refused(compiled):
    first = compiled.record("list")
    with pytest.raises(TypeError):
        first.set(x=np.ones(3))  # not single precision
    with pytest.raises((ValueError, BufferError)):
        first.set(x=np.ones((4, 4), np.float32)[:, 1])  # not contiguous
    with pytest.raises(AttributeError):
        first.set(y=1)
    with pytest.raises(TypeError):
        first.set(n=None)
