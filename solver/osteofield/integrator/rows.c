// SPDX-License-Identifier: LGPL-3.0-or-later
// Linear algebra of (c I - J) k = r for interleaved populations on one scalar stiffness K.
// ND diffusing populations come first in a marrow row of NM values; the other NM-ND are local.
// A surface point adds NS local values of its own. Preconditioner data and vectors are float.
#define NB (ND * ND)
typedef float real;

// A row of ND numbers is handled as one vector of VW lanes: the lanes beyond ND read what follows in
// memory (arrays end with spare numbers) and are never stored.
#if ND <= 4
#define VW 4
#elif ND <= 8
#define VW 8
#elif ND <= 16
#define VW 16
#else
#define VW 32
#endif
typedef real vec __attribute__((vector_size(4 * VW)));
typedef real loose __attribute__((vector_size(4 * VW), aligned(4), may_alias));
static inline vec get(const real *x) { return *(const loose *)x; }
static inline void put(real *x, vec v) { memcpy(x, &v, ND * sizeof(real)); }

static inline vec block(const real *B, const real *t) { // column-major ND x ND block times t
    vec s = {0}, u = {0};
    int q = 0;
    for (; q + 1 < ND; q += 2) {
        s += t[q] * get(B + q * ND);
        u += t[q + 1] * get(B + (q + 1) * ND);
    }
    if (q < ND) s += t[q] * get(B + q * ND);
    return s + u;
}
static inline vec padded(const real *D) {
    real d[VW] = {0};
    memcpy(d, D, ND * sizeof(real));
    return get(d);
}

// The one scalar stiffness K of a level. Row i has its entries before the diagonal in start[i] .. middle[i], those after
// it in middle[i] .. start[i + 1], each an even number: an entry of zero is the last. The diagonal, minus their sum, is
// left out: K acts on differences between rows, or its diagonal stands in inverse blocks.
typedef struct {
    long rows, edge; // own rows; those from `edge` on have no ghosts beside them
    const int *start, *middle, *column;
    const short *step; // columns of rows from `edge` on, counted from the row; null where that is too far
    const real *value;
    const int *near, *far; // of every STRETCH rows: least column of these and all after, largest own one of these and all before
} stiffness;
#define AHEAD 16 // rows, of 16 entries, that are fetched into the cache ahead of their turn
static inline int narrow_from(const stiffness *K, long first) { return K->step && first >= K->edge; }

#define NEIGHBOURS(NAME, VECTOR, NUMBER, GET, LESS)                                                                    \
    static inline VECTOR NAME(const stiffness *K, int narrow, int j, int e, const NUMBER *x, long i) {                 \
        VECTOR s = {0}, t = {0};                                                                                       \
        const NUMBER *here = x + i * ND;                                                                               \
        for (; j < e; j += 2) {                                                                                        \
            const NUMBER *one = narrow ? here + (long)K->step[j] * ND : x + (long)K->column[j] * ND,                   \
                         *two = narrow ? here + (long)K->step[j + 1] * ND : x + (long)K->column[j + 1] * ND;           \
            s += K->value[j] * (GET(one) LESS);                                                                        \
            t += K->value[j + 1] * (GET(two) LESS);                                                                    \
        }                                                                                                              \
        return s + t;                                                                                                  \
    }
NEIGHBOURS(neighbours, vec, real, get, )                // sum of k_j x_j over entries j .. e
NEIGHBOURS(differences, vec, real, get, -get(here))     // sum of k_j (x_j - x_i)

#define WIDTH(W) ((W) <= 2 ? 2 : (W) <= 4 ? 4 : (W) <= 8 ? 8 : (W) <= 16 ? 16 : (W) <= 32 ? 32 : 64)
typedef double few __attribute__((vector_size(8 * WIDTH(ND)))); // a row in double precision
typedef double few_loose __attribute__((vector_size(8 * WIDTH(ND)), aligned(8), may_alias));
static inline few diffusing(const double *x) { return *(const few_loose *)x; }
NEIGHBOURS(double_differences, few, double, diffusing, -diffusing(here))
