# SPDX-License-Identifier: LGPL-3.0-or-later
"""The C functions of compiled rates; without SymPy, whose import would cost every rank a second."""

from __future__ import annotations

ARGUMENTS = (
    "long n, double t, const double *p, const int32_t *node, const double *ym, const double *ys, "
    "const double *a, const double *g, const double *x"
)


def declarations(with_time: bool) -> str:
    """cffi declarations of the functions in the source."""
    out = []
    for kind in ("marrow", "surface"):
        out.append(f"void {kind}_rates({ARGUMENTS}, double *fm, double *fs);")
        out.append(f"void {kind}_jacobian({ARGUMENTS}, double *jac);")
        out.append(f"void {kind}_terms({ARGUMENTS}, const double *m, const double *ms, double *out);")
        if with_time:
            out.append(f"void {kind}_dfdt({ARGUMENTS}, double *fm, double *fs);")
    return "\n".join(out)
