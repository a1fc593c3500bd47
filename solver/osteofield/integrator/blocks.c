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

// ---------------------------------------------------------------- points: exact local elimination
// W = c I - J at one point; local unknowns l (marrow local, then surface) are eliminated exactly.
// lu: LU with partial pivoting of W_ll, pivots in piv. schur: m (W_dd - W_dl W_ll^-1 W_ld), column major.
static inline int eliminate(const int nl, int nnz, const int *rows, const int *cols, const double *J, double c, double m,
                            double *lu, unsigned char *piv, double *schur) {
    const int nt = ND + nl;
    double W[(ND + NM - ND + NS) * (ND + NM - ND + NS)];
    for (int i = 0; i < nt * nt; i++) W[i] = 0.;
    for (int i = 0; i < nt; i++) W[i * nt + i] = c;
    for (int q = 0; q < nnz; q++) W[rows[q] * nt + cols[q]] -= J[q];
    double B[(NM - ND + NS + 1) * ND];
    for (int p = 0; p < nl; p++) {
        for (int q = 0; q < nl; q++) lu[p * nl + q] = W[(ND + p) * nt + ND + q];
        for (int q = 0; q < ND; q++) B[p * ND + q] = W[(ND + p) * nt + q];
    }
    int ok = 1;
    for (int p = 0; p < nl; p++) {
        int b = p;
        double big = fabs(lu[p * nl + p]);
        for (int i = p + 1; i < nl; i++)
            if (fabs(lu[i * nl + p]) > big) { big = fabs(lu[i * nl + p]); b = i; }
        piv[p] = (unsigned char)b;
        if (!(big > 0.) || !isfinite(big)) { ok = 0; lu[p * nl + p] = 1.; continue; }
        if (b != p) {
            for (int q = 0; q < nl; q++) { double t = lu[p * nl + q]; lu[p * nl + q] = lu[b * nl + q]; lu[b * nl + q] = t; }
            for (int q = 0; q < ND; q++) { double t = B[p * ND + q]; B[p * ND + q] = B[b * ND + q]; B[b * ND + q] = t; }
        }
        double inv = 1. / lu[p * nl + p];
        for (int i = p + 1; i < nl; i++) {
            double f = lu[i * nl + p];
            if (f == 0.) continue;
            f *= inv;
            lu[i * nl + p] = f;
            for (int q = p + 1; q < nl; q++) lu[i * nl + q] -= f * lu[p * nl + q];
            for (int q = 0; q < ND; q++) B[i * ND + q] -= f * B[p * ND + q];
        }
    }
    for (int p = nl - 1; p >= 0; p--) {
        for (int i = p + 1; i < nl; i++) {
            double f = lu[p * nl + i];
            if (f == 0.) continue;
            for (int q = 0; q < ND; q++) B[p * ND + q] -= f * B[i * ND + q];
        }
        double inv = 1. / lu[p * nl + p];
        for (int q = 0; q < ND; q++) B[p * ND + q] *= inv;
    }
    for (int p = 0; p < ND; p++) {
        double s[ND];
        for (int q = 0; q < ND; q++) s[q] = W[p * nt + q];
        for (int i = 0; i < nl; i++) {
            double f = W[p * nt + ND + i];
            if (f == 0.) continue;
            for (int q = 0; q < ND; q++) s[q] -= f * B[i * ND + q];
        }
        for (int q = 0; q < ND; q++) {
            schur[q * ND + p] = m * s[q];
            ok &= isfinite(s[q]) != 0;
        }
    }
    return ok;
}

static inline void lu_solve(const int nl, const double *lu, const unsigned char *piv, double *x) {
    for (int p = 0; p < nl; p++) { // the rows of L were exchanged together with those of U
        int b = piv[p];
        double t = x[p]; x[p] = x[b]; x[b] = t;
    }
    for (int p = 0; p < nl; p++)
        for (int i = p + 1; i < nl; i++) x[i] -= lu[i * nl + p] * x[p];
    for (int p = nl - 1; p >= 0; p--) {
        for (int i = p + 1; i < nl; i++) x[p] -= lu[p * nl + i] * x[i];
        x[p] /= lu[p * nl + p];
    }
}

#define POINTS(NAME, NL)                                                                                                \
    long NAME##_factor(long n, const int *node, int nnz, const int *rows, const int *cols, const double *J, double c,   \
                       const double *m, double *lu, unsigned char *piv, double *schur) {                               \
        long bad = 0;                                                                                                  \
        for (long i = 0; i < n; i++)                                                                                   \
            bad += !eliminate(NL, nnz, rows, cols, J + i * nnz, c, m[node[i]], lu + i * (NL) * (NL), piv + i * (NL),      \
                              schur + (long)node[i] * NB);                                                             \
        return bad;                                                                                                    \
    }                                                                                                                  \
    /* b = m (r_d - W_dl W_ll^-1 r_l), and the local right side W_ll^-1 r_l is kept in place of r_l */                   \
    void NAME##_reduce(long n, const int *node, int nnz, const int *rows, const int *cols, const double *J,             \
                       const double *m, const double *lu, const unsigned char *piv, double *rm, double *rs, double *b) { \
        for (long i = 0; i < n; i++) {                                                                                 \
            double x[NL + 1], d[ND], *r = rm + (long)node[i] * NM;                                                     \
            const double *Ji = J + i * nnz;                                                                            \
            for (int p = 0; p < NM - ND; p++) x[p] = r[ND + p];                                                        \
            for (int p = NM - ND; p < (NL); p++) x[p] = rs[i * NS + p - (NM - ND)];                                    \
            lu_solve(NL, lu + i * (NL) * (NL), piv + i * (NL), x);                                                     \
            for (int p = 0; p < ND; p++) d[p] = r[p];                                                                  \
            for (int q = 0; q < nnz; q++)                                                                              \
                if (rows[q] < ND && cols[q] >= ND) d[rows[q]] += Ji[q] * x[cols[q] - ND];                              \
            for (int p = 0; p < ND; p++) b[(long)node[i] * ND + p] = m[node[i]] * d[p];                                \
            for (int p = 0; p < NM - ND; p++) r[ND + p] = x[p];                                                        \
            for (int p = NM - ND; p < (NL); p++) rs[i * NS + p - (NM - ND)] = x[p];                                    \
        }                                                                                                              \
    }                                                                                                                  \
    /* k_d = x ; k_l = (kept local right side) - W_ll^-1 W_ld x */                                                      \
    void NAME##_expand(long n, const int *node, int nnz, const int *rows, const int *cols, const double *J,             \
                       const double *lu, const unsigned char *piv, const double *xd, double *rm, double *rs) {          \
        for (long i = 0; i < n; i++) {                                                                                 \
            double w[NL + 1], *r = rm + (long)node[i] * NM;                                                            \
            const double *x = xd + (long)node[i] * ND, *Ji = J + i * nnz;                                              \
            for (int p = 0; p < (NL); p++) w[p] = 0.;                                                                  \
            for (int q = 0; q < nnz; q++)                                                                              \
                if (rows[q] >= ND && cols[q] < ND) w[rows[q] - ND] += Ji[q] * x[cols[q]];                              \
            lu_solve(NL, lu + i * (NL) * (NL), piv + i * (NL), w);                                                     \
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
// f_d -= D (K x) / m
void diffuse(long n, const int *ip, const int *ix, const double *kv, const double *D, const double *m, const double *x,
             double *f) {
    for (long i = 0; i < n; i++) {
        double s[ND];
        for (int p = 0; p < ND; p++) s[p] = 0.;
        for (int j = ip[i]; j < ip[i + 1]; j++) {
            const double v = kv[j], *xj = x + (long)ix[j] * ND;
            for (int p = 0; p < ND; p++) s[p] += v * xj[p];
        }
        const double im = 1. / m[i];
        for (int p = 0; p < ND; p++) f[i * NM + p] -= D[p] * s[p] * im;
    }
}
// y = (D K + S) x, x has owned and ghost rows
void apply(long n, const int *ip, const int *ix, const double *kv, const double *D, const double *S, const double *x,
           double *y) {
    for (long i = 0; i < n; i++) {
        double s[ND];
        for (int p = 0; p < ND; p++) s[p] = 0.;
        for (int j = ip[i]; j < ip[i + 1]; j++) {
            const double v = kv[j], *xj = x + (long)ix[j] * ND;
            for (int p = 0; p < ND; p++) s[p] += v * xj[p];
        }
        for (int p = 0; p < ND; p++) s[p] *= D[p];
        const double *Si = S + i * NB, *xi = x + i * ND;
        for (int q = 0; q < ND; q++) {
            const double v = xi[q];
            for (int p = 0; p < ND; p++) s[p] += Si[q * ND + p] * v;
        }
        for (int p = 0; p < ND; p++) y[i * ND + p] = s[p];
    }
}
// out[j] = sum_i w_p^2 V_j w ; V has row stride N
void dots(long n, int k, const double *w2, const double *V, long stride, const double *x, double *out) {
    for (int j = 0; j < k; j++) {
        double s[ND];
        const double *v = V + j * stride;
        for (int p = 0; p < ND; p++) s[p] = 0.;
        for (long i = 0; i < n; i++)
            for (int p = 0; p < ND; p++) s[p] += v[i * ND + p] * x[i * ND + p];
        out[j] = 0.;
        for (int p = 0; p < ND; p++) out[j] += w2[p] * s[p];
    }
}
void axpys(long n, int k, const double *c, const double *V, long stride, double *x) { // x -= sum c_j V_j
    for (int j = 0; j < k; j++) {
        const double *v = V + j * stride, a = c[j];
        for (long i = 0; i < n * ND; i++) x[i] -= a * v[i];
    }
}
void combine(long n, int k, const double *c, const real *Z, long stride, double *x) { // x += sum c_j Z_j
    for (int j = 0; j < k; j++) {
        const real *z = Z + j * stride;
        const double a = c[j];
        for (long i = 0; i < n * ND; i++) x[i] += a * z[i];
    }
}
void scale_to(long n, double a, const double *x, double *y, real *z) { // y = a x, z = float(y)
    for (long i = 0; i < n * ND; i++) { y[i] = a * x[i]; z[i] = (real)y[i]; }
}
void widen(long n, const real *z, double *x) {
    for (long i = 0; i < n * ND; i++) x[i] = z[i];
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
long invert(long n, const real *kd, const real *D, const real *S, real *P) {
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
static inline vec krow(const int *ip, const int *ix, const real *kv, const real *x, long i) {
    vec s = {0}, t = {0};
    int j = ip[i], e = ip[i + 1];
    for (; j + 1 < e; j += 2) {
        s += kv[j] * get(x + (long)ix[j] * ND);
        t += kv[j + 1] * get(x + (long)ix[j + 1] * ND);
    }
    if (j < e) s += kv[j] * get(x + (long)ix[j] * ND);
    return s + t;
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
static inline void relax(const int *ip, const int *ix, const real *kv, const real *kd, vec D, const real *P,
                         const real *b, real *x, long i) {
    real t[VW];
    vec s = krow(ip, ix, kv, x, i) - kd[i] * get(x + i * ND);
    *(loose *)t = get(b + i * ND) - D * s;
    put(x + i * ND, block(P + i * NB, t));
}
static inline vec padded(const real *D) {
    real d[VW] = {0};
    memcpy(d, D, ND * sizeof(real));
    return get(d);
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
// r = b - (D K + S) x
void residual(long n, const int *ip, const int *ix, const real *kv, const real *D, const real *S, const real *b,
              const real *x, real *r) {
    const vec d = padded(D);
    for (long i = 0; i < n; i++)
        put(r + i * ND, get(b + i * ND) - d * krow(ip, ix, kv, x, i) - block(S + i * NB, x + i * ND));
}
// y (+)= A x for a rectangular scalar matrix
void transfer(long n, int add, const int *ip, const int *ix, const real *av, const real *x, real *y) {
    for (long i = 0; i < n; i++) {
        vec s = krow(ip, ix, av, x, i);
        if (add) s += get(y + i * ND);
        put(y + i * ND, s);
    }
}
// the same for rows of whole node blocks
void transfer_blocks(long n, const int *ip, const int *ix, const real *av, const real *x, real *y) {
    for (long i = 0; i < n; i++) {
        real s[NB];
        for (int p = 0; p < NB; p++) s[p] = 0.f;
        for (int j = ip[i]; j < ip[i + 1]; j++) {
            const real v = av[j], *xj = x + (long)ix[j] * NB;
            for (int p = 0; p < NB; p++) s[p] += v * xj[p];
        }
        for (int p = 0; p < NB; p++) y[i * NB + p] = s[p];
    }
}
