// SPDX-License-Identifier: LGPL-3.0-or-later
#include <math.h>
#include <string.h>

// Passes over the rows of a scalar matrix, double precision.

// Aggregates of the rows of a scalar matrix, and smoothed piecewise constant functions on them.
// label[i] = aggregate of row i < n. Roots are a maximal set of rows no two of which are neighbours, found in the order
// of the rows; every other row joins the root to which its entry is most negative. Returns the number of aggregates.
long aggregate(long n, const int *ip, const int *ix, const double *kv, int *label) {
    enum { FREE = -1, COVERED = -2, JOINED = -3 };
    long count = 0;
    for (long i = 0; i < n; i++) label[i] = FREE;
    for (long i = 0; i < n; i++) {
        if (label[i] != FREE) continue;
        label[i] = (int)count++;
        for (int j = ip[i]; j < ip[i + 1]; j++)
            if (ix[j] < n && label[ix[j]] == FREE) label[ix[j]] = COVERED;
    }
    for (long i = 0; i < n; i++) {
        if (label[i] != COVERED) continue;
        double best = INFINITY;
        int root = -1;
        for (int j = ip[i]; j < ip[i + 1]; j++)
            if (ix[j] < n && label[ix[j]] >= 0 && kv[j] < best) { best = kv[j]; root = label[ix[j]]; }
        label[i] = root < 0 ? (int)count++ : JOINED - root; // the matrix is not quite symmetric: a root of its own
    }
    for (long i = 0; i < n; i++)
        if (label[i] <= JOINED) label[i] = JOINED - label[i];
    return count;
}
// Rows of (1 - damping K_ii^-1 K) applied to the indicators of aggregates: that of its own aggregate
// and the largest others, WEIGHTS in all, scaled to sum one. label: of owned and ghost rows.
void prolongator(long n, const int *ip, const int *ix, const double *kv, double damping, const int *label, int *column,
                 double *weight) {
    enum { MOST = 256 };
    for (long i = 0; i < n; i++) {
        int of[MOST], found = 1;
        double w[MOST], diagonal = 0., sum = 0.;
        for (int j = ip[i]; j < ip[i + 1]; j++)
            if (ix[j] == i) diagonal = kv[j];
        of[0] = label[i];
        w[0] = 1.;
        for (int j = ip[i]; j < ip[i + 1] && diagonal > 0.; j++) {
            int a = 0;
            while (a < found && of[a] != label[ix[j]]) a++;
            if (a == MOST) continue;
            if (a == found) { of[found] = label[ix[j]]; w[found++] = 0.; }
            w[a] -= damping * kv[j] / diagonal;
        }
        if (!(w[0] > 1. - damping)) w[0] = 1. - damping; // no aggregate may lose all its rows
        for (int e = 0, best = 0; e < WEIGHTS; e++) {    // its own first, then the largest
            for (int a = 0; e && a < found; a++)
                if (w[a] > w[best]) best = a;
            column[WEIGHTS * i + e] = of[best];
            sum += weight[WEIGHTS * i + e] = w[best] > 0. ? w[best] : 0.;
            w[best] = 0.;
        }
        for (int e = 0; e < WEIGHTS; e++) weight[WEIGHTS * i + e] /= sum;
    }
}
// ---------------------------------------------------------------- Galerkin product, column by column of an open row
// Every row of a result is gathered in the order in which its columns are met; mark[c], -1 at first, is where column c
// was met last. Results are refused (-1) where they may not fit into `room` entries.
static inline long add_to(long begin, long end, int c, double v, int *mark, int *ox, double *ov) {
    if (mark[c] < begin) {
        mark[c] = (int)end;
        ox[end] = c;
        ov[end] = v;
        return end + 1;
    }
    ov[mark[c]] += v;
    return end;
}
// A P for the prolongator P
long smoothed(long n, const int *ip, const int *ix, const double *kv, const int *column, const double *weight, int *mark,
              long room, int *op, int *ox, double *ov) {
    long end = op[0] = 0;
    for (long i = 0; i < n; i++) {
        const long begin = end;
        if (end + (long)WEIGHTS * (ip[i + 1] - ip[i]) > room) return -1;
        for (int j = ip[i]; j < ip[i + 1]; j++) {
            const int *c = column + (long)WEIGHTS * ix[j];
            const double *w = weight + (long)WEIGHTS * ix[j];
            for (int e = 0; e < WEIGHTS; e++) end = add_to(begin, end, c[e], kv[j] * w[e], mark, ox, ov);
        }
        op[i + 1] = (int)end;
    }
    return end;
}
// P^T B with m rows. first: m + 1 numbers, from: those of P, both to work in.
long gathered(long n, long m, const int *column, const double *weight, const int *ip, const int *ix, const double *bv,
              int *first, int *from, int *mark, long room, int *op, int *ox, double *ov) {
    for (long c = 0; c <= m; c++) first[c] = 0;
    for (long e = 0; e < n * WEIGHTS; e++) first[column[e] + 1]++;
    for (long c = 0; c < m; c++) first[c + 1] += first[c];
    for (long e = 0; e < n * WEIGHTS; e++) from[first[column[e]]++] = (int)e;
    long end = op[0] = 0;
    for (long c = 0, t = 0; c < m; c++) { // first[c] has become the end of row c
        const long begin = end;
        for (; t < first[c]; t++) {
            const int e = from[t], i = e / WEIGHTS;
            if (end + ip[i + 1] - ip[i] > room) return -1;
            if (weight[e] == 0.) continue;
            for (int j = ip[i]; j < ip[i + 1]; j++) end = add_to(begin, end, ix[j], weight[e] * bv[j], mark, ox, ov);
        }
        op[c + 1] = (int)end;
    }
    return end;
}
// Rows with their columns renamed, and others added to them. diagonal: of the sum.
long joined(long n, const int *ip, const int *ix, const double *v, const int *name, const int *ep, const int *ex,
            const double *ev, int *mark, int *op, int *ox, double *ov, double *diagonal) {
    long end = op[0] = 0;
    for (long i = 0; i < n; i++) {
        const long begin = end;
        for (int j = ip[i]; j < ip[i + 1]; j++) end = add_to(begin, end, name[ix[j]], v[j], mark, ox, ov);
        for (int j = ep[i]; j < ep[i + 1]; j++) end = add_to(begin, end, ex[j], ev[j], mark, ox, ov);
        diagonal[i] = 0.;
        for (long j = begin; j < end; j++)
            if (ox[j] == i) diagonal[i] = ov[j];
        op[i + 1] = (int)end;
    }
    return end;
}
// The larger entries beside the diagonal, in the order of their columns, and the diagonal that closes the row.
// d: of owned and ghost rows. ox, ov: room for n entries more than there are.
long closed(long n, const int *ip, const int *ix, const double *v, const double *d, double drop, int *op, int *ox,
            double *ov) {
    long end = op[0] = 0;
    for (long i = 0; i < n; i++) {
        const long begin = end;
        double sum = 0.;
        for (int j = ip[i]; j < ip[i + 1]; j++) {
            const int c = ix[j];
            if (c == i || !(fabs(v[j]) >= drop * (d[i] < d[c] ? d[i] : d[c]))) continue;
            long k = end++;
            for (; k > begin && ox[k - 1] > c; k--) { ox[k] = ox[k - 1]; ov[k] = ov[k - 1]; }
            ox[k] = c;
            ov[k] = v[j];
        }
        for (long j = begin; j < end; j++) sum += ov[j];
        long k = end++;
        for (; k > begin && ox[k - 1] > i; k--) { ox[k] = ox[k - 1]; ov[k] = ov[k - 1]; }
        ox[k] = (int)i;
        ov[k] = -sum;
        op[i + 1] = (int)end;
    }
    return end;
}
// Where the entries of a row before the diagonal end, where those after it begin, and the diagonal; columns ascend.
void split(long n, const int *ip, const int *ix, const double *kv, int *lower, int *upper, double *diagonal) {
    for (long i = 0; i < n; i++) {
        int j = ip[i];
        while (j < ip[i + 1] && ix[j] < i) j++;
        lower[i] = j;
        diagonal[i] = 0.;
        if (j < ip[i + 1] && ix[j] == i) diagonal[i] = kv[j++];
        upper[i] = j;
    }
}
// Off-diagonal entries of every row, those before the diagonal and those after it each made even in number by one of zero,
// whose column is that of the last before: room for them was counted into start and middle. step: columns of rows from
// `edge` on counted from the row; returns whether all of them are near enough.
long paired(long n, long edge, const int *ip, const int *lower, const int *upper, const int *ix, const double *kv,
            const int *start, const int *middle, int *column, short *step, float *value) {
    long near = 1;
    for (long i = 0; i < n; i++) {
        for (int half = 0; half < 2; half++) {
            const int from = half ? upper[i] : ip[i], to = half ? ip[i + 1] : lower[i];
            const int end = half ? start[i + 1] : middle[i];
            int at = half ? middle[i] : start[i];
            for (int j = from; j < to; j++, at++) {
                column[at] = ix[j];
                value[at] = (float)kv[j];
            }
            if (at < end) {
                column[at] = ix[to - 1];
                value[at] = 0.f;
            }
        }
        for (int j = start[i]; j < start[i + 1] && i >= edge; j++) {
            const long d = column[j] - i;
            near &= d >= -32768 && d <= 32767;
            step[j] = (short)d;
        }
    }
    return near;
}
// Of every `chunk` rows the least column of these and all after them, and the largest below n of these and all before,
// the rows' own numbers among them.
void extents(long n, long chunk, const int *start, const int *column, int *near, int *far) {
    const long chunks = (n + chunk - 1) / chunk;
    for (long k = 0; k < chunks; k++) {
        const long last = (k + 1) * chunk < n ? (k + 1) * chunk : n;
        int least = (int)(k * chunk), most = (int)(last - 1);
        for (int j = start[k * chunk]; j < start[last]; j++) {
            if (column[j] < least) least = column[j];
            if (column[j] > most && column[j] < n) most = column[j];
        }
        near[k] = least;
        far[k] = k && far[k - 1] > most ? far[k - 1] : most;
    }
    for (long k = chunks - 2; k >= 0; k--)
        if (near[k + 1] < near[k]) near[k] = near[k + 1];
}
// ---------------------------------------------------------------- rows of arrays that go to other ranks
void pack(long n, const int *rows, long bytes, const void *x, void *out) {
    for (long i = 0; i < n; i++) memcpy((char *)out + i * bytes, (const char *)x + rows[i] * bytes, bytes);
}
void add_double(long n, const int *rows, long width, const double *what, double *x) {
    for (long i = 0; i < n; i++)
        for (long p = 0; p < width; p++) x[rows[i] * width + p] += what[i * width + p];
}
void add_single(long n, const int *rows, long width, const float *what, float *x) {
    for (long i = 0; i < n; i++)
        for (long p = 0; p < width; p++) x[rows[i] * width + p] += what[i * width + p];
}
// Rows with a column beyond n (the edge), then their neighbours, the neighbours of these, ..., each once; returns how
// many. The edge begins where it has fewest neighbours and goes on from neighbour to neighbour as well.
// state: n zeros. 1: at the edge and not reached yet, 2: reached.
static long reach(long begin, long end, const int *ip, const int *ix, long n, int only, int *order, unsigned char *state) {
    for (long k = begin; k < end; k++)
        for (int j = ip[order[k]]; j < ip[order[k] + 1]; j++)
            if (ix[j] < n && state[ix[j]] == only) {
                state[ix[j]] = 2;
                order[end++] = ix[j];
            }
    return end;
}
long layers(long n, const int *ip, const int *ix, int *order, unsigned char *state) {
    long end = 0, start = -1;
    for (long i = 0; i < n; i++) {
        for (int j = ip[i]; j < ip[i + 1] && !state[i]; j++) state[i] = ix[j] >= n;
        if (state[i] && (start < 0 || ip[i + 1] - ip[i] < ip[start + 1] - ip[start])) start = i;
    }
    for (long i = start; start >= 0 && i < start + n; i++) // other pieces of the edge in the order of rows
        if (state[i % n] == 1) {
            const long begin = end;
            state[i % n] = 2;
            order[end++] = (int)(i % n);
            end = reach(begin, end, ip, ix, n, 1, order, state);
        }
    return reach(0, end, ip, ix, n, 0, order, state);
}
