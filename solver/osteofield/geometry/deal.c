// SPDX-License-Identifier: LGPL-3.0-or-later
// Cells, as rows of points, that touch a part of the points.
// kind[i]: 2 for a cell of the part, which is that of its first point in the numbering; 1 for another one that touches
// it; 0 for the rest. seen[p]: 1 for the points of the first two. count: how many of the rest, of others, of the part.
void touching(long n, int corners, const long *cells, const int *owner, int part, unsigned char *kind,
              unsigned char *seen, long *count) {
    count[0] = count[1] = count[2] = 0;
    for (long i = 0; i < n; i++) {
        const long *c = cells + i * corners;
        long first = c[0];
        int near = 0;
        for (int k = 0; k < corners; k++) {
            near |= owner[c[k]] == part;
            if (c[k] < first) first = c[k];
        }
        kind[i] = owner[first] == part ? 2 : near;
        count[kind[i]]++;
        for (int k = 0; k < corners && near; k++) seen[c[k]] = 1;
    }
}
// Those of the part, then the others that touch it, with their points renamed. own: how many of the part.
void renamed(long n, int corners, const long *cells, const unsigned char *kind, const int *name, long own, int *out) {
    int *mine = out, *other = out + own * corners;
    for (long i = 0; i < n; i++) {
        if (!kind[i]) continue;
        int **to = kind[i] == 2 ? &mine : &other;
        for (int k = 0; k < corners; k++) *(*to)++ = name[cells[i * corners + k]];
    }
}
