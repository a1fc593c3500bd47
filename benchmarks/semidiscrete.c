// SPDX-License-Identifier: LGPL-3.0-or-later
// What the peers need of dy/dt = r(t, y) - D K y / m besides the compiled rates: diffusion, products with
// the Jacobian, elimination of local populations for a preconditioner, a sparse matrix of all unknowns.
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

// Inverse of a dense matrix with row exchanges; 0 if it is singular.
static inline int invert(const int n, double *A, double *X) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) X[i * n + j] = i == j;
    for (int p = 0; p < n; p++) {
        int b = p;
        for (int i = p + 1; i < n; i++)
            if (fabs(A[i * n + p]) > fabs(A[b * n + p])) b = i;
        const double d = A[b * n + p];
        if (!(fabs(d) > 0.)) return 0;
        for (int j = 0; j < n; j++) {
            double t = A[b * n + j]; A[b * n + j] = A[p * n + j]; A[p * n + j] = t / d;
            t = X[b * n + j]; X[b * n + j] = X[p * n + j]; X[p * n + j] = t / d;
        }
        for (int i = 0; i < n; i++) {
            const double f = A[i * n + p];
            if (i == p || f == 0.) continue;
            for (int j = 0; j < n; j++) { A[i * n + j] -= f * A[p * n + j]; X[i * n + j] -= f * X[p * n + j]; }
        }
    }
    return 1;
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
    }                                                                                                                  \
    /* W = c I - J: Q = W_ll^-1, E = W_dl Q, G = Q W_ld (float), schur = m (W_dd - E W_ld), column major */            \
    long NAME##_factor(long n, const int *node, int nnz, const int *rows, const int *cols, const double *J, double c,   \
                       const double *m, float *Q, float *E, float *G, double *schur) {                                 \
        const int nt = ND + (NL), nl = (NL);                                                                           \
        long bad = 0;                                                                                                  \
        for (long i = 0; i < n; i++) {                                                                                 \
            double W[(ND + (NL)) * (ND + (NL))], A[(NL) * (NL) + 1], X[(NL) * (NL) + 1], e[ND * (NL) + 1];             \
            for (int k = 0; k < nt * nt; k++) W[k] = 0.;                                                               \
            for (int k = 0; k < nt; k++) W[k * nt + k] = c;                                                            \
            for (int q = 0; q < nnz; q++) W[rows[q] * nt + cols[q]] -= J[i * nnz + q];                                 \
            for (int a = 0; a < nl; a++)                                                                               \
                for (int b = 0; b < nl; b++) A[a * nl + b] = W[(ND + a) * nt + ND + b];                                \
            bad += !invert(nl, A, X);                                                                                  \
            for (int k = 0; k < nl * nl; k++) Q[i * nl * nl + k] = (float)X[k];                                        \
            for (int p = 0; p < ND; p++)                                                                               \
                for (int b = 0; b < nl; b++) {                                                                         \
                    double s = 0., g = 0.;                                                                             \
                    for (int a = 0; a < nl; a++) {                                                                     \
                        s += W[p * nt + ND + a] * X[a * nl + b];                                                       \
                        g += X[b * nl + a] * W[(ND + a) * nt + p];                                                     \
                    }                                                                                                  \
                    e[p * nl + b] = s;                                                                                 \
                    E[(i * ND + p) * nl + b] = (float)s;                                                               \
                    G[(i * nl + b) * ND + p] = (float)g;                                                               \
                }                                                                                                      \
            for (int p = 0; p < ND; p++)                                                                               \
                for (int q = 0; q < ND; q++) {                                                                         \
                    double s = W[p * nt + q];                                                                          \
                    for (int a = 0; a < nl; a++) s -= e[p * nl + a] * W[(ND + a) * nt + q];                            \
                    schur[(long)node[i] * NB + q * ND + p] = m[node[i]] * s;                                           \
                }                                                                                                      \
        }                                                                                                              \
        return bad;                                                                                                    \
    }                                                                                                                  \
    /* b = c m (r_d - E r_l) */                                                                                        \
    void NAME##_reduce(long n, const int *node, double c, const double *m, const float *E, const double *rm,            \
                       const double *rs, float *b) {                                                                   \
        for (long i = 0; i < n; i++) {                                                                                 \
            const double *r = rm + (long)node[i] * NM;                                                                 \
            const float *Ei = E + i * ND * (NL);                                                                       \
            float l[(NL) + 1];                                                                                         \
            for (int a = 0; a < NM - ND; a++) l[a] = (float)r[ND + a];                                                 \
            for (int a = NM - ND; a < (NL); a++) l[a] = (float)rs[i * NS + a - (NM - ND)];                             \
            for (int p = 0; p < ND; p++) {                                                                             \
                float s = (float)r[p];                                                                                 \
                for (int a = 0; a < (NL); a++) s -= Ei[p * (NL) + a] * l[a];                                           \
                b[(long)node[i] * ND + p] = (float)(c * m[node[i]]) * s;                                               \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    /* z_d = x, z_l = c Q r_l - G x */                                                                                 \
    void NAME##_expand(long n, const int *node, double c, const float *Q, const float *G, const float *x_,              \
                       const double *rm, const double *rs, double *zm, double *zs) {                                   \
        for (long i = 0; i < n; i++) {                                                                                 \
            const double *r = rm + (long)node[i] * NM;                                                                 \
            const float *x = x_ + (long)node[i] * ND, *Qi = Q + i * (NL) * (NL), *Gi = G + i * ND * (NL);              \
            double *z = zm + (long)node[i] * NM;                                                                       \
            float l[(NL) + 1];                                                                                         \
            for (int a = 0; a < NM - ND; a++) l[a] = (float)(c * r[ND + a]);                                           \
            for (int a = NM - ND; a < (NL); a++) l[a] = (float)(c * rs[i * NS + a - (NM - ND)]);                       \
            for (int p = 0; p < ND; p++) z[p] = x[p];                                                                  \
            for (int a = 0; a < (NL); a++) {                                                                           \
                float s = 0.f;                                                                                         \
                for (int b = 0; b < (NL); b++) s += Qi[a * (NL) + b] * l[b];                                           \
                for (int p = 0; p < ND; p++) s -= Gi[a * ND + p] * x[p];                                               \
                if (a < NM - ND) z[ND + a] = s;                                                                        \
                else zs[i * NS + a - (NM - ND)] = s;                                                                   \
            }                                                                                                          \
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
