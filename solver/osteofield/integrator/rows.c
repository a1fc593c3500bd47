// SPDX-License-Identifier: LGPL-3.0-or-later
// Linear algebra of (c I - J) k = r for interleaved populations on one scalar stiffness K.
// ND diffusing populations come first in a marrow row of NM values; the other NM-ND are local.
// A surface point adds NS local values of its own. Preconditioner data and vectors are float.
#define NB (ND * ND)
typedef float real;

// A row of ND numbers is handled as one vector of VW lanes: the lanes beyond ND read what follows in
// memory (arrays end with spare numbers) and are never stored.
#if ND <= 4
#define VW 4
#elif ND <= 8
#define VW 8
#elif ND <= 16
#define VW 16
#else
#define VW 32
#endif
typedef real vec __attribute__((vector_size(4 * VW)));
typedef real loose __attribute__((vector_size(4 * VW), aligned(4), may_alias));
static inline vec get(const real *x) { return *(const loose *)x; }
static inline void put(real *x, vec v) { memcpy(x, &v, ND * sizeof(real)); }

// sum of k_j x_j over entries j .. e of a matrix
static inline vec part(int j, int e, const int *ix, const real *kv, const real *x) {
    vec s = {0}, t = {0};
    for (; j + 1 < e; j += 2) {
        s += kv[j] * get(x + (long)ix[j] * ND);
        t += kv[j + 1] * get(x + (long)ix[j + 1] * ND);
    }
    if (j < e) s += kv[j] * get(x + (long)ix[j] * ND);
    return s + t;
}
static inline vec krow(const int *ip, const int *ix, const real *kv, const real *x, long i) {
    return part(ip[i], ip[i + 1], ix, kv, x);
}
static inline vec block(const real *B, const real *t) { // column-major ND x ND block times t
    vec s = {0}, u = {0};
    int q = 0;
    for (; q + 1 < ND; q += 2) {
        s += t[q] * get(B + q * ND);
        u += t[q + 1] * get(B + (q + 1) * ND);
    }
    if (q < ND) s += t[q] * get(B + q * ND);
    return s + u;
}
static inline vec padded(const real *D) {
    real d[VW] = {0};
    memcpy(d, D, ND * sizeof(real));
    return get(d);
}
