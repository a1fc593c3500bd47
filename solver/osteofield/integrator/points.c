// SPDX-License-Identifier: LGPL-3.0-or-later
// Points: exact elimination of local unknowns, eight points side by side, by a program that is made once for the
// non-zeros of the model (`pattern.py`). The unknowns of a point count as in a state: ND diffusing ones, the others of
// its marrow row, those of the bone surface.
// W = c I - J is factorised as far as the pivots go, all local unknowns. Entry e of J belongs into slot to[e] of W, the
// pivots have the slots 0 ... nl - 1 in the order in which they are taken. For every pivot the program holds
//     below, right; slots of the column below it; slots of the row to the right of it;
//     and for every entry below: the pivot whose slot is changed (or -1), the slots that are changed.
// lower, upper: multipliers, and inverse pivots with the rows to their right, from the last pivot to the first, eight
// points after eight. What is left is S, of which nz entries may differ from zero: place holds their slots and where they
// stand in a row of S (column major). single = m S; so is whole, unless it is empty.
// sums += its totals; strongest: largest |S_ij S_ji| / |S_ii S_jj| of every pair, whose four entries are
// given by where they stand.
// Returns the number of points without a good pivot.
long eliminate(long n, const int *node, const double *m, int nnz, const double *J, const int *to, double c, int slots,
               int nl, const int *program, long lowers, double *lower, long uppers, double *upper, int nz,
               const int *place, real *single, long wholes, double *whole, double *sums, int pairs, const int *pair,
               double *strongest) {
    long bad = 0;
    lanes w[(NM + NS) * (NM + NS) + 1], j[(NM + NS) * (NM + NS) + 1], s[NB + 1], size[NM + NS + 1];
    lanes sum[NB + 1], most[NB + 1];
    const lanes zero = {0};
    for (int k = 0; k < NB; k++) s[k] = sum[k] = zero;
    for (int k = 0; k < pairs; k++) most[k] = zero;
    for (long i = 0; i < n; i += LANES, lower += lowers * LANES, upper += uppers * LANES) {
        const int count = n - i < LANES ? (int)(n - i) : LANES;
        const double *row[LANES];
        double *wide[LANES];
        real *narrow[LANES];
        lanes volume = zero;
        EACH {
            const long at = i + (l < count ? l : count - 1), block = (long)node[at] * NB;
            row[l] = J + at * nnz;
            narrow[l] = single + block;
            wide[l] = whole + (wholes ? block : 0);
        }
        for (int l = 0; l < count; l++) volume[l] = m[node[i + l]];
        for (int k = 0; k < slots; k++) w[k] = zero;
        for (int k = 0; k < nl + ND; k++) w[k] = zero + c;
        gather(nnz, row, j);
        for (int e = 0; e < nnz; e++) w[to[e]] -= j[e];
        for (int k = 0; k < nl; k++) size[k] = size_of(w[k]) + fabs(c);
        lanes good = zero;
        const int *p = program;
        double *a = lower, *b = upper + uppers * LANES;
        for (int k = 0; k < nl; k++) {
            const int below = p[0], right = p[1], *down = p + 2, *across = down + below;
            const lanes pivot = w[k], inverse = 1. / pivot, left = size_of(pivot) - CANCELLED * size[k];
            EACH good[l] = left[l] > 0. ? good[l] : 1.; // NaN is not good
            b -= (1 + right) * LANES;
            memcpy(b, &inverse, sizeof inverse);
            for (int q = 0; q < right; q++) memcpy(b + (1 + q) * LANES, w + across[q], sizeof inverse);
            p = across + right;
            for (int r = 0; r < below; r++, p += 1 + right, a += LANES) {
                const lanes f = w[down[r]] * inverse;
                memcpy(a, &f, sizeof f);
                if (p[0] >= 0) { // how much cancels in a pivot to come
                    const int own = p[0];
                    for (int q = 0; q < right; q++)
                        if (p[1 + q] == own) size[own] += size_of(f * w[across[q]]);
                }
                for (int q = 0; q < right; q++) w[p[1 + q]] -= f * w[across[q]];
            }
        }
        lanes finite = zero;
        for (int k = 0; k < nz; k++) {
            const int q = place[2 * k + 1];
            s[q] = volume * w[place[2 * k]];
            sum[q] += s[q];
            finite += s[q] * 0.;
        }
        for (int l = 0; l < count; l++) bad += !(good[l] == 0. && finite[l] == 0.);
        for (int k = 0; k < pairs; k++) {
            const int *q = pair + 4 * k;
            const lanes ratio = size_of(s[q[0]] * s[q[1]]) / size_of(s[q[2]] * s[q[3]]);
            EACH most[k][l] = ratio[l] > most[k][l] ? ratio[l] : most[k][l];
        }
        scatter_single(NB, count, s, narrow);
        if (wholes) scatter(NB, count, s, wide);
    }
    for (int k = 0; k < NB; k++) EACH sums[k] += sum[k][l];
    for (int k = 0; k < pairs; k++) EACH strongest[k] = most[k][l] > strongest[k] ? most[k][l] : strongest[k];
    return bad;
}

// Where the rows of eight points begin; those beyond the last point are its own.
static inline void rows_of(int count, const int *node, double *rm, double *rs, double **marrow, double **surface) {
    EACH {
        const int j = l < count ? l : count - 1;
        marrow[l] = rm + (long)node[j] * NM;
        surface[l] = rs + (long)j * NS;
    }
}
// b = m (r_d less what the local r_l bring); r_l stays behind as far as it is solved for. order: for every pivot its
// unknown, how many multipliers, and whom they act on.
void reduce(long n, const int *node, const double *m, int nl, const int *order, long lowers, const double *lower,
            double *rm, double *rs, double *b) {
    lanes r[NM + NS + 1];
    double *marrow[LANES], *surface[LANES];
    const int on = nl > NM - ND ? NS : 0; // unknowns of the bone surface
    for (long i = 0; i < n; i += LANES, lower += lowers * LANES) {
        const int count = n - i < LANES ? (int)(n - i) : LANES, *p = order;
        const double *a = lower;
        rows_of(count, node + i, rm, rs + i * on, marrow, surface);
        gather(NM, (const double *const *)marrow, r);
        gather(on, (const double *const *)surface, r + NM);
        for (int k = 0; k < nl; k++) {
            const lanes own = r[p[0]];
            const int below = p[1];
            p += 2;
            for (int q = 0; q < below; q++, a += LANES) r[p[q]] -= *(const lanes *)a * own;
            p += below;
        }
        scatter(NM, count, r, marrow);
        scatter(on, count, r + NM, surface);
        for (int l = 0; l < count; l++) {
            const double v = m[node[i + l]];
            for (int q = 0; q < ND; q++) b[(long)node[i + l] * ND + q] = v * marrow[l][q];
        }
    }
}
// The local unknowns, from the last pivot to the first, once the diffusing ones x are known.
void expand(long n, const int *node, int nl, const int *order, long uppers, const double *upper, const double *x,
            double *rm, double *rs) {
    lanes r[NM + NS + 1];
    double *marrow[LANES], *surface[LANES];
    const double *known[LANES];
    const int on = nl > NM - ND ? NS : 0;
    for (long i = 0; i < n; i += LANES, upper += uppers * LANES) {
        const int count = n - i < LANES ? (int)(n - i) : LANES, *p = order;
        const double *a = upper;
        rows_of(count, node + i, rm, rs + i * on, marrow, surface);
        EACH known[l] = x + (long)node[i + (l < count ? l : count - 1)] * ND;
        gather(NM, (const double *const *)marrow, r);
        gather(on, (const double *const *)surface, r + NM);
        gather(ND, known, r);
        for (int k = 0; k < nl; k++) {
            const lanes inverse = *(const lanes *)a;
            const int right = p[1];
            lanes v = r[p[0]];
            a += LANES;
            for (int q = 0; q < right; q++, a += LANES) v -= *(const lanes *)a * r[p[2 + q]];
            r[p[0]] = v * inverse;
            p += 2 + right;
        }
        scatter(NM, count, r, marrow);
        scatter(on, count, r + NM, surface);
    }
}
// out[p] += sum of weight x (J v) of every population: the rate of change of the totals along v
void along(long n, const int *node, int nl, int nnz, const int *rows, const int *cols, const double *J, const double *m,
           const double *ms, const double *vm, const double *vs, double *out) {
    double of_entry[(NM + NS) * (NM + NS) + 1] = {0}; // summed entry by entry: no chain of additions
    const int surface = nl > NM - ND;
    for (long i = 0; i < n; i++) {
        double v[2][NM + NS + 1]; // times the weight of a marrow row, and of a surface row
        const double *Ji = J + i * nnz, w = m[node[i]], ws = ms[i];
        for (int p = 0; p < NM; p++) v[0][p] = w * vm[(long)node[i] * NM + p];
        if (!surface) {
            for (int q = 0; q < nnz; q++) of_entry[q] += Ji[q] * v[0][cols[q]];
            continue;
        }
        for (int p = 0; p < NS; p++) v[0][NM + p] = w * vs[i * NS + p];
        for (int p = 0; p < NM; p++) v[1][p] = ws * vm[(long)node[i] * NM + p];
        for (int p = 0; p < NS; p++) v[1][NM + p] = ws * vs[i * NS + p];
        for (int q = 0; q < nnz; q++) of_entry[q] += Ji[q] * v[rows[q] >= NM][cols[q]];
    }
    for (int q = 0; q < nnz; q++) out[rows[q]] += of_entry[q];
}
