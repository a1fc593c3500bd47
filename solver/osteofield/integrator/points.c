// SPDX-License-Identifier: LGPL-3.0-or-later
// Points: exact elimination of local unknowns.
// W = c I - J at one point; local unknowns l (marrow local, then surface) are eliminated exactly.
// q: W_ll^-1, column major, found with row pivoting. schur: m (W_dd - W_dl W_ll^-1 W_ld), column major.
static inline int eliminate(const int nl, int nnz, const int *rows, const int *cols, const double *J, double c, double m,
                            double *q, double *schur) {
    const int nt = ND + nl, nr = nl + ND;
    double W[(NM + NS) * (NM + NS) + 1];
    double A[(NM - ND + NS + 1) * (NM + NS + NM - ND + NS + 1)]; // rows of [W_ll | I | W_ld]
    const int stride = nl + nr;
    for (int i = 0; i < nt * nt; i++) W[i] = 0.;
    for (int i = 0; i < nt; i++) W[i * nt + i] = c;
    for (int e = 0; e < nnz; e++) W[rows[e] * nt + cols[e]] -= J[e];
    for (int p = 0; p < nl; p++) {
        double *a = A + p * stride;
        for (int j = 0; j < nl; j++) a[j] = W[(ND + p) * nt + ND + j];
        for (int j = 0; j < nl; j++) a[nl + j] = p == j;
        for (int j = 0; j < ND; j++) a[2 * nl + j] = W[(ND + p) * nt + j];
    }
    int ok = 1;
    for (int p = 0; p < nl; p++) { // Gauss-Jordan
        int b = p;
        double big = fabs(A[p * stride + p]);
        for (int i = p + 1; i < nl; i++)
            if (fabs(A[i * stride + p]) > big) { big = fabs(A[i * stride + p]); b = i; }
        if (!(big > 0.) || !isfinite(big)) { ok = 0; continue; }
        double *a = A + p * stride;
        if (b != p)
            for (int j = p; j < stride; j++) { double t = a[j]; a[j] = A[b * stride + j]; A[b * stride + j] = t; }
        const double inv = 1. / a[p];
        for (int j = p; j < stride; j++) a[j] *= inv;
        for (int i = 0; i < nl; i++) {
            const double f = A[i * stride + p];
            if (i == p || f == 0.) continue;
            for (int j = p; j < stride; j++) A[i * stride + j] -= f * a[j];
        }
    }
    for (int p = 0; p < nl; p++)
        for (int j = 0; j < nl; j++) q[j * nl + p] = A[p * stride + nl + j];
    for (int p = 0; p < ND; p++) {
        double s[ND + 1];
        for (int j = 0; j < ND; j++) s[j] = W[p * nt + j];
        for (int i = 0; i < nl; i++) {
            const double f = W[p * nt + ND + i];
            if (f == 0.) continue;
            for (int j = 0; j < ND; j++) s[j] -= f * A[i * stride + 2 * nl + j];
        }
        for (int j = 0; j < ND; j++) {
            schur[j * ND + p] = m * s[j];
            ok &= isfinite(s[j]) != 0;
        }
    }
    return ok;
}

// Eight points side by side, without pivoting; false where a pivot is small beside its column.
#define LANES 8
typedef double lanes __attribute__((vector_size(64)));
#define EACH for (int l = 0; l < LANES; l++)
static inline int invert_lanes(const int n, lanes *A) { // in place, row major
    int ok = 1;
    for (int p = 0; p < n; p++) {
        lanes big = A[p * n + p] * 0.;
        for (int i = p + 1; i < n; i++) EACH big[l] = fabs(A[i * n + p][l]) > big[l] ? fabs(A[i * n + p][l]) : big[l];
        const lanes pivot = A[p * n + p];
        EACH ok &= fabs(pivot[l]) > 0.05 * big[l] && isfinite(pivot[l]); // a NaN is not ok
        const lanes inv = 1. / pivot;
        A[p * n + p] = inv * 0. + 1.;
        for (int j = 0; j < n; j++) A[p * n + j] *= inv;
        for (int i = 0; i < n; i++) {
            if (i == p) continue;
            const lanes f = A[i * n + p];
            A[i * n + p] = f * 0.;
            for (int j = 0; j < n; j++) A[i * n + j] -= f * A[p * n + j];
        }
    }
    return ok;
}
// The same as `eliminate` for m <= 8 points that follow each other; U and L are the coupling entries of J.
static inline int eliminate_lanes(const int nl, int m, const int *node, int nnz, const int *rows, const int *cols, const double *J,
                                  double c, const double *volume, int nup, const int *up, const double *U, int ndown,
                                  const int *down, const double *L, double *q, double *schur) {
    lanes A[(NM - ND + NS) * (NM - ND + NS) + 1], G[(NM - ND + NS) * ND + 1], S[NB + 1];
    const lanes zero = {0};
    for (int i = 0; i < nl * nl; i++) A[i] = zero;
    for (int i = 0; i < nl; i++) A[i * nl + i] = zero + c;
    for (int i = 0; i < NB; i++) S[i] = zero;
    for (int p = 0; p < ND; p++) S[p * ND + p] = zero + c;
    for (int e = 0; e < nnz; e++) {
        lanes *w = rows[e] >= ND && cols[e] >= ND ? A + (rows[e] - ND) * nl + cols[e] - ND
                   : rows[e] < ND && cols[e] < ND ? S + rows[e] * ND + cols[e] : 0;
        if (w) EACH (*w)[l] -= J[(l < m ? l : m - 1) * nnz + e];
    }
    if (!invert_lanes(nl, A)) return 0;
    for (int i = 0; i < nl * ND; i++) G[i] = zero; // W_ll^-1 J_ld
    for (int e = 0; e < ndown; e++) {
        lanes v;
        EACH v[l] = L[(l < m ? l : m - 1) * ndown + e];
        const int r = down[3 * e + 1], d = down[3 * e + 2];
        for (int i = 0; i < nl; i++) G[i * ND + d] += A[i * nl + r] * v;
    }
    for (int e = 0; e < nup; e++) {
        lanes v;
        EACH v[l] = U[(l < m ? l : m - 1) * nup + e];
        const int r = up[3 * e + 1], k = up[3 * e + 2];
        for (int j = 0; j < ND; j++) S[r * ND + j] -= v * G[k * ND + j];
    }
    for (int l = 0; l < m; l++) {
        double *ql = q + (long)l * nl * nl, *s = schur + (long)node[l] * NB;
        const double v = volume[node[l]];
        int ok = 1;
        for (int i = 0; i < nl; i++)
            for (int j = 0; j < nl; j++) ql[j * nl + i] = A[i * nl + j][l];
        for (int p = 0; p < ND; p++)
            for (int j = 0; j < ND; j++) {
                s[j * ND + p] = v * S[p * ND + j][l];
                ok &= isfinite(S[p * ND + j][l]) != 0;
            }
        if (!ok) return 0;
    }
    return 1;
}

static inline void multiply(const int nl, const double *q, const double *x, double *y) { // y = Q x
    for (int p = 0; p < nl; p++) y[p] = 0.;
    for (int j = 0; j < nl; j++) {
        const double v = x[j];
        for (int p = 0; p < nl; p++) y[p] += q[j * nl + p] * v;
    }
}

// up, down: (entry of J, row, column) of the non-zeros of W_dl and of W_ld, rows and columns counted within them
#define POINTS(NAME, NL)                                                                                                \
    /* U, L: those entries, point by point */                                                                          \
    long NAME##_factor(long n, const int *node, int nnz, const int *rows, const int *cols, const double *J, double c,   \
                       const double *m, int nup, const int *up, double *U, int ndown, const int *down, double *L,       \
                       double *q, double *schur) {                                                                     \
        long bad = 0;                                                                                                  \
        for (long i0 = 0; i0 < n; i0 += LANES) {                                                                       \
            const int k = n - i0 < LANES ? (int)(n - i0) : LANES;                                                      \
            for (long i = i0; i < i0 + k; i++) {                                                                       \
                for (int e = 0; e < nup; e++) U[i * nup + e] = J[i * nnz + up[3 * e]];                                 \
                for (int e = 0; e < ndown; e++) L[i * ndown + e] = J[i * nnz + down[3 * e]];                           \
            }                                                                                                          \
            if (eliminate_lanes(NL, k, node + i0, nnz, rows, cols, J + i0 * nnz, c, m, nup, up, U + i0 * nup, ndown,   \
                                down, L + i0 * ndown, q + i0 * (NL) * (NL), schur))                                    \
                continue;                                                                                              \
            for (long i = i0; i < i0 + k; i++)                                                                         \
                bad += !eliminate(NL, nnz, rows, cols, J + i * nnz, c, m[node[i]], q + i * (NL) * (NL),                \
                                  schur + (long)node[i] * NB);                                                         \
        }                                                                                                              \
        return bad;                                                                                                    \
    }                                                                                                                  \
    /* b = m (r_d - W_dl W_ll^-1 r_l), and the local right side W_ll^-1 r_l is kept in place of r_l */                   \
    void NAME##_reduce(long n, const int *node, int nup, const int *up, const double *U, const double *m,                \
                       const double *q, double *rm, double *rs, double *b) {                                           \
        for (long i = 0; i < n; i++) {                                                                                 \
            double l[NL + 1], x[NL + 1], d[ND + 1], *r = rm + (long)node[i] * NM;                                      \
            const double *Ui = U + i * nup, mi = m[node[i]];                                                           \
            for (int p = 0; p < NM - ND; p++) l[p] = r[ND + p];                                                        \
            for (int p = NM - ND; p < (NL); p++) l[p] = rs[i * NS + p - (NM - ND)];                                    \
            multiply(NL, q + i * (NL) * (NL), l, x);                                                                   \
            for (int p = 0; p < ND; p++) d[p] = r[p];                                                                  \
            for (int e = 0; e < nup; e++) d[up[3 * e + 1]] += Ui[e] * x[up[3 * e + 2]];                                \
            for (int p = 0; p < ND; p++) b[(long)node[i] * ND + p] = mi * d[p];                                        \
            for (int p = 0; p < NM - ND; p++) r[ND + p] = x[p];                                                        \
            for (int p = NM - ND; p < (NL); p++) rs[i * NS + p - (NM - ND)] = x[p];                                    \
        }                                                                                                              \
    }                                                                                                                  \
    /* k_d = x ; k_l = (kept local right side) - W_ll^-1 W_ld x */                                                      \
    void NAME##_expand(long n, const int *node, int ndown, const int *down, const double *L, const double *q,            \
                       const double *xd, double *rm, double *rs) {                                                     \
        for (long i = 0; i < n; i++) {                                                                                 \
            double l[NL + 1], w[NL + 1], *r = rm + (long)node[i] * NM;                                                 \
            const double *x = xd + (long)node[i] * ND, *Li = L + i * ndown;                                            \
            for (int p = 0; p < (NL); p++) l[p] = 0.;                                                                  \
            for (int e = 0; e < ndown; e++) l[down[3 * e + 1]] += Li[e] * x[down[3 * e + 2]];                          \
            multiply(NL, q + i * (NL) * (NL), l, w);                                                                   \
            for (int p = 0; p < ND; p++) r[p] = x[p];                                                                  \
            for (int p = 0; p < NM - ND; p++) r[ND + p] += w[p];                                                       \
            for (int p = NM - ND; p < (NL); p++) rs[i * NS + p - (NM - ND)] += w[p];                                   \
        }                                                                                                              \
    }                                                                                                                  \
    /* out[p] += sum of weight x (J v) of every population: the rate of change of the totals along v */                 \
    void NAME##_jv(long n, const int *node, int nnz, const int *rows, const int *cols, const double *J,                 \
                   const double *m, const double *ms, const double *vm, const double *vs, double *out) {               \
        double of_entry[(ND + (NL)) * (ND + (NL)) + 1] = {0}; /* summed entry by entry: no chain of additions */        \
        for (long i = 0; i < n; i++) {                                                                                 \
            double v[2][ND + NL + 1]; /* times the weight of a marrow row, and of a surface row */                     \
            const double *Ji = J + i * nnz, w = m[node[i]], ws = ms[i];                                                \
            for (int p = 0; p < NM; p++) v[0][p] = w * vm[(long)node[i] * NM + p];                                     \
            for (int p = NM; p < ND + (NL); p++) v[0][p] = w * vs[i * NS + p - NM];                                    \
            if ((NL) == NM - ND) {                                                                                     \
                for (int q = 0; q < nnz; q++) of_entry[q] += Ji[q] * v[0][cols[q]];                                    \
                continue;                                                                                              \
            }                                                                                                          \
            for (int p = 0; p < NM; p++) v[1][p] = ws * vm[(long)node[i] * NM + p];                                    \
            for (int p = NM; p < ND + (NL); p++) v[1][p] = ws * vs[i * NS + p - NM];                                   \
            for (int q = 0; q < nnz; q++) of_entry[q] += Ji[q] * v[rows[q] >= NM][cols[q]];                            \
        }                                                                                                              \
        for (int q = 0; q < nnz; q++) out[rows[q]] += of_entry[q];                                                     \
    }

POINTS(marrow, NM - ND)
POINTS(surface, NM - ND + NS)
