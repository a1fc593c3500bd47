// SPDX-License-Identifier: LGPL-3.0-or-later
// What the peers need of dy/dt = r(t, y) - D K y / m besides the compiled rates: diffusion, products with
// the Jacobian, a sparse matrix of all unknowns.
// ND of the NM populations of a marrow row diffuse and come first; a surface point has NS more.
// marrow_PRODUCT and surface_PRODUCT, generated before this text, are w += J v written out.
#include <math.h>
#include <stdint.h>
#include <string.h>

#define NB (ND * ND)

// f_d -= D (K y) / m ; y and f are marrow rows
void diffuse(long n, const int *ip, const int *ix, const double *kv, const double *D, const double *m, const double *y,
             double *f) {
    for (long i = 0; i < n; i++) {
        double s[ND + 1];
        for (int p = 0; p < ND; p++) s[p] = 0.;
        for (int j = ip[i]; j < ip[i + 1]; j++) {
            const double v = kv[j], *x = y + (long)ix[j] * NM;
            for (int p = 0; p < ND; p++) s[p] += v * x[p];
        }
        const double w = 1. / m[i];
        for (int p = 0; p < ND; p++) f[i * NM + p] -= D[p] * s[p] * w;
    }
}

#define POINTS(NAME, NL)                                                                                                \
    /* o = J v */                                                                                                      \
    void NAME##_product(long n, const int *node, int nnz, const double *J_, const double *vm, const double *vs,         \
                        double *om, double *os) {                                                                      \
        for (long i = 0; i < n; i++) {                                                                                 \
            double v[ND + (NL) + 1], w[ND + (NL) + 1];                                                                  \
            const double *J = J_ + i * nnz;                                                                            \
            for (int p = 0; p < NM; p++) v[p] = vm[(long)node[i] * NM + p];                                            \
            for (int p = NM; p < ND + (NL); p++) v[p] = vs[i * NS + p - NM];                                           \
            for (int p = 0; p < ND + (NL); p++) w[p] = 0.;                                                             \
            NAME##_PRODUCT                                                                                             \
            for (int p = 0; p < NM; p++) om[(long)node[i] * NM + p] = w[p];                                            \
            for (int p = NM; p < ND + (NL); p++) os[i * NS + p - NM] = w[p];                                           \
        }                                                                                                              \
    }

POINTS(marrow, NM - ND)
POINTS(surface, NM - ND + NS)

// ---------------------------------------------------------------- sparse matrix of all unknowns
// Nodes follow each other; the unknowns of a node are those of one block, local populations first.
// place[i]: first matrix row of node i; point[i]: -1, or its surface point. Entries inside a block are where
// `inside` (marrow nodes) or `outside` (surface nodes) is set, both in state order.
#define LOCALS(s) ((s) > 0 ? NM - ND + NS : NM - ND)
static inline int within(int s, int kind) { // state index -> position in the block
    const int nl = LOCALS(kind);
    return s < ND ? nl + s : s - ND;
}
static inline int state(int w, int kind) {
    const int nl = LOCALS(kind);
    return w < nl ? ND + w : w - nl;
}
// Row pointers; returns the number of entries.
long pattern(long n, const int *ip, const int *ix, const int *point, const unsigned char *inside,
             const unsigned char *outside, int *rowptr) {
    long at = 0, row = 0;
    rowptr[0] = 0;
    for (long i = 0; i < n; i++) {
        const int kind = point[i] >= 0, nt = ND + LOCALS(kind);
        const unsigned char *mask = kind ? outside : inside;
        for (int w = 0; w < nt; w++) {
            const int s = state(w, kind);
            for (int v = 0; v < nt; v++) at += mask[s * nt + state(v, kind)];
            if (s < ND)
                for (int j = ip[i]; j < ip[i + 1]; j++) at += ix[j] != i;
            rowptr[++row] = (int)at;
        }
    }
    return at;
}
// Columns and the constant part D K / m; where entry q of J of every point and every diagonal entry are.
void fill(long n, const int *ip, const int *ix, const double *kv, const double *D, const double *m, const int *place,
          const int *point, const int *order, const unsigned char *inside, const unsigned char *outside, int nnzm,
          const int *rm, const int *cm, int nnzs, const int *rs, const int *cs, int *col, double *base, int *jm,
          int *js, int *diagonal) {
    long at = 0, row = 0;
    for (long i = 0; i < n; i++) {
        const int kind = point[i] >= 0, nt = ND + LOCALS(kind), nnz = kind ? nnzs : nnzm;
        const unsigned char *mask = kind ? outside : inside;
        const int *r = kind ? rs : rm, *c = kind ? cs : cm;
        int slot[(ND + NM - ND + NS) * (ND + NM - ND + NS)];
        for (int w = 0; w < nt; w++, row++) {
            const int s = state(w, kind);
            int own = 0;
            for (int j = s < ND ? ip[i] : ip[i + 1] - 1; j < ip[i + 1]; j++) {
                if (!own && (s >= ND || ix[j] >= i)) {
                    own = 1;
                    for (int v = 0; v < nt; v++) {
                        const int t = state(v, kind);
                        if (!mask[s * nt + t]) continue;
                        slot[s * nt + t] = (int)at;
                        if (s == t) diagonal[row] = (int)at;
                        col[at] = place[i] + v;
                        base[at++] = s == t && s < ND && ix[j] == i ? D[s] * kv[j] / m[i] : 0.;
                    }
                }
                if (s < ND && ix[j] != i) {
                    col[at] = place[ix[j]] + within(s, point[ix[j]] >= 0);
                    base[at++] = D[s] * kv[j] / m[i];
                }
            }
        }
        int *to = kind ? js + (long)order[i] * nnz : jm + (long)order[i] * nnz;
        for (int q = 0; q < nnz; q++) to[q] = slot[r[q] * nt + c[q]];
    }
}
// values = base + shift I - J
void update(long entries, const double *base, long rows, const int *diagonal, double shift, long nm, const int *jm,
            const double *Jm, long ns, const int *js, const double *Js, double *values) {
    memcpy(values, base, sizeof(double) * entries);
    for (long i = 0; i < rows; i++) values[diagonal[i]] += shift;
    for (long i = 0; i < nm; i++) values[jm[i]] -= Jm[i];
    for (long i = 0; i < ns; i++) values[js[i]] -= Js[i];
}
