// SPDX-License-Identifier: LGPL-3.0-or-later
// Linear algebra of (c I - J) k = r for interleaved populations on one scalar stiffness K.
// ND diffusing populations come first in a marrow row of NM values; the other NM-ND are local.
// A surface point adds NS local values of its own. Preconditioner data and vectors are float.
#include <math.h>
#include <string.h>

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

// ---------------------------------------------------------------- points: exact local elimination
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
        for (long i = 0; i < n; i++) {                                                                                 \
            double v[ND + NL], w[ND + NL];                                                                             \
            const double *Ji = J + i * nnz;                                                                            \
            for (int p = 0; p < NM; p++) v[p] = vm[(long)node[i] * NM + p];                                            \
            for (int p = NM; p < ND + (NL); p++) v[p] = vs[i * NS + p - NM];                                           \
            for (int p = 0; p < ND + (NL); p++) w[p] = 0.;                                                             \
            for (int q = 0; q < nnz; q++) w[rows[q]] += Ji[q] * v[cols[q]];                                            \
            for (int p = 0; p < NM; p++) out[p] += m[node[i]] * w[p];                                                  \
            for (int p = NM; p < ND + (NL); p++) out[p] += ms[i] * w[p];                                               \
        }                                                                                                              \
    }

POINTS(marrow, NM - ND)
POINTS(surface, NM - ND + NS)

// ---------------------------------------------------------------- double precision operator
void pack(long n, const double *y, double *x) { // diffusing part of marrow rows
    for (long i = 0; i < n; i++)
        for (int p = 0; p < ND; p++) x[i * ND + p] = y[i * NM + p];
}
static inline void kx(const int *ip, const int *ix, const real *kv, const double *x, long i, double *s) { // row of K x
    const double *xi = x + i * ND;
    for (int p = 0; p < ND; p++) s[p] = 0.;
    for (int j = ip[i]; j < ip[i + 1]; j++) {
        const double v = kv[j], *xj = x + (long)ix[j] * ND;
        for (int p = 0; p < ND; p++) s[p] += v * (xj[p] - xi[p]);
    }
}
// f_d -= D (K x) / m
void diffuse(long n, const int *ip, const int *ix, const real *kv, const double *D, const double *m, const double *x,
             double *f) {
    for (long i = 0; i < n; i++) {
        double s[ND];
        kx(ip, ix, kv, x, i, s);
        const double im = 1. / m[i];
        for (int p = 0; p < ND; p++) f[i * NM + p] -= D[p] * s[p] * im;
    }
}
// y = (D K + S) x, x has owned and ghost rows
void apply(long n, const int *ip, const int *ix, const real *kv, const double *D, const double *S, const double *x,
           double *y) {
    for (long i = 0; i < n; i++) {
        double s[ND];
        kx(ip, ix, kv, x, i, s);
        for (int p = 0; p < ND; p++) s[p] *= D[p];
        const double *Si = S + i * NB, *xi = x + i * ND;
        for (int q = 0; q < ND; q++) {
            const double v = xi[q];
            for (int p = 0; p < ND; p++) s[p] += Si[q * ND + p] * v;
        }
        for (int p = 0; p < ND; p++) y[i * ND + p] = s[p];
    }
}
// ---------------------------------------------------------------- Krylov vectors, float
#define PIECE 128 // rows worked on while they are in cache

typedef float wide __attribute__((vector_size(32)));
typedef float wide_loose __attribute__((vector_size(32), aligned(4), may_alias));
static inline double product(const real *x, const real *y, long n) { // of two short stretches of numbers
    wide s = {0}, t = {0};
    long i = 0;
    for (; i + 16 <= n; i += 16) {
        s += *(const wide_loose *)(x + i) * *(const wide_loose *)(y + i);
        t += *(const wide_loose *)(x + i + 8) * *(const wide_loose *)(y + i + 8);
    }
    s += t;
    double out = 0.;
    for (; i < n; i++) out += (double)x[i] * y[i];
    for (int l = 0; l < 8; l++) out += s[l];
    return out;
}
static inline void weigh(long rows, const real *w2, const real *x, real *y) { // y = w2 x
    for (long i = 0; i < rows; i++)
        for (int p = 0; p < ND; p++) y[i * ND + p] = w2[p] * x[i * ND + p];
}
static inline double weighted_square(long rows, const real *w2, const real *x) {
    real t[PIECE * ND + 1];
    weigh(rows, w2, x, t);
    return product(t, x, rows * ND);
}
// r = a b, x = 0; returns the weighted square of r
double begin(long n, double a, const real *w2, const double *b, real *r) {
    double s = 0.;
    for (long i0 = 0; i0 < n; i0 += PIECE) {
        const long m = n - i0 < PIECE ? n - i0 : PIECE;
        for (long i = i0 * ND; i < (i0 + m) * ND; i++) r[i] = (real)(a * b[i]);
        s += weighted_square(m, w2, r + i0 * ND);
    }
    return s;
}
double square(long n, const double *w2, const double *b) { // weighted square of a double vector
    double s[ND + 1] = {0}, out = 0.;
    for (long i = 0; i < n; i++)
        for (int p = 0; p < ND; p++) s[p] += b[i * ND + p] * b[i * ND + p];
    for (int p = 0; p < ND; p++) out += w2[p] * s[p];
    return out;
}
static inline void products(long rows, int k, const real *w2, const real *V, long stride, const real *w, const real *r,
                            double *out) {
    real t[PIECE * ND + 1];
    weigh(rows, w2, w, t);
    for (int j = 0; j < k; j++) out[j] += product(V + j * stride, t, rows * ND);
    out[k] += product(w, t, rows * ND);
    out[k + 1] += product(r, t, rows * ND);
}
// out[j] = <V_j, w> for k vectors, out[k] = <w, w>, out[k+1] = <w, r>
void dots(long n, int k, const real *w2, const real *V, long stride, const real *w, const real *r, double *out) {
    for (int j = 0; j < k + 2; j++) out[j] = 0.;
    for (long i0 = 0; i0 < n; i0 += PIECE) {
        const long m = n - i0 < PIECE ? n - i0 : PIECE, o = i0 * ND;
        products(m, k, w2, V + o, stride, w + o, r + o, out);
    }
}
// w = (D K + S) x for owned and ghost rows of x, with the products of `dots`. Rows of K sum to zero and what differences
// to the neighbours give is accurate also where x is smooth.
void apply_dots(long n, const int *ip, const int *ix, const real *kv, const real *D, const real *S, const real *x, int k,
                const real *w2, const real *V, long stride, const real *r, real *w, double *out) {
    const vec d = padded(D);
    for (int j = 0; j < k + 2; j++) out[j] = 0.;
    for (long i0 = 0; i0 < n; i0 += PIECE) {
        const long m = n - i0 < PIECE ? n - i0 : PIECE, o = i0 * ND;
        for (long i = i0; i < i0 + m; i++) {
            const vec xi = get(x + i * ND);
            vec s = {0}, t = {0};
            int j = ip[i], e = ip[i + 1];
            for (; j + 1 < e; j += 2) {
                s += kv[j] * (get(x + (long)ix[j] * ND) - xi);
                t += kv[j + 1] * (get(x + (long)ix[j + 1] * ND) - xi);
            }
            if (j < e) s += kv[j] * (get(x + (long)ix[j] * ND) - xi);
            put(w + i * ND, d * (s + t) + block(S + i * NB, x + i * ND));
        }
        products(m, k, w2, V + o, stride, w + o, r + o, out);
    }
}
// w = a (w - sum c_j V_j), r -= y w; returns the weighted square of r
double orthogonalise(long n, int k, const real *w2, const double *c, const real *V, long stride, double a, double y,
                     real *w, real *r) {
    double s = 0.;
    for (long i0 = 0; i0 < n; i0 += PIECE) {
        const long m = n - i0 < PIECE ? n - i0 : PIECE, o = i0 * ND, e = m * ND;
        for (int j = 0; j < k; j++) {
            const real f = (real)c[j], *v = V + j * stride + o;
            for (long i = 0; i < e; i++) w[o + i] -= f * v[i];
        }
        const real fa = (real)a, fy = (real)y;
        for (long i = 0; i < e; i++) {
            w[o + i] *= fa;
            r[o + i] -= fy * w[o + i];
        }
        s += weighted_square(m, w2, r + o);
    }
    return s;
}
// r -= sum c_j V_j; returns its weighted square
double project(long n, int k, const real *w2, const double *c, const real *V, long stride, real *r) {
    double s = 0.;
    for (long i0 = 0; i0 < n; i0 += PIECE) {
        const long m = n - i0 < PIECE ? n - i0 : PIECE, o = i0 * ND, e = m * ND;
        for (int j = 0; j < k; j++) {
            const real f = (real)c[j], *v = V + j * stride + o;
            for (long i = 0; i < e; i++) r[o + i] -= f * v[i];
        }
        s += weighted_square(m, w2, r + o);
    }
    return s;
}
void combine(long n, int k, const double *c, const real *Z, long stride, double *x) { // x += sum c_j Z_j
    for (long i0 = 0; i0 < n * ND; i0 += 1024) {
        const long e = n * ND - i0 < 1024 ? n * ND - i0 : 1024;
        for (int j = 0; j < k; j++) {
            const real *z = Z + j * stride + i0;
            const double a = c[j];
            for (long i = 0; i < e; i++) x[i0 + i] += a * z[i];
        }
    }
}
void linear(long n, int k, const double *c, const double **x, double *o) { // o = sum c_j x_j
    for (long b = 0; b < n; b += 1024) {
        long e = b + 1024 < n ? b + 1024 : n;
        double t[1024];
        for (long i = b; i < e; i++) t[i - b] = 0.;
        for (int j = 0; j < k; j++) {
            const double a = c[j], *q = x[j];
            for (long i = b; i < e; i++) t[i - b] += a * q[i];
        }
        for (long i = b; i < e; i++) o[i] = t[i - b];
    }
}
// two combinations of the same vectors in one pass
void linear2(long n, int k, const double *c, const double *d, const double **x, double *o, double *q) {
    for (long b = 0; b < n; b += 1024) {
        long e = b + 1024 < n ? b + 1024 : n;
        double t[1024], u[1024];
        for (long i = b; i < e; i++) t[i - b] = u[i - b] = 0.;
        for (int j = 0; j < k; j++) {
            const double a = c[j], f = d[j], *v = x[j];
            for (long i = b; i < e; i++) {
                t[i - b] += a * v[i];
                u[i - b] += f * v[i];
            }
        }
        for (long i = b; i < e; i++) {
            o[i] = t[i - b];
            q[i] = u[i - b];
        }
    }
}
void squares(long n, int w, const double *m, const double *v, double *out) { // out[p] += sum m v^2
    for (long i = 0; i < n; i++)
        for (int p = 0; p < w; p++) out[p] += m[i] * v[i * w + p] * v[i * w + p];
}
void totals(long n, int w, const double *m, const double *v, double *out) { // out[p] += sum m v
    for (long i = 0; i < n; i++)
        for (int p = 0; p < w; p++) out[p] += m[i] * v[i * w + p];
}
void lowest(long n, int w, const double *v, double *out) {
    for (long i = 0; i < n; i++)
        for (int p = 0; p < w; p++)
            if (!(v[i * w + p] >= out[p]) && out[p] == out[p]) out[p] = v[i * w + p]; // a NaN comes in and stays
}
void largest(long n, int w, const double *v, double *out) {
    for (long i = 0; i < n; i++)
        for (int p = 0; p < w; p++)
            if (fabs(v[i * w + p]) > out[p] || v[i * w + p] != v[i * w + p]) out[p] = fabs(v[i * w + p]); // keeps a NaN
}

// ---------------------------------------------------------------- multigrid level, float

void narrow(long n, const double *x, real *y) { for (long i = 0; i < n; i++) y[i] = (real)x[i]; }

// P = (S + K_ii D)^-1, column major; returns the number of singular blocks
static inline long invert_one_by_one(long n, const real *kd, const real *D, const real *S, real *P) {
    long bad = 0;
    for (long i = 0; i < n; i++) {
        double A[NB], X[NB];
        for (int q = 0; q < ND; q++)
            for (int p = 0; p < ND; p++) {
                A[p * ND + q] = S[i * NB + q * ND + p];
                X[p * ND + q] = p == q;
            }
        for (int p = 0; p < ND; p++) A[p * ND + p] += (double)kd[i] * D[p];
        for (int p = 0; p < ND; p++) {
            int b = p;
            for (int r = p + 1; r < ND; r++)
                if (fabs(A[r * ND + p]) > fabs(A[b * ND + p])) b = r;
            double d = A[b * ND + p];
            if (!(fabs(d) > 0.)) { bad++; d = 1.; }
            for (int q = 0; q < ND; q++) {
                double t = A[b * ND + q]; A[b * ND + q] = A[p * ND + q]; A[p * ND + q] = t / d;
                t = X[b * ND + q]; X[b * ND + q] = X[p * ND + q]; X[p * ND + q] = t / d;
            }
            for (int r = 0; r < ND; r++) {
                double f = A[r * ND + p];
                if (r == p || f == 0.) continue;
                for (int q = 0; q < ND; q++) { A[r * ND + q] -= f * A[p * ND + q]; X[r * ND + q] -= f * X[p * ND + q]; }
            }
        }
        for (int q = 0; q < ND; q++)
            for (int p = 0; p < ND; p++) P[i * NB + q * ND + p] = (real)X[p * ND + q];
    }
    return bad;
}
long invert(long n, const real *kd, const real *D, const real *S, real *P) {
    long bad = 0;
    for (long i0 = 0; i0 < n; i0 += LANES) {
        const int m = n - i0 < LANES ? (int)(n - i0) : LANES;
        lanes A[NB + 1];
        for (int q = 0; q < ND; q++)
            for (int p = 0; p < ND; p++)
                EACH A[p * ND + q][l] = S[(i0 + (l < m ? l : m - 1)) * NB + q * ND + p];
        for (int p = 0; p < ND; p++) EACH A[p * ND + p][l] += (double)kd[i0 + (l < m ? l : m - 1)] * D[p];
        if (!invert_lanes(ND, A)) {
            bad += invert_one_by_one(m, kd + i0, D, S + i0 * NB, P + i0 * NB);
            continue;
        }
        for (int l = 0; l < m; l++)
            for (int q = 0; q < ND; q++)
                for (int p = 0; p < ND; p++) P[(i0 + l) * NB + q * ND + p] = (real)A[p * ND + q][l];
    }
    return bad;
}
// o = b - S z for one z at all nodes
void subtract_uniform(long n, const double *S, const double *z, const real *b, real *o) {
    for (long i = 0; i < n; i++) {
        double s[ND];
        for (int p = 0; p < ND; p++) s[p] = b[i * ND + p];
        for (int q = 0; q < ND; q++)
            for (int p = 0; p < ND; p++) s[p] -= S[i * NB + q * ND + p] * z[q];
        for (int p = 0; p < ND; p++) o[i * ND + p] = (real)s[p];
    }
}
static inline void relax(const int *ip, const int *ix, const real *kv, const real *kd, vec D, const real *P,
                         const real *b, real *x, long i) {
    real t[VW];
    vec s = krow(ip, ix, kv, x, i) - kd[i] * get(x + i * ND);
    *(loose *)t = get(b + i * ND) - D * s;
    put(x + i * ND, block(P + i * NB, t));
}
// one Gauss-Seidel sweep with block inverses; ghost rows of x are read only
void sweep(long n, int backward, const int *ip, const int *ix, const real *kv, const real *kd, const real *D,
           const real *P, const real *b, real *x) {
    const vec d = padded(D);
    if (backward)
        for (long i = n - 1; i >= 0; i--) relax(ip, ix, kv, kd, d, P, b, x, i);
    else
        for (long i = 0; i < n; i++) relax(ip, ix, kv, kd, d, P, b, x, i);
}
// The first forward sweep, from x = 0: only neighbours that come before count: the columns of a row ascend,
// those before the diagonal end at lo[i], those after it begin at up[i].
void sweep_from_zero(long n, const int *ip, const int *lo, const int *ix, const real *kv, const real *D, const real *P,
                     const real *b, real *x) {
    const vec d = padded(D);
    for (long i = 0; i < n; i++) {
        real t[VW];
        *(loose *)t = get(b + i * ND) - d * part(ip[i], lo[i], ix, kv, x);
        put(x + i * ND, block(P + i * NB, t));
    }
}
// What is left after that sweep: the neighbours that come after, ghosts included, are all that it has not seen.
void residual_after_zero(long n, const int *ip, const int *up, const int *ix, const real *kv, const real *D,
                         const real *x, real *r) {
    const vec d = padded(D);
    for (long i = 0; i < n; i++) put(r + i * ND, -d * part(up[i], ip[i + 1], ix, kv, x));
}
// ---------------------------------------------------------------- smoothers that couple groups of populations only
// A row of S or of its inverse holds ND diagonal entries, then every group's block, column major, ng groups of size[g]
// populations listed one after the other in index; w numbers in all.

// out[j * ND + i] = largest |S_ij S_ji| / (S_ii S_jj) over the rows, i < j: whatever the units of the populations
void coupling(long n, const double *S, double *out) {
    for (long r = 0; r < n; r++) {
        const double *s = S + r * NB;
        for (int j = 1; j < ND; j++)
            for (int i = 0; i < j; i++) {
                const double c = fabs(s[j * ND + i] * s[i * ND + j]), d = fabs(s[i * ND + i] * s[j * ND + j]);
                if (c > out[j * ND + i] * d) out[j * ND + i] = d > 0. ? c / d : INFINITY;
            }
    }
}
void compact(long n, int ng, const int *size, const int *index, int w, const double *S, real *out) {
    for (long r = 0; r < n; r++) {
        const double *s = S + r * NB;
        real *o = out + r * w;
        for (int p = 0; p < ND; p++) o[p] = (real)s[p * ND + p];
        o += ND;
        const int *x = index;
        for (int g = 0; g < ng; x += size[g++])
            for (int b = 0; b < size[g]; b++)
                for (int a = 0; a < size[g]; a++) *o++ = (real)s[x[b] * ND + x[a]];
    }
}
#define LARGEST_GROUP 4
long invert_groups(long n, int ng, const int *size, const int *index, int w, const real *kd, const real *D, const real *S,
                   real *P) {
    long bad = 0;
    for (long r = 0; r < n; r++) {
        const real *s = S + r * w;
        real *o = P + r * w;
        for (int p = 0; p < ND; p++) {
            const double d = s[p] + (double)kd[r] * D[p];
            bad += !(fabs(d) > 0.);
            o[p] = (real)(1. / (fabs(d) > 0. ? d : 1.));
        }
        s += ND;
        o += ND;
        const int *x = index;
        for (int g = 0; g < ng; x += size[g++]) {
            const int k = size[g];
            double A[LARGEST_GROUP][2 * LARGEST_GROUP];
            for (int a = 0; a < k; a++)
                for (int b = 0; b < k; b++) {
                    A[a][b] = s[b * k + a] + (a == b ? (double)kd[r] * D[x[a]] : 0.);
                    A[a][k + b] = a == b;
                }
            for (int p = 0; p < k; p++) {
                int best = p;
                for (int a = p + 1; a < k; a++)
                    if (fabs(A[a][p]) > fabs(A[best][p])) best = a;
                double d = A[best][p];
                if (!(fabs(d) > 0.)) { bad++; d = 1.; }
                for (int b = 0; b < 2 * k; b++) {
                    const double t = A[best][b];
                    A[best][b] = A[p][b];
                    A[p][b] = t / d;
                }
                for (int a = 0; a < k; a++) {
                    const double f = A[a][p];
                    if (a == p || f == 0.) continue;
                    for (int b = 0; b < 2 * k; b++) A[a][b] -= f * A[p][b];
                }
            }
            for (int b = 0; b < k; b++)
                for (int a = 0; a < k; a++) o[b * k + a] = (real)A[a][k + b];
            s += k * k;
            o += k * k;
        }
    }
    return bad;
}
static inline void put_groups(int ng, const int *size, const int *index, const real *P, vec t, real *x) { // x = P t
    if (!ng) {
        put(x, get(P) * t);
        return;
    }
    real u[VW], z[VW];
    *(loose *)u = t;
    *(loose *)z = get(P) * t;
    P += ND;
    for (int g = 0; g < ng; index += size[g++]) {
        const int k = size[g];
        for (int a = 0; a < k; a++) {
            real v = 0.f;
            for (int b = 0; b < k; b++) v += P[b * k + a] * u[index[b]];
            z[index[a]] = v;
        }
        P += k * k;
    }
    put(x, *(loose *)z);
}
void sweep_groups_from_zero(long n, const int *ip, const int *lo, const int *ix, const real *kv, const real *D, int ng,
                            const int *size, const int *index, int w, const real *P, const real *b, real *x) {
    const vec d = padded(D);
    for (long i = 0; i < n; i++)
        put_groups(ng, size, index, P + i * w, get(b + i * ND) - d * part(ip[i], lo[i], ix, kv, x), x + i * ND);
}
void sweep_groups(long n, int backward, const int *ip, const int *ix, const real *kv, const real *kd, const real *D, int ng,
                  const int *size, const int *index, int w, const real *P, const real *b, real *x) {
    const vec d = padded(D);
    for (long r = 0; r < n; r++) {
        const long i = backward ? n - 1 - r : r;
        const vec s = krow(ip, ix, kv, x, i) - kd[i] * get(x + i * ND);
        put_groups(ng, size, index, P + i * w, get(b + i * ND) - d * s, x + i * ND);
    }
}
// y = A x for rows of w numbers
void transfer_rows(long n, int w, const int *ip, const int *ix, const real *av, const real *x, real *y) {
    for (long i = 0; i < n; i++) {
        real *o = y + i * w;
        for (int p = 0; p < w; p++) o[p] = 0.f;
        for (int j = ip[i]; j < ip[i + 1]; j++) {
            const real v = av[j], *xj = x + (long)ix[j] * w;
            for (int p = 0; p < w; p++) o[p] += v * xj[p];
        }
    }
}
// y (+)= A x for a rectangular scalar matrix
void transfer(long n, int add, const int *ip, const int *ix, const real *av, const real *x, real *y) {
    for (long i = 0; i < n; i++) {
        vec s = krow(ip, ix, av, x, i);
        if (add) s += get(y + i * ND);
        put(y + i * ND, s);
    }
}
