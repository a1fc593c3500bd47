// SPDX-License-Identifier: LGPL-3.0-or-later
#include <math.h>

// out[p] += a quarter of the volume of every tetrahedron with corner p
void share_volumes(long n, const int *cells, const double *x, double *out) {
    for (long i = 0; i < n; i++) {
        const int *c = cells + 4 * i;
        const double *o = x + 3L * c[0], *p = x + 3L * c[1], *q = x + 3L * c[2], *r = x + 3L * c[3];
        const double ax = p[0] - o[0], ay = p[1] - o[1], az = p[2] - o[2];
        const double bx = q[0] - o[0], by = q[1] - o[1], bz = q[2] - o[2];
        const double cx = r[0] - o[0], cy = r[1] - o[1], cz = r[2] - o[2];
        const double six = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx);
        for (int k = 0; k < 4; k++) out[c[k]] += fabs(six) / 6. / 4.;
    }
}
