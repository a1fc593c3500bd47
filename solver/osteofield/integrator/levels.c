// SPDX-License-Identifier: LGPL-3.0-or-later
// Node blocks of a level of the multigrid hierarchy, single precision: inverses, groups of populations, coarse blocks.
// Eight inverses side by side, in place, column major, without pivoting; false where a pivot is small beside its column.
static inline int invert_lanes(const int n, lanes *A) {
    places good = A[0] == A[0]; // a NaN is not good
    for (int p = 0; p < n; p++) {
        const lanes pivot = A[p * n + p];
        lanes big = pivot * 0.;
        for (int i = p + 1; i < n; i++) big = pick(size_of(A[p * n + i]) > big, size_of(A[p * n + i]), big);
        good &= (size_of(pivot) > 0.05 * big) & (size_of(pivot) < INFINITY);
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
    int all = 1;
    EACH all &= good[l] != 0;
    return all;
}

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
        const real *from[LANES];
        real *to[LANES];
        lanes A[NB + 1], k;
        EACH {
            const long i = i0 + (l < m ? l : m - 1);
            from[l] = S + i * NB;
            to[l] = P + i * NB;
            k[l] = kd[i];
        }
        gather_single(NB, from, A);
        for (int p = 0; p < ND; p++) A[p * ND + p] += k * (double)D[p];
        if (invert_lanes(ND, A))
            scatter_single(NB, m, A, to);
        else
            bad += invert_one_by_one(m, kd + i0, D, S + i0 * NB, P + i0 * NB);
    }
    return bad;
}
// o = b - S z for one z at all nodes
void subtract_uniform(long n, const real *S, const double *z, const real *b, real *o) {
    for (long i = 0; i < n; i++) {
        double s[ND];
        for (int p = 0; p < ND; p++) s[p] = b[i * ND + p];
        for (int q = 0; q < ND; q++)
            for (int p = 0; p < ND; p++) s[p] -= S[i * NB + q * ND + p] * z[q];
        for (int p = 0; p < ND; p++) o[i * ND + p] = (real)s[p];
    }
}
// ---------------------------------------------------------------- smoothers that couple groups of populations only
// A row of S or of its inverse holds ND diagonal entries, then every group's block, column major, ng groups of size[g]
// populations listed one after the other in index; w numbers in all.

void compact(long n, int ng, const int *size, const int *index, int w, const real *S, real *out) {
    for (long r = 0; r < n; r++) {
        const real *s = S + r * NB;
        real *o = out + r * w;
        for (int p = 0; p < ND; p++) o[p] = s[p * ND + p];
        o += ND;
        const int *x = index;
        for (int g = 0; g < ng; x += size[g++])
            for (int b = 0; b < size[g]; b++)
                for (int a = 0; a < size[g]; a++) *o++ = s[x[b] * ND + x[a]];
    }
}
#define LARGEST_GROUP 4
long invert_groups(long n, int ng, const int *size, const int *index, int w, const real *kd, const real *D, const real *S,
                   real *P) {
    long bad = 0;
    const vec d = padded(D), one = d * 0.f + 1.f;
    typedef int32_t marks __attribute__((vector_size(4 * VW)));
    marks none = {0};
    for (long r = 0; r < n; r++) {
        const real *s = S + r * w;
        real *o = P + r * w;
        const vec a = get(s) + kd[r] * d;
        const marks there = (a > 0.f) | (a < 0.f); // neither 0 nor NaN
        none -= ~there;
        put(o, one / (vec)((there & (marks)a) | (~there & (marks)one)));
        if (!ng) continue;
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
    for (int p = 0; p < ND; p++) bad += none[p];
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
// Y += P^T X for rows of w numbers, sixteen at a time; WEIGHTS coarse rows per fine row
static inline void lump_rows(long first, long last, const int w, const int *column, const real *weight, const real *x,
                             real *y) {
    typedef real sixteen __attribute__((vector_size(64)));
    typedef real sixteen_loose __attribute__((vector_size(64), aligned(4), may_alias));
    for (long i = first; i < last; i++)
        for (int e = 0; e < WEIGHTS; e++) {
            const real v = weight[WEIGHTS * i + e], *xi = x + i * w;
            real *to = y + (long)column[WEIGHTS * i + e] * w;
            for (int p = 0; p < w; p += 16) {
                const sixteen s = *(const sixteen_loose *)(to + p) + v * *(const sixteen_loose *)(xi + p);
                memcpy(to + p, &s, (w - p < 16 ? w - p : 16) * sizeof(real));
            }
        }
}
void lump(long first, long last, int w, const int *column, const real *weight, const real *x, real *y) {
    if (w == ND) // known to the compiler: rows without groups, and whole blocks
        lump_rows(first, last, ND, column, weight, x, y);
    else if (w == NB)
        lump_rows(first, last, NB, column, weight, x, y);
    else
        lump_rows(first, last, w, column, weight, x, y);
}
