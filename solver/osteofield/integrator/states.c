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
// Stores that go past the caches, to where lines begin: nothing has to be read before. What is that large is out of the
// caches anyway before it is read again.
#define LARGE (1L << 19) // numbers
#ifdef __AVX512F__
#ifdef __clang__
static inline void send(double *x, eight v) { __builtin_nontemporal_store(v, (eight *)x); }
#else
static inline void send(double *x, eight v) { __builtin_ia32_movntpd512(x, v); }
#endif
static inline int sent(long n, const double *x) { return n >= LARGE && (uintptr_t)x % sizeof(eight) == 0; }
static inline void arrive(void) { __builtin_ia32_sfence(); }
#else
static inline void send(double *x, eight v) { set(x, v); }
static inline int sent(long n, const double *x) { return 0; }
static inline void arrive(void) {}
#endif
// u = sum c_j x_j and z = sum d_j x_j of four times eight numbers from `first` on, `apart` from each other
static inline void four_pairs(int k, const double *c, const double *d, const double **x, long first, long apart, eight *u,
                              eight *z) {
    for (int r = 0; r < 4; r++) u[r] = z[r] = (eight){0};
    for (int j = 0; j < k; j++)
        for (int r = 0; r < 4; r++) {
            const eight v = at(x[j] + first + r * apart);
            u[r] += c[j] * v;
            z[r] += d[j] * v;
        }
}
static inline void pair(long n, int k, const double *c, const double *d, const double **x, double *o, double *q,
                        void (*store)(double *, eight)) {
    long i = 0;
    for (; i + STRIPE <= n; i += STRIPE) {
        eight u[4], z[4];
        four_pairs(k, c, d, x, i, 8, u, z);
        for (int r = 0; r < 4; r++) store(o + i + 8 * r, u[r]);
        for (int r = 0; r < 4; r++) store(q + i + 8 * r, z[r]);
    }
    for (; i < n; i++) {
        double s = 0., t = 0.;
        for (int j = 0; j < k; j++) {
            s += c[j] * x[j][i];
            t += d[j] * x[j][i];
        }
        o[i] = s;
        q[i] = t;
    }
}
// two combinations of the same vectors in one pass
void linear2(long n, int k, const double *c, const double *d, const double **x, double *o, double *q) {
    if (sent(n, o) && sent(n, q)) {
        pair(n, k, c, d, x, o, q, send);
        arrive();
    } else
        pair(n, k, c, d, x, o, q, set);
}

// A row of a state is one vector, as wide as the next power of two: the numbers beyond the row are those of the
// next one, or zeros after the last, and are never stored.
#define KIND(NAME, W)                                                                                                  \
    typedef double NAME##_row __attribute__((vector_size(8 * WIDTH(W))));                                              \
    typedef long NAME##_mask __attribute__((vector_size(8 * WIDTH(W))));                                               \
    typedef double NAME##_loose __attribute__((vector_size(8 * WIDTH(W)), aligned(8), may_alias));                     \
    static inline NAME##_row NAME##_at(const double *x, int last) {                                                    \
        NAME##_row r = {0};                                                                                            \
        if (last) memcpy(&r, x, (W) * sizeof(double));                                                                 \
        else r = *(const NAME##_loose *)x;                                                                             \
        return r;                                                                                                      \
    }                                                                                                                  \
    static inline void NAME##_put(double *x, NAME##_row r) { memcpy(x, &r, (W) * sizeof(double)); }                    \
    static inline NAME##_row NAME##_pick(NAME##_mask c, NAME##_row a, NAME##_row b) {                                  \
        return (NAME##_row)((c & (NAME##_mask)a) | (~c & (NAME##_mask)b));                                             \
    }                                                                                                                  \
    static inline void NAME##_totals(long n, const double *m, const double *v, double *out) {                          \
        NAME##_row s = NAME##_at(out, 1);                                                                              \
        for (long i = 0; i < n; i++) s += m[i] * NAME##_at(v + i * (W), i + 1 == n);                                   \
        NAME##_put(out, s);                                                                                            \
    }                                                                                                                  \
    static inline void NAME##_squares(long n, const double *m, const double *v, double *out) {                         \
        NAME##_row s = NAME##_at(out, 1);                                                                              \
        for (long i = 0; i < n; i++) {                                                                                 \
            const NAME##_row x = NAME##_at(v + i * (W), i + 1 == n);                                                   \
            s += m[i] * x * x;                                                                                         \
        }                                                                                                              \
        NAME##_put(out, s);                                                                                            \
    }                                                                                                                  \
    static inline void NAME##_advance(long n, const double *m, double a, const double *d, double *v, double *out) {    \
        NAME##_row s = NAME##_at(out, 1), e = NAME##_at(out + (W), 1), low = NAME##_at(out + 2 * (W), 1),              \
                   high = NAME##_at(out + 3 * (W), 1);                                                                 \
        for (long i = 0; i < n; i++) {                                                                                 \
            const int last = i + 1 == n;                                                                               \
            const NAME##_row di = NAME##_at(d + i * (W), last), x = NAME##_at(v + i * (W), last) + a * di;             \
            const NAME##_row size = (NAME##_row)((NAME##_mask)x & 0x7fffffffffffffffL);                                \
            NAME##_put(v + i * (W), x);                                                                                \
            s += m[i] * x * x;                                                                                         \
            e += m[i] * di * di;                                                                                       \
            low = NAME##_pick(x < low, x, low);                                                                        \
            high = NAME##_pick(size > high, size, high);                                                               \
        }                                                                                                              \
        NAME##_put(out, s);                                                                                            \
        NAME##_put(out + (W), e);                                                                                      \
        NAME##_put(out + 2 * (W), low);                                                                                \
        NAME##_put(out + 3 * (W), high);                                                                               \
    }
KIND(marrow, NM)
KIND(surface, NS)

void squares(long n, int w, const double *m, const double *v, double *out) { // out[p] += sum m v^2
    w == NM ? marrow_squares(n, m, v, out) : surface_squares(n, m, v, out);
}
void totals(long n, int w, const double *m, const double *v, double *out) { // out[p] += sum m v
    w == NM ? marrow_totals(n, m, v, out) : surface_totals(n, m, v, out);
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
    w == NM ? marrow_advance(n, m, a, d, v, out) : surface_advance(n, m, a, d, v, out);
}
// out[p] += sum m u^2, out[w + p] += sum m z^2 of the combinations u = sum a_j x_j and z = sum b_j x_j, neither kept:
// four rows at once, eight columns after eight, of which those beyond a row are numbers of the next and count nowhere
void gaps(long n, int w, const double *m, int k, const double *a, const double *b, const double **x, double *out) {
    enum { PARTS = ((NM > NS ? NM : NS) + 7) / 8 };
    eight s[PARTS] = {{0}}, t[PARTS] = {{0}};
    long i = 0;
    for (; (n - i - 4) * w >= 8; i += 4)
        for (int q = 0; 8 * q < w; q++) {
            eight u[4], z[4];
            four_pairs(k, a, b, x, i * w + 8 * q, w, u, z);
            const double *v = m + i;
            s[q] += (v[0] * u[0] * u[0] + v[1] * u[1] * u[1]) + (v[2] * u[2] * u[2] + v[3] * u[3] * u[3]);
            t[q] += (v[0] * z[0] * z[0] + v[1] * z[1] * z[1]) + (v[2] * z[2] * z[2] + v[3] * z[3] * z[3]);
        }
    for (; i < n; i++)
        for (int p = 0; p < w; p++) {
            double u = 0., z = 0.;
            for (int j = 0; j < k; j++) {
                u += a[j] * x[j][i * w + p];
                z += b[j] * x[j][i * w + p];
            }
            s[p / 8][p % 8] += m[i] * u * u;
            t[p / 8][p % 8] += m[i] * z * z;
        }
    for (int p = 0; p < w; p++) {
        out[p] += s[p / 8][p % 8];
        out[w + p] += t[p / 8][p % 8];
    }
}
// o = w o + f - D (K x) / m in marrow rows `first` to `end` of n, and out[p] += sum m f: rates f of the reactions with
// what diffuses. Spare numbers follow x.
static inline void gain_as(int narrow, long first, long end, long n, const stiffness K, const double *D, const double *m,
                           const double *x, const double *f, double w, double *o, double *out) {
    marrow_row s = marrow_at(out, 1);
    few d = {0};
    memcpy(&d, D, ND * sizeof(double));
    for (long i = first; i < end; i++) {
        const int last = i + 1 == n;
        const few a = double_differences(&K, narrow, K.start[i], K.start[i + 1], x, i) * d * (1. / m[i]);
        double k[WIDTH(NM)] = {0};
        memcpy(k, &a, ND * sizeof(double));
        const marrow_row fi = marrow_at(f + i * NM, last);
        s += m[i] * fi;
        marrow_put(o + i * NM, w * marrow_at(o + i * NM, last) + fi - *(const marrow_loose *)k);
    }
    marrow_put(out, s);
}
void gain(long first, long end, long n, const stiffness *K, const double *D, const double *m, const double *x,
          const double *f, double w, double *o, double *out) {
    if (narrow_from(K, first))
        gain_as(1, first, end, n, *K, D, m, x, f, w, o, out);
    else
        gain_as(0, first, end, n, *K, D, m, x, f, w, o, out);
}
// b -= D K x in rows `first` to `end`. Spare numbers follow x.
static inline void diffuse_as(int narrow, long first, long end, const stiffness K, const double *D, const double *x,
                              double *b) {
    few d = {0};
    memcpy(&d, D, ND * sizeof(double));
    for (long i = first; i < end; i++) {
        const few s = double_differences(&K, narrow, K.start[i], K.start[i + 1], x, i) * d;
        double k[WIDTH(ND)];
        memcpy(k, &s, sizeof s);
        for (int p = 0; p < ND; p++) b[i * ND + p] -= k[p];
    }
}
void diffuse(long first, long end, const stiffness *K, const double *D, const double *x, double *b) {
    if (narrow_from(K, first))
        diffuse_as(1, first, end, *K, D, x, b);
    else
        diffuse_as(0, first, end, *K, D, x, b);
}
