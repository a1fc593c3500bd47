// SPDX-License-Identifier: LGPL-3.0-or-later
// Sums over linear hats of a lattice, and what belongs to the hats at places between them (DIM 2 or 3).
#include <math.h>
#define CORNERS (1 << DIM)

// Places: `low` is the lowest of the hats around each, `offset` how far it is from there, in cells of the lattice.
typedef struct {
    const int *low, *step;
    const double *offset;
} Places;

static inline void around(const Places *p, long i, long *hat, double *weight) {
    const double *o = p->offset + DIM * i;
    for (int c = 0; c < CORNERS; c++) {
        hat[c] = p->low[i];
        weight[c] = 1.;
        for (int k = 0; k < DIM; k++) {
            int up = c >> (DIM - 1 - k) & 1; // the last axis fastest: hats ascend
            hat[c] += up * p->step[k];
            weight[c] *= up ? o[k] : 1. - o[k];
        }
    }
}

// Adds mass times value, and its size (unless gross is null), to the hats around each of n places; values (n, k) with
// rows `apart`, sums (hats, k).
void gather(long n, const int *low, const int *step, const double *offset, const double *mass, long k, long apart,
            const double *values, double *sum, double *gross) {
    Places p = {low, step, offset};
    for (long i = 0; i < n; i++) {
        long hat[CORNERS];
        double weight[CORNERS];
        around(&p, i, hat, weight);
        const double *restrict v = values + apart * i;
        for (int c = 0; c < CORNERS; c++) {
            double *restrict s = sum + k * hat[c];
            for (long j = 0; j < k; j++) s[j] += weight[c] * (mass[i] * v[j]);
            if (!gross) continue;
            double *restrict g = gross + k * hat[c];
            for (long j = 0; j < k; j++) g[j] += weight[c] * fabs(mass[i] * v[j]);
        }
    }
}

// Changes values by the mean of what the hats around each say: in proportion to the value where `scales`, else as it is.
void spread(long n, const int *low, const int *step, const double *offset, long k, long apart, const double *change,
            const double *scales, double *work, double *values) {
    Places p = {low, step, offset};
    for (long i = 0; i < n; i++) {
        long hat[CORNERS];
        double weight[CORNERS];
        around(&p, i, hat, weight);
        for (long j = 0; j < k; j++) work[j] = 0.;
        for (int c = 0; c < CORNERS; c++) {
            const double *restrict s = change + k * hat[c];
            for (long j = 0; j < k; j++) work[j] += weight[c] * s[j];
        }
        double *restrict v = values + apart * i;
        for (long j = 0; j < k; j++) v[j] += work[j] * (scales[j] > 0. ? v[j] : 1.);
    }
}
