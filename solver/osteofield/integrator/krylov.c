// SPDX-License-Identifier: LGPL-3.0-or-later
// The operator, and passes over Krylov vectors.
void pack(long n, const double *y, double *x) { // diffusing part of marrow rows
    for (long i = 0; i < n; i++)
        for (int p = 0; p < ND; p++) x[i * ND + p] = y[i * NM + p];
}
static inline void kx(const stiffness *K, const double *x, long i, double *s) { // row of K x
    const double *xi = x + i * ND;
    for (int p = 0; p < ND; p++) s[p] = 0.;
    for (int j = K->start[i]; j < K->start[i + 1]; j++) {
        const double v = K->value[j], *xj = x + (long)K->column[j] * ND;
        for (int p = 0; p < ND; p++) s[p] += v * (xj[p] - xi[p]);
    }
}
// y = (D K + S) x, x has owned and ghost rows
void apply(const stiffness *K, const double *D, const double *S, const double *x, double *y) {
    for (long i = 0; i < K->rows; i++) {
        double s[ND];
        kx(K, x, i, s);
        for (int p = 0; p < ND; p++) s[p] *= D[p];
        const double *Si = S + i * NB, *xi = x + i * ND;
        for (int q = 0; q < ND; q++) {
            const double v = xi[q];
            for (int p = 0; p < ND; p++) s[p] += Si[q * ND + p] * v;
        }
        for (int p = 0; p < ND; p++) y[i * ND + p] = s[p];
    }
}
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
void combine(long n, int k, const double *c, const real *Z, long stride, int fresh, double *x) { // x += sum c_j Z_j
    for (long i0 = 0; i0 < n * ND; i0 += 1024) {
        const long e = n * ND - i0 < 1024 ? n * ND - i0 : 1024;
        if (fresh) memset(x + i0, 0, e * sizeof(double)); // in the first cache
        for (int j = 0; j < k; j++) {
            const real *z = Z + j * stride + i0;
            const double a = c[j];
            for (long i = 0; i < e; i++) x[i0 + i] += a * z[i];
        }
    }
}
