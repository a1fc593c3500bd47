// SPDX-License-Identifier: LGPL-3.0-or-later
// A cycle of the hierarchy, single precision. What comes after a sweep follows it at the distance of a row's farthest
// neighbour, while entries, blocks and vectors are still in a cache: rows are gone through in chunks, and row by row of
// a chunk of either, so that one does not wait for the other's arithmetic.

typedef struct level {
    const stiffness *K;
    const int *column; // WEIGHTS coarse rows of every row, ghosts included, and their weights; null on the coarsest level
    const real *weight;
    const real *P; // inverses of node blocks with the diagonal of K
    real *x, *b;   // room for what is solved for and for right sides; the latter is of no use on the finest level
    const struct level *coarse;
} level;
// What the smoother couples: whole blocks, or the diagonal and groups of populations (see `compact`).
typedef struct {
    const real *D;
    int whole, groups;
    const int *size, *index;
    int width; // numbers of an inverse
} smoother;
// The operator on the result of a cycle: w = (D K + S) x, and out += the products of `dots`.
typedef struct {
    const real *S, *weights, *V, *r;
    long stride;
    int k;
    real *w;
    double *out;
} image;

static inline void settle(const smoother *S, int whole, const real *P, vec t, real *x) { // x = P t
    if (whole) {
        real u[VW];
        *(loose *)u = t;
        put(x, block(P, u));
    } else
        put_groups(S->groups, S->size, S->index, P, t, x);
}
static inline void fetch(const stiffness *K, int narrow, const real *P, int width, const real *b, long i, long ahead) {
    const long j = K->start[i] + 16 * ahead; // it need not be there
    __builtin_prefetch(K->value + j);
    __builtin_prefetch(narrow ? (const void *)(K->step + j) : (const void *)(K->column + j));
    __builtin_prefetch(P + (i + ahead) * width);
    __builtin_prefetch(b + (i + ahead) * ND);
}
// ---------------------------------------------------------------- down: a sweep from zero, and what it leaves
static inline void relax_from_zero(const stiffness *K, int narrow, const smoother *S, int whole, vec d, const real *P,
                                   const real *b, real *x, long i) {
    const vec k = neighbours(K, narrow, K->start[i], K->middle[i], x, i); // those after it are still zero
    settle(S, whole, P + i * S->width, get(b + i * ND) - d * k, x + i * ND);
}
static inline void add_to_coarse(const level *L, vec r, real *c, long i) { // c += P^T r for one row
    for (int e = 0; e < WEIGHTS; e++) {
        real *to = c + (long)L->column[WEIGHTS * i + e] * ND;
        put(to, get(to) + L->weight[WEIGHTS * i + e] * r);
    }
}
// c += P^T (what is left): the neighbours that come after are all that the sweep has not seen
static inline void restrict_row(const level *L, const stiffness *K, int narrow, vec d, const real *x, real *c, long i) {
    add_to_coarse(L, -d * neighbours(K, narrow, K->middle[i], K->start[i + 1], x, i), c, i);
}
static inline long descend_as(int whole, int narrow, const level l, const stiffness K, const smoother s, const real *b,
                              real *x, real *c, long first, long last, long done) {
    const vec d = padded(s.D);
    for (long i0 = first, i1; i0 < last; i0 = i1) {
        i1 = (i0 / STRETCH + 1) * STRETCH;
        if (i1 > last) i1 = last;
        long ready = done;
        while (ready < i0 && K.far[ready / STRETCH] < i0) ready = (ready / STRETCH + 1) * STRETCH;
        for (long i = i0; i < i1; i++) {
            fetch(&K, narrow, l.P, s.width, b, i, AHEAD);
            relax_from_zero(&K, narrow, &s, whole, d, l.P, b, x, i);
            if (done < ready) restrict_row(&l, &K, narrow, d, x, c, done++);
        }
        while (done < ready) restrict_row(&l, &K, narrow, d, x, c, done++);
    }
    if (last == K.rows)
        while (done < last) restrict_row(&l, &K, narrow, d, x, c, done++);
    return done;
}
// Sweep rows `first` to `last` forward, from zero, and restrict from row `done` on what has all its neighbours, and all
// that is left after the last row. Rows before `first` have been swept. Returns the first row that was not restricted.
long descend(const level *l, const smoother *s, const real *b, real *x, real *c, long first, long last, long done) {
    const int narrow = narrow_from(l->K, done);
    if (s->whole)
        return narrow ? descend_as(1, 1, *l, *l->K, *s, b, x, c, first, last, done)
                      : descend_as(1, 0, *l, *l->K, *s, b, x, c, first, last, done);
    return narrow ? descend_as(0, 1, *l, *l->K, *s, b, x, c, first, last, done)
                  : descend_as(0, 0, *l, *l->K, *s, b, x, c, first, last, done);
}
void sweep_from_zero(const level *l, const smoother *s, const real *b, real *x, long first, long last) {
    const vec d = padded(s->D);
    for (long i = first; i < last; i++) relax_from_zero(l->K, 0, s, s->whole, d, l->P, b, x, i);
}
// The same for rows that may have ghosts beside them, whose values are not known yet: what is left in this rank's rows
// on their account the owners add, as is done here for theirs. K is symmetric.
void restrict_edge(const level *l, const smoother *s, const real *x, real *c, long last) {
    const vec d = padded(s->D);
    const stiffness *K = l->K;
    for (long i = 0; i < last; i++) {
        int own = K->start[i + 1];
        while (own > K->middle[i] && K->column[own - 1] >= K->rows) own--;
        const vec k = d * get(x + i * ND);
        vec r = {0};
        for (int j = K->middle[i]; j < own; j++) r -= K->value[j] * get(x + (long)K->column[j] * ND);
        add_to_coarse(l, d * r, c, i);
        for (int j = own; j < K->start[i + 1]; j++) add_to_coarse(l, -K->value[j] * k, c, K->column[j]);
    }
}
// ---------------------------------------------------------------- up: prolongation, a sweep, the operator
static inline void prolong_row(const level *L, const real *c, real *x, long i) {
    vec s = get(x + i * ND), t = {0};
    for (int e = 0; e < WEIGHTS; e += 2) {
        s += L->weight[WEIGHTS * i + e] * get(c + (long)L->column[WEIGHTS * i + e] * ND);
        t += L->weight[WEIGHTS * i + e + 1] * get(c + (long)L->column[WEIGHTS * i + e + 1] * ND);
    }
    put(x + i * ND, s + t);
}
void prolong(const level *l, const real *c, real *x, long first, long last) { // x += P c
    for (long i = first; i < last; i++) prolong_row(l, c, x, i);
}
static inline void relax(const stiffness *K, int narrow, const smoother *S, int whole, vec d, const real *P, const real *b,
                         real *x, long i) {
    const vec k = neighbours(K, narrow, K->start[i], K->start[i + 1], x, i);
    settle(S, whole, P + i * S->width, get(b + i * ND) - d * k, x + i * ND);
}
static inline void apply_row(const stiffness *K, int narrow, vec d, const image *q, const real *x, long i) {
    const vec k = differences(K, narrow, K->start[i], K->start[i + 1], x, i);
    put(q->w + i * ND, d * k + block(q->S + i * NB, x + i * ND));
}
static inline void multiply(const image *q, long first, long last) { // the products of rows whose w is known
    for (long i0 = first, i1; i0 < last; i0 = i1) {
        i1 = i0 + STRETCH < last ? i0 + STRETCH : last;
        const long o = i0 * ND;
        products(i1 - i0, q->k, q->weights, q->V + o, q->stride, q->w + o, q->r + o, q->out);
    }
}
static inline void ascend_as(int whole, int narrow, int with, const level l, const stiffness K, const smoother s,
                             const real *b, real *x, const real *c, long bottom, const image q, long stop, long *at) {
    const vec d = padded(s.D);
    long prolonged = at[0], relaxed = at[1], applied = at[2];
    while (relaxed > bottom) {
        const long i1 = relaxed, chunk = (i1 - 1) / STRETCH, i0 = chunk * STRETCH > bottom ? chunk * STRETCH : bottom;
        while (prolonged > K.near[chunk]) prolong_row(&l, c, x, --prolonged);
        long ready = applied;
        while (with && ready > stop && K.near[(ready - 1) / STRETCH] >= i1)
            ready = (ready - 1) / STRETCH * STRETCH > stop ? (ready - 1) / STRETCH * STRETCH : stop;
        const long before = applied;
        for (long i = i1 - 1; i >= i0; i--) {
            fetch(&K, narrow, l.P, s.width, b, i, -AHEAD);
            if (with) __builtin_prefetch(q.S + (applied - AHEAD) * NB);
            relax(&K, narrow, &s, whole, d, l.P, b, x, i);
            if (with && applied > ready) apply_row(&K, narrow, d, &q, x, --applied);
        }
        while (with && applied > ready) apply_row(&K, narrow, d, &q, x, --applied);
        if (with) multiply(&q, applied, before);
        relaxed = i0;
    }
    at[0] = prolonged, at[1] = relaxed, at[2] = applied;
}
static inline void ascend_to(int narrow, const level *l, const smoother *s, const real *b, real *x, const real *c, long bottom,
                             const image *q, long stop, long *at) {
    const image none = {0};
    if (s->whole)
        q ? ascend_as(1, narrow, 1, *l, *l->K, *s, b, x, c, bottom, *q, stop, at)
          : ascend_as(1, narrow, 0, *l, *l->K, *s, b, x, c, bottom, none, stop, at);
    else
        q ? ascend_as(0, narrow, 1, *l, *l->K, *s, b, x, c, bottom, *q, stop, at)
          : ascend_as(0, narrow, 0, *l, *l->K, *s, b, x, c, bottom, none, stop, at);
}
// Prolong, sweep backward and, where there is `q`, apply the operator down to row `stop` to what has all its neighbours.
// at: the rows before which that is still to be done, in this order.
void ascend(const level *l, const smoother *s, const real *b, real *x, const real *c, const image *q, long stop, long *at) {
    const long edge = l->K->step ? l->K->edge : l->K->rows;
    if (at[1] > edge) ascend_to(1, l, s, b, x, c, edge, q, stop > edge ? stop : edge, at);
    ascend_to(0, l, s, b, x, c, 0, q, stop, at);
}
static inline void apply_as(int narrow, const stiffness K, const smoother *s, const image q, const real *x, long first,
                            long last) {
    const vec d = padded(s->D);
    for (long i1 = last, i0; i1 > first; i1 = i0) {
        i0 = i1 - STRETCH > first ? i1 - STRETCH : first;
        for (long i = i1 - 1; i >= i0; i--) apply_row(&K, narrow, d, &q, x, i);
        multiply(&q, i0, i1);
    }
}
void apply_rows(const level *l, const smoother *s, const image *q, const real *x, long first, long last) {
    if (narrow_from(l->K, first))
        apply_as(1, *l->K, s, *q, x, first, last);
    else
        apply_as(0, *l->K, s, *q, x, first, last);
}
void sweep(const level *l, const smoother *s, int backward, const real *b, real *x) { // ghosts of x are read only
    const vec d = padded(s->D);
    for (long r = 0, n = l->K->rows; r < n; r++)
        relax(l->K, 0, s, s->whole, d, l->P, b, x, backward ? n - 1 - r : r);
}
// ---------------------------------------------------------------- where no other rank takes part
// A cycle from zero for b into x, and the operator on it where there is `q`. On the coarsest level `sweeps` symmetric sweeps.
void cycle(const level *l, const smoother *s, int sweeps, const real *b, real *x, const image *q) {
    const long n = l->K->rows;
    const level *c = l->coarse;
    if (!c) {
        sweep_from_zero(l, s, b, x, 0, n);
        sweep(l, s, 1, b, x);
        for (int k = 1; k < sweeps; k++) {
            sweep(l, s, 0, b, x);
            sweep(l, s, 1, b, x);
        }
        if (q) apply_rows(l, s, q, x, 0, n);
        return;
    }
    memset(c->b, 0, c->K->rows * ND * sizeof(real));
    descend(l, s, b, x, c->b, 0, n, 0);
    cycle(c, s, sweeps, c->b, c->x, NULL);
    long at[3] = {n, n, n};
    ascend(l, s, b, x, c->x, q, 0, at);
    if (q) apply_rows(l, s, q, x, 0, at[2]);
}
