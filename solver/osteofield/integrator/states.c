// SPDX-License-Identifier: LGPL-3.0-or-later
// Passes over whole states: combinations, norms, totals, extremes.
// Combinations visit all vectors stripe by stripe, so that the memory sees one stream per vector.
#define STRIPE 32 // numbers, in four registers
typedef double eight __attribute__((vector_size(64)));
typedef double eight_loose __attribute__((vector_size(64), aligned(8), may_alias));
static inline eight at(const double *x) { return *(const eight_loose *)x; }
static inline void set(double *x, eight v) { *(eight_loose *)x = v; }

void linear(long n, int k, const double *c, const double **x, double *o) { // o = sum c_j x_j
    long i = 0;
    for (; i + STRIPE <= n; i += STRIPE) {
        eight s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (int j = 0; j < k; j++) {
            const double f = c[j], *v = x[j] + i;
            s0 += f * at(v);
            s1 += f * at(v + 8);
            s2 += f * at(v + 16);
            s3 += f * at(v + 24);
        }
        set(o + i, s0);
        set(o + i + 8, s1);
        set(o + i + 16, s2);
        set(o + i + 24, s3);
    }
    for (; i < n; i++) {
        double s = 0.;
        for (int j = 0; j < k; j++) s += c[j] * x[j][i];
        o[i] = s;
    }
}
// two combinations of the numbers from `first` on
static inline void pair(long first, long n, int k, const double *c, const double *d, const double **x, double *o, double *q) {
    long i = 0;
    for (; i + STRIPE <= n; i += STRIPE) {
        eight s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, t0 = {0}, t1 = {0}, t2 = {0}, t3 = {0};
        for (int j = 0; j < k; j++) {
            const double f = c[j], g = d[j], *v = x[j] + first + i;
            const eight v0 = at(v), v1 = at(v + 8), v2 = at(v + 16), v3 = at(v + 24);
            s0 += f * v0;
            s1 += f * v1;
            s2 += f * v2;
            s3 += f * v3;
            t0 += g * v0;
            t1 += g * v1;
            t2 += g * v2;
            t3 += g * v3;
        }
        set(o + i, s0);
        set(o + i + 8, s1);
        set(o + i + 16, s2);
        set(o + i + 24, s3);
        set(q + i, t0);
        set(q + i + 8, t1);
        set(q + i + 16, t2);
        set(q + i + 24, t3);
    }
    for (; i < n; i++) {
        double s = 0., t = 0.;
        for (int j = 0; j < k; j++) {
            s += c[j] * x[j][first + i];
            t += d[j] * x[j][first + i];
        }
        o[i] = s;
        q[i] = t;
    }
}
// two combinations of the same vectors in one pass
void linear2(long n, int k, const double *c, const double *d, const double **x, double *o, double *q) {
    pair(0, n, k, c, d, x, o, q);
}

// Sums over rows of W numbers. Widths that are known at compile time (marrow and surface rows) keep their
// sums in registers.
#define WIDE(...)                                                                                                      \
    if (w == NM) {                                                                                                     \
        enum { W = NM };                                                                                               \
        __VA_ARGS__                                                                                                    \
    } else {                                                                                                           \
        enum { W = NS };                                                                                               \
        __VA_ARGS__                                                                                                    \
    }
#define ROOM (NM > NS ? NM : NS)

void squares(long n, int w, const double *m, const double *v, double *out) { // out[p] += sum m v^2
    double s[ROOM] = {0};
    WIDE(for (long i = 0; i < n; i++) for (int p = 0; p < W; p++) s[p] += m[i] * v[i * W + p] * v[i * W + p];)
    for (int p = 0; p < w; p++) out[p] += s[p];
}
void totals(long n, int w, const double *m, const double *v, double *out) { // out[p] += sum m v
    double s[ROOM] = {0};
    WIDE(for (long i = 0; i < n; i++) for (int p = 0; p < W; p++) s[p] += m[i] * v[i * W + p];)
    for (int p = 0; p < w; p++) out[p] += s[p];
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
// v += a d, and of every column: out[p] += sum m v^2, out[w + p] += sum m d^2, out[2w + p] = smallest v and
// out[3w + p] = largest |v| so far. A NaN shows in the sums.
void advance(long n, int w, const double *m, double a, const double *d, double *v, double *out) {
    double s[ROOM] = {0}, e[ROOM] = {0}, low[ROOM], high[ROOM];
    for (int p = 0; p < w; p++) { low[p] = out[2 * w + p]; high[p] = out[3 * w + p]; }
    WIDE(for (long i = 0; i < n; i++) for (int p = 0; p < W; p++) {
        const double di = d[i * W + p], x = v[i * W + p] + a * di, size = fabs(x);
        v[i * W + p] = x;
        s[p] += m[i] * x * x;
        e[p] += m[i] * di * di;
        low[p] = x < low[p] ? x : low[p];
        high[p] = size > high[p] ? size : high[p];
    })
    for (int p = 0; p < w; p++) {
        out[p] += s[p];
        out[w + p] += e[p];
        out[2 * w + p] = low[p];
        out[3 * w + p] = high[p];
    }
}
// out[p] += sum m u^2, out[w + p] += sum m z^2 of the combinations u = sum a_j x_j and z = sum b_j x_j, neither kept
void gaps(long n, int w, const double *m, int k, const double *a, const double *b, const double **x, double *out) {
    enum { CHUNK = 32 };
    double u[CHUNK * ROOM], z[CHUNK * ROOM], s[ROOM] = {0}, t[ROOM] = {0};
    for (long i0 = 0; i0 < n; i0 += CHUNK) {
        const long rows = n - i0 < CHUNK ? n - i0 : CHUNK;
        pair(i0 * w, rows * w, k, a, b, x, u, z);
        WIDE(for (long i = 0; i < rows; i++) for (int p = 0; p < W; p++) {
            s[p] += m[i0 + i] * u[i * W + p] * u[i * W + p];
            t[p] += m[i0 + i] * z[i * W + p] * z[i * W + p];
        })
    }
    for (int p = 0; p < w; p++) {
        out[p] += s[p];
        out[w + p] += t[p];
    }
}
