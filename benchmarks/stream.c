// SPDX-License-Identifier: LGPL-3.0-or-later
// The triad of STREAM (McCalpin), one thread: the memory bandwidth that kernels are held against.
void triad(long n, double s, const double *b, const double *c, double *a) {
    for (long i = 0; i < n; i++) a[i] = b[i] + s * c[i];
}
