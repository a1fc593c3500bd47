// SPDX-License-Identifier: LGPL-3.0-or-later
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
