// SPDX-License-Identifier: LGPL-3.0-or-later
// Stiffness (grad u, grad v) of piecewise linear functions on tetrahedra (DIM 3) or triangles (DIM 2), row by row.
#include <math.h>
#include <string.h>
#define CORNERS (DIM + 1)
#define PAIRS (CORNERS * (CORNERS - 1) / 2)

// k[c][..]: what cell c adds for its pairs of corners (0,1), (0,2), ..., (1,2), ...
void pairs(long cells, const int *corner, const double *x, double *k) {
    for (long c = 0; c < cells; c++) {
        double g[CORNERS][DIM], e[DIM][DIM], det;
        const double *o = x + (long)corner[c * CORNERS] * DIM;
        for (int a = 0; a < DIM; a++)
            for (int d = 0; d < DIM; d++) e[a][d] = x[(long)corner[c * CORNERS + a + 1] * DIM + d] - o[d];
#if DIM == 3
        for (int a = 0; a < 3; a++) {
            const double *p = e[(a + 1) % 3], *q = e[(a + 2) % 3];
            for (int d = 0; d < 3; d++) g[a + 1][d] = p[(d + 1) % 3] * q[(d + 2) % 3] - p[(d + 2) % 3] * q[(d + 1) % 3];
        }
        det = e[0][0] * g[1][0] + e[0][1] * g[1][1] + e[0][2] * g[1][2];
        const double f = 1. / (6. * fabs(det));
#else
        g[1][0] = e[1][1];
        g[1][1] = -e[1][0];
        g[2][0] = -e[0][1];
        g[2][1] = e[0][0];
        det = e[0][0] * e[1][1] - e[0][1] * e[1][0];
        const double f = 1. / (2. * fabs(det));
#endif
        for (int d = 0; d < DIM; d++) {
            g[0][d] = 0.;
            for (int a = 1; a < CORNERS; a++) g[0][d] -= g[a][d];
        }
        double *out = k + c * PAIRS;
        for (int a = 0; a < CORNERS; a++)
            for (int b = a + 1; b < CORNERS; b++) {
                double s = 0.;
                for (int d = 0; d < DIM; d++) s += g[a][d] * g[b][d];
                *out++ = f * s;
            }
    }
}
// Cells around each of the first `rows` vertices: begin (rows + 1), list. list may be null: then only begin is made.
void around(long rows, long cells, const int *corner, int *begin, int *list) {
    memset(begin, 0, (rows + 1) * sizeof(int));
    for (long i = 0; i < cells * CORNERS; i++)
        if (corner[i] < rows) begin[corner[i] + 1]++;
    for (long i = 0; i < rows; i++) begin[i + 1] += begin[i];
    if (!list) return;
    for (long c = 0; c < cells; c++)
        for (int a = 0; a < CORNERS; a++) {
            const int v = corner[c * CORNERS + a];
            if (v < rows) list[begin[v]++] = (int)c;
        }
    for (long i = rows; i > 0; i--) begin[i] = begin[i - 1];
    begin[0] = 0;
}
static inline int pair_of(int a, int b) { // a < b
    return a * (2 * CORNERS - a - 1) / 2 + b - a - 1;
}
#define MOST 1024 // neighbours of one vertex
// Rows of the matrix; mark: one -1 per vertex. With indices null only the row lengths are counted into indptr.
// Returns how many rows have too many neighbours.
long rows_of(long rows, const int *begin, const int *list, const int *corner, const double *k, int *mark, int *indptr,
             int *indices, double *values) {
    long used = 0;
    if (!indices) indptr[0] = 0;
    for (long i = 0; i < rows; i++) {
        int near[MOST];
        double sum[MOST];
        int n = 1;
        near[0] = (int)i;
        sum[0] = 0.;
        mark[i] = 0;
        for (int j = begin[i]; j < begin[i + 1]; j++) {
            const int *v = corner + (long)list[j] * CORNERS;
            int own = 0;
            while (v[own] != i) own++;
            for (int a = 0; a < CORNERS; a++) {
                if (a == own) continue;
                int at = mark[v[a]];
                if (at < 0) {
                    if (n == MOST) return 1;
                    at = mark[v[a]] = n;
                    near[n] = v[a];
                    sum[n++] = 0.;
                }
                if (indices) {
                    const double x = k[(long)list[j] * PAIRS + (a < own ? pair_of(a, own) : pair_of(own, a))];
                    sum[at] += x;
                    sum[0] -= x;
                }
            }
        }
        for (int q = 0; q < n; q++) mark[near[q]] = -1;
        if (!indices) {
            indptr[i + 1] = indptr[i] + n;
            continue;
        }
        for (int q = 1; q < n; q++) { // by column
            const int column = near[q];
            const double x = sum[q];
            int p = q;
            for (; p > 0 && near[p - 1] > column; p--) {
                near[p] = near[p - 1];
                sum[p] = sum[p - 1];
            }
            near[p] = column;
            sum[p] = x;
        }
        memcpy(indices + used, near, n * sizeof(int));
        memcpy(values + used, sum, n * sizeof(double));
        used += n;
    }
    return 0;
}
