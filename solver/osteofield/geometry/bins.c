// SPDX-License-Identifier: LGPL-3.0-or-later
// Nearest points, and closest facets around points, by the bins of a regular grid (DIM 2 or 3).
#include <math.h>
#define SAME 1e-13 // um: a facet that is nearer by less does not count as nearer

// Points are sorted by bin, the last axis fastest; those of bin b are begin[b] .. begin[b + 1].
typedef struct {
    const double *lo, *centre;
    const int *dims, *begin, *row;
    double size;
} Bins;

static inline double square(const double *x, const double *y) {
    double s = 0.;
    for (int k = 0; k < DIM; k++) s += (x[k] - y[k]) * (x[k] - y[k]);
    return s;
}

// Bin of a place, or the nearest one; returns how far it is inside (negative: outside).
static double home(const Bins *b, const double *x, int *at) {
    double depth = INFINITY;
    for (int k = 0; k < DIM; k++) {
        double t = (x[k] - b->lo[k]) / b->size, i = floor(t);
        i = i < 0. ? 0. : i > b->dims[k] - 1 ? b->dims[k] - 1 : i;
        at[k] = (int)i;
        depth = fmin(depth, fmin(t - i, i + 1. - t));
    }
    return depth * b->size;
}

static int rings(const Bins *b, const int *at) {
    int most = 0;
    for (int k = 0; k < DIM; k++) {
        int far = at[k] > b->dims[k] - 1 - at[k] ? at[k] : b->dims[k] - 1 - at[k];
        most = far > most ? far : most;
    }
    return most;
}

// Runs of points in the bins that are r bins away from bin `at` (largest difference of an index).
typedef void Visit(void *, int, int);
static inline __attribute__((always_inline)) void ring(const Bins *b, const int *at, int r, Visit *visit, void *what) {
    const int *n = b->dims, last = DIM - 1;
    for (int i = -r; i <= r; i++) {
        int u = at[0] + i;
        if (u < 0 || u >= n[0]) continue;
#if DIM == 3
        for (int j = -r; j <= r; j++) {
            int v = at[1] + j;
            if (v < 0 || v >= n[1]) continue;
            long line = ((long)u * n[1] + v) * n[2];
            int whole = i == -r || i == r || j == -r || j == r;
#else
        {
            long line = (long)u * n[1];
            int whole = i == -r || i == r;
#endif
            int a = at[last] - r, e = at[last] + r;
            if (whole) {
                int from = a < 0 ? 0 : a, to = e >= n[last] ? n[last] - 1 : e;
                if (from <= to) visit(what, b->begin[line + from], b->begin[line + to + 1]);
            } else {
                if (a >= 0) visit(what, b->begin[line + a], b->begin[line + a + 1]);
                if (e < n[last] && e > a) visit(what, b->begin[line + e], b->begin[line + e + 1]);
            }
        }
    }
}

// ---------------------------------------------------------------- points
typedef struct {
    const Bins *b;
    const double *x;
    int k, count, *id;
    double *d;
} Near;

static inline __attribute__((always_inline)) void try_points(void *what, int from, int to) {
    Near *q = what;
    for (int j = from; j < to; j++) {
        double s = square(q->x, q->b->centre + (long)j * DIM);
        int id = q->b->row[j], m = q->count;
        if (m == q->k) {
            if (s > q->d[m - 1] || (s == q->d[m - 1] && id > q->id[m - 1])) continue;
            m--;
        } else
            q->count++;
        for (; m > 0 && (q->d[m - 1] > s || (q->d[m - 1] == s && q->id[m - 1] > id)); m--)
            q->d[m] = q->d[m - 1], q->id[m] = q->id[m - 1];
        q->d[m] = s, q->id[m] = id;
    }
}

// The k nearest points of each place: squared distances and rows, by distance, then by row; -1: there are no more.
void nearest(long places, const double *x, const double *lo, double size, const int *dims, const int *begin,
             const int *row, const double *centre, int k, double *d, int *id) {
    Bins b = {lo, centre, dims, begin, row, size};
    for (long p = 0; p < places; p++) {
        Near q = {&b, x + p * DIM, k, 0, id + p * k, d + p * k};
        int at[DIM];
        double depth = home(&b, q.x, at);
        int most = rings(&b, at);
        for (int r = 0; r <= most; r++) {
            double least = depth + (r - 1) * size; // nothing in ring r is nearer
            if (q.count == k && least > 0. && least * least > q.d[k - 1]) break;
            ring(&b, at, r, try_points, &q);
        }
        for (int m = q.count; m < k; m++) q.d[m] = INFINITY, q.id[m] = -1;
    }
}

// ---------------------------------------------------------------- facets
static inline double share(double part, double rest) {
    double whole = part + rest, t = whole == 0. ? part : part / whole;
    return t < 0. ? 0. : t > 1. ? 1. : t;
}

#if DIM == 3
static inline double dot(const double *u, const double *v) { return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]; }

// Barycentric coordinates of the closest point (Ericson 2005, Real-Time Collision Detection, 5.1.5).
static void barycentric(const double *x, const double *c, double *w) {
    double ab[3], ac[3], ap[3], bp[3], cp[3];
    for (int k = 0; k < 3; k++) {
        ab[k] = c[3 + k] - c[k], ac[k] = c[6 + k] - c[k];
        ap[k] = x[k] - c[k], bp[k] = x[k] - c[3 + k], cp[k] = x[k] - c[6 + k];
    }
    double d1 = dot(ab, ap), d2 = dot(ac, ap), d3 = dot(ab, bp), d4 = dot(ac, bp), d5 = dot(ab, cp), d6 = dot(ac, cp);
    w[0] = w[1] = w[2] = 0.;
    if (d1 <= 0. && d2 <= 0.) { w[0] = 1.; return; }
    if (d3 >= 0. && d4 <= d3) { w[1] = 1.; return; }
    if (d6 >= 0. && d5 <= d6) { w[2] = 1.; return; }
    double va = d3 * d6 - d5 * d4, vb = d5 * d2 - d1 * d6, vc = d1 * d4 - d3 * d2;
    if (vc <= 0. && d1 >= 0. && d3 <= 0.) { w[0] = share(-d3, d1), w[1] = share(d1, -d3); return; }
    if (vb <= 0. && d2 >= 0. && d6 <= 0.) { w[0] = share(-d6, d2), w[2] = share(d2, -d6); return; }
    if (va <= 0. && d4 - d3 >= 0. && d5 - d6 >= 0.) {
        w[1] = share(d5 - d6, d4 - d3), w[2] = share(d4 - d3, d5 - d6);
        return;
    }
    double sum = va + vb + vc;
    if (sum == 0.) sum = 1.;
    w[1] = vb / sum, w[2] = vc / sum, w[0] = 1. - w[1] - w[2];
}
#else
static void barycentric(const double *x, const double *c, double *w) {
    double e[2] = {c[2] - c[0], c[3] - c[1]}, length = e[0] * e[0] + e[1] * e[1];
    w[1] = length > 0. ? ((x[0] - c[0]) * e[0] + (x[1] - c[1]) * e[1]) / length : 0.;
    w[1] = w[1] < 0. ? 0. : w[1] > 1. ? 1. : w[1];
    w[0] = 1. - w[1];
}
#endif

static double gap(const double *x, const double *c, double *w) {
    double foot[DIM];
    barycentric(x, c, w);
    for (int k = 0; k < DIM; k++) {
        foot[k] = 0.;
        for (int i = 0; i < DIM; i++) foot[k] += w[i] * c[i * DIM + k];
    }
    return sqrt(square(x, foot));
}

typedef struct {
    const Bins *b;
    const double *x, *radius, *corner;
    double best, *w;
    int facet;
} Closest;

static inline __attribute__((always_inline)) void try_facets(void *what, int from, int to) {
    Closest *q = what;
    for (int j = from; j < to; j++) {
        double limit = q->best + q->radius[j] + SAME;
        if (square(q->x, q->b->centre + (long)j * DIM) > limit * limit) continue; // it cannot be nearer
        double w[DIM], d = gap(q->x, q->corner + (long)j * DIM * DIM, w);
        int id = q->b->row[j];
        if (d < q->best - SAME || (d < q->best + SAME && q->facet >= 0 && id < q->facet)) {
            q->best = d, q->facet = id;
            for (int k = 0; k < DIM; k++) q->w[k] = w[k];
        }
    }
}

// The closest facet of each place among those not farther than `reach`; -1: none. Of equally near ones the first.
void closest(long places, const double *x, const double *lo, double size, const int *dims, const int *begin,
             const int *row, const double *centre, const double *radius, const double *corner, double widest,
             double reach, double *distance, int *facet, double *w) {
    Bins b = {lo, centre, dims, begin, row, size};
    for (long p = 0; p < places; p++) {
        Closest q = {&b, x + p * DIM, radius, corner, reach, w + p * DIM, -1};
        int at[DIM];
        double depth = home(&b, q.x, at);
        int most = rings(&b, at);
        for (int r = 0; r <= most && depth + (r - 1) * size <= q.best + widest + SAME; r++)
            ring(&b, at, r, try_facets, &q);
        distance[p] = q.best, facet[p] = q.facet;
    }
}

// Distance and barycentric coordinates of the closest point of one facet for each place.
void on_facets(long places, const double *x, const double *corner, double *distance, double *w) {
    for (long p = 0; p < places; p++) distance[p] = gap(x + p * DIM, corner + p * DIM * DIM, w + p * DIM);
}
