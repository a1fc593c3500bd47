// SPDX-License-Identifier: LGPL-3.0-or-later
// Eight points side by side, one in each lane of a vector: a full register on AVX-512 machines; compilers split it
// where registers are shorter. Part of all generated source (`cbuild.lanes`).
#include <math.h>
#include <stdint.h>
#include <string.h>
#define LANES 8
#define EACH for (int l = 0; l < LANES; l++)
typedef double lanes __attribute__((vector_size(64)));
typedef double lanes_loose __attribute__((vector_size(64), aligned(8), may_alias));
typedef float eight_singles __attribute__((vector_size(32)));
typedef int64_t places __attribute__((vector_size(64)));
#ifdef __clang__
#define TURNED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define TURNED(a, b, ...) __builtin_shuffle(a, b, (places){__VA_ARGS__})
#endif

static inline lanes size_of(lanes v) { return (lanes)((places)v & INT64_MAX); }
static inline lanes pick(places m, lanes a, lanes b) { return (lanes)((m & (places)a) | (~m & (places)b)); }

// Eight numbers of each of eight points become eight points of each of eight numbers, or the other way round.
static inline void turn(lanes *a) {
    lanes b[8], c[8];
    for (int k = 0; k < 8; k += 2) {
        b[k] = TURNED(a[k], a[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        b[k + 1] = TURNED(a[k], a[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int k = 0; k < 8; k += 4)
        for (int q = 0; q < 2; q++) {
            c[k + q] = TURNED(b[k + q], b[k + q + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            c[k + q + 2] = TURNED(b[k + q], b[k + q + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int k = 0; k < 4; k++) {
        a[k] = TURNED(c[k], c[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        a[k + 4] = TURNED(c[k], c[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
// r[p] = number p of eight rows, n numbers each
static inline void gather(int n, const double *const *row, lanes *r) {
    int p = 0;
    for (; p + 8 <= n; p += 8) {
        lanes a[8];
        for (int l = 0; l < LANES; l++) a[l] = *(const lanes_loose *)(row[l] + p);
        turn(a);
        for (int k = 0; k < 8; k++) r[p + k] = a[k];
    }
    for (; p < n; p++)
        r[p] = (lanes){row[0][p], row[1][p], row[2][p], row[3][p], row[4][p], row[5][p], row[6][p], row[7][p]};
}
static inline void gather_single(int n, const float *const *row, lanes *r) {
    int p = 0;
    for (; p + 8 <= n; p += 8) {
        lanes a[8];
        for (int l = 0; l < LANES; l++) {
            eight_singles v;
            memcpy(&v, row[l] + p, sizeof v);
            a[l] = __builtin_convertvector(v, lanes);
        }
        turn(a);
        for (int k = 0; k < 8; k++) r[p + k] = a[k];
    }
    for (; p < n; p++)
        r[p] = (lanes){row[0][p], row[1][p], row[2][p], row[3][p], row[4][p], row[5][p], row[6][p], row[7][p]};
}
// The first `count` of eight rows from their numbers.
static inline void scatter(int n, int count, const lanes *r, double *const *row) {
    int p = 0;
    for (; p + 8 <= n; p += 8) {
        lanes a[8];
        for (int k = 0; k < 8; k++) a[k] = r[p + k];
        turn(a);
        if (count == LANES)
            for (int l = 0; l < LANES; l++) *(lanes_loose *)(row[l] + p) = a[l];
        else
            for (int l = 0; l < count; l++) *(lanes_loose *)(row[l] + p) = a[l];
    }
    for (; p < n; p++)
        for (int l = 0; l < count; l++) row[l][p] = r[p][l];
}
static inline void scatter_single(int n, int count, const lanes *r, float *const *row) {
    int p = 0;
    for (; p + 8 <= n; p += 8) {
        lanes a[8];
        for (int k = 0; k < 8; k++) a[k] = r[p + k];
        turn(a);
        for (int l = 0; l < count; l++) {
            const eight_singles v = __builtin_convertvector(a[l], eight_singles);
            memcpy(row[l] + p, &v, sizeof v);
        }
    }
    for (; p < n; p++)
        for (int l = 0; l < count; l++) row[l][p] = (float)r[p][l];
}
