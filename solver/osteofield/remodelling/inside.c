// SPDX-License-Identifier: LGPL-3.0-or-later
// Which of some simplices each of some points lies in, or is nearest to (DIM 2 or 3).
#include <math.h>
#define CORNERS (DIM + 1)
#define INSIDE (-1e-12) // least barycentric coordinate of what counts as inside

// Edges 1..DIM of a simplex as columns; the one that is `instead` is replaced by the gap.
static double determinant(const double e[DIM][DIM], const double *gap, int instead) {
    const double *r[DIM];
    for (int k = 0; k < DIM; k++) r[k] = k == instead ? gap : e[k];
#if DIM == 2
    return r[0][0] * r[1][1] - r[0][1] * r[1][0];
#else
    return r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1]) + r[0][1] * (r[1][2] * r[2][0] - r[1][0] * r[2][2]) +
           r[0][2] * (r[1][0] * r[2][1] - r[1][1] * r[2][0]);
#endif
}

// Tries the k simplices listed for each of n points, in turn, until it is inside one. `table` has rows of `wide` numbers
// that begin with the corners of a simplex. Where a simplex is nearer than `best`, that, its row and the barycentric
// coordinates clipped to it are replaced.
void inside(long n, const double *x, long k, const long *row, const double *table, long wide, double *best, long *which,
            double *weights) {
    for (long i = 0; i < n; i++)
        for (long j = 0; j < k && best[i] > 0.; j++) {
            const double *corner = table + wide * row[k * i + j], *p = x + DIM * i;
            double e[DIM][DIM], gap[DIM], w[CORNERS], sum = 0., far = 0.;
            int in = 1; // nowhere near a simplex without volume, whose coordinates are no numbers
            for (int a = 0; a < DIM; a++) {
                gap[a] = p[a] - corner[a];
                for (int c = 0; c < DIM; c++) e[c][a] = corner[DIM * (c + 1) + a] - corner[a];
            }
            double whole = determinant(e, gap, -1);
            for (int c = 0; c < DIM; c++) sum += w[c + 1] = determinant(e, gap, c) / whole;
            w[0] = 1. - sum;
            for (int c = 0; c < CORNERS; c++) in &= w[c] >= INSIDE;
            sum = 0.;
            for (int c = 0; c < CORNERS; c++) sum += w[c] = w[c] < 0. ? 0. : w[c];
            for (int c = 0; c < CORNERS; c++) w[c] /= sum;
            for (int a = 0; a < DIM; a++) {
                double at = 0.;
                for (int c = 0; c < CORNERS; c++) at += w[c] * corner[DIM * c + a];
                far += (at - p[a]) * (at - p[a]);
            }
            far = in ? 0. : sqrt(far);
            if (!(far < best[i])) continue;
            best[i] = far;
            which[i] = row[k * i + j];
            for (int c = 0; c < CORNERS; c++) weights[CORNERS * i + c] = w[c];
        }
}
