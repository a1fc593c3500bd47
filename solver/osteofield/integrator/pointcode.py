# SPDX-License-Identifier: LGPL-3.0-or-later
"""C source of Newton's correction at points (`pointwise`): the elimination written out for one model."""

from __future__ import annotations

import numpy as np

from .pattern import CANCELLED, Pattern

_MORE = (
    "double c, const double *m, const double *ms, const double *dm, const double *ds, double *b, "
    "double *known, float *single, double *whole, double *sums, double *strongest, long *bad, "
    "const double *solved, double *flows, double *extent"
)


class Writer:
    """Fills a frame: unknowns of a point count as in a state, W = c I - J, and w3_5 is its entry in row 3."""

    def __init__(self, pattern: Pattern, marrow_width: int):
        self._pattern, self._nm, self._ns = pattern, marrow_width, pattern.unknowns - marrow_width
        self._n, self._nd = pattern.unknowns, pattern.diffusing
        self._pairs = pattern.pairs()[1].tolist()

    def fill(self, frame: str) -> str:
        """C source of the function ``newton``."""
        first, second = [*self._blocks(), *self._couplings(), *self._right()], self._substitute()
        branches = ["if (solved) {", *second, "} else {", *first, "}"]
        parts = {
            "NAME": ["newton"],
            "MORE": [_MORE],
            "BEGIN": self._begin(),
            "WORK": [*self._load(), *self._eliminate(), *branches],
            "END": self._end(),
        }
        for name, lines in parts.items():
            frame = frame.replace(f"/*{name}*/", "\n    ".join(lines))
        return frame

    def _begin(self) -> list[str]:
        nb, n, pairs = self._nd**2, self._n, len(self._pairs)
        return [
            "const lanes zero = {0};",
            "lanes failed = zero;",
            f"lanes sum[{nb + 1}], most[{pairs + 1}];",
            f"lanes flow[{n}], squared[{n}], changed[{n}], low[{n}], high[{n}];",
            f"for (int k = 0; k < {nb}; k++) sum[k] = zero;",
            f"for (int k = 0; k < {pairs}; k++) most[k] = zero;",
            f"for (int k = 0; k < {n}; k++) flow[k] = squared[k] = changed[k] = high[k] = zero;",
            f"for (int k = 0; k < {n}; k++) low[k] = zero + INFINITY;",
        ]

    def _load(self) -> list[str]:
        """Weights, which are zero of copies, right sides, and W."""
        n, nm, ns = self._n, self._nm, self._ns
        lines = [
            "lanes volume = zero, area = zero, there = zero;",
            "for (int l = 0; l < w; l++) volume[l] = m[node[i + l]], there[l] = 1.;",
            f"lanes d[{n}];",
            f"EACH from[l] = dm + {nm} * (long)node[at[l]];",
            f"gather({nm}, from, d);",
        ]
        if ns:
            lines += [
                "for (int l = 0; l < w; l++) area[l] = ms[i + l];",
                f"EACH from[l] = ds + {ns} * at[l];",
                f"gather({ns}, from, d + {nm});",
            ]
        lines += [f"lanes e{k} = r[{k}] + d[{k}];" for k in range(n)]
        pattern = self._pattern
        entry = {(i, j): n + q for q, (i, j) in enumerate(zip(pattern.rows, pattern.cols, strict=True))}
        for i, j in np.argwhere(pattern.slots >= 0).tolist():
            value = f" - r[{entry[i, j]}]" if (i, j) in entry else ""
            lines.append(f"lanes w{i}_{j} = {'zero + c' if i == j else 'zero'}{value};")
        return lines

    def _eliminate(self) -> list[str]:
        """Local unknowns out of the equations of all others."""
        order = self._pattern.pivots
        lines = ["places good = zero == zero;"]  # NaN is not good
        lines += [f"lanes z{p.unknown} = size_of(w{p.unknown}_{p.unknown}) + fabs(c);" for p in order]
        for p in order:
            k = p.unknown
            lines.append(f"const lanes v{k} = 1. / w{k}_{k};")
            lines.append(f"good &= size_of(w{k}_{k}) > {CANCELLED} * z{k};")
            for i in p.below:
                lines.append(f"const lanes f{i}_{k} = w{i}_{k} * v{k};")
                if i >= self._nd and i in p.right:  # how much cancels in a pivot to come
                    lines.append(f"z{i} += size_of(f{i}_{k} * w{k}_{i});")
                lines += [f"w{i}_{j} -= f{i}_{k} * w{k}_{j};" for j in p.right]
                lines.append(f"e{i} -= f{i}_{k} * e{k};")
        return lines

    def _blocks(self) -> list[str]:
        """Node blocks of what diffuses, their sum, and points where there is none."""
        nd, nb, left = self._nd, self._nd**2, self._pattern.left
        lines = [f"lanes S[{nb}];", "lanes finite = zero;"]
        for q in range(nb):
            i, j = q % nd, q // nd
            lines.append(f"S[{q}] = {f'volume * w{i}_{j}' if left[i, j] else 'zero'};")
            if left[i, j]:
                lines.append(f"sum[{q}] += S[{q}]; finite += S[{q}] * 0.;")
        return [
            *lines,
            "failed += pick(good & (finite == zero), zero, there);",
            "float *narrow[LANES];",
            "double *to[LANES];",
            f"EACH narrow[l] = single + {nb} * (long)node[at[l]];",
            f"scatter_single({nb}, w, S, narrow);",
            f"if (whole) {{ EACH to[l] = whole + {nb} * (long)node[at[l]]; scatter({nb}, w, S, to); }}",
        ]

    def _couplings(self) -> list[str]:
        nd, diagonal = self._nd, sorted({k for pair in self._pairs for k in pair})
        lines = ["if (strongest) {"]
        lines += [f"const lanes o{k} = 1. / size_of(S[{k * (nd + 1)}]);" for k in diagonal]
        for k, (i, j) in enumerate(self._pairs):
            product = f"S[{j * nd + i}] * S[{i * nd + j}]"
            lines.append(f"const lanes q{k} = size_of({product}) * (o{i} * o{j});")
            lines.append(f"most[{k}] = pick(q{k} > most[{k}], q{k}, most[{k}]);")
        return [*lines, "}"]

    def _right(self) -> list[str]:
        """Right sides of what diffuses, and its state."""
        nd = self._nd
        return [
            "if (b) {",
            f"lanes right[{nd}];",
            *(f"right[{k}] = volume * e{k};" for k in range(nd)),
            f"EACH to[l] = b + {nd} * (long)node[at[l]];",
            f"scatter({nd}, w, right, to);",
            f"EACH to[l] = known + {nd} * (long)node[at[l]];",
            f"scatter({nd}, w, y, to);",
            "}",
        ]

    def _substitute(self) -> list[str]:
        """Back from the diffusing unknowns to all; the new state and what is to be known of it."""
        n, nd, nm, ns = self._n, self._nd, self._nm, self._ns
        lines = [
            f"lanes now[{n}];",
            f"EACH from[l] = solved + {nd} * (long)node[at[l]];",
            f"gather({nd}, from, now);",
            *(f"e{k} = now[{k}];" for k in range(nd)),
        ]
        for p in reversed(self._pattern.pivots):
            lines += [f"e{p.unknown} -= w{p.unknown}_{j} * e{j};" for j in p.right]
            lines.append(f"e{p.unknown} *= v{p.unknown};")
        flow = [f"r[{k}]" for k in range(n)]
        for q, (i, j) in enumerate(zip(self._pattern.rows, self._pattern.cols, strict=True)):
            flow[i] += f" + r[{n + q}] * e{j}"
        for k in range(n):
            weight, old = ("volume", f"y[{k}]") if k < nm else ("area", f"s[{k - nm}]")
            lines += [
                f"flow[{k}] += {weight} * ({flow[k]});",
                f"now[{k}] = {old} + e{k};",
                f"squared[{k}] += {weight} * now[{k}] * now[{k}];",
                f"changed[{k}] += {weight} * e{k} * e{k};",
                f"low[{k}] = pick(now[{k}] < low[{k}], now[{k}], low[{k}]);",
                f"high[{k}] = pick(size_of(now[{k}]) > high[{k}], size_of(now[{k}]), high[{k}]);",
            ]
        lines += [
            "double *to[LANES];",
            f"EACH to[l] = (double *)ym + {nm} * (long)node[at[l]];",
            f"scatter({nm}, w, now, to);",
        ]
        if ns:
            lines += [f"EACH to[l] = (double *)ys + {ns} * at[l];", f"scatter({ns}, w, now + {nm}, to);"]
        return lines

    def _end(self) -> list[str]:
        """Lanes added up."""
        nb, n, pairs = self._nd**2, self._n, len(self._pairs)
        return [
            "if (solved) {",
            f"for (int k = 0; k < {n}; k++) {{",
            f"double *v = extent + k, *d = v + {n}, *lowest = d + {n}, *highest = lowest + {n};",
            "*lowest = INFINITY;",
            "EACH flows[k] += flow[k][l], *v += squared[k][l], *d += changed[k][l];",
            "EACH *lowest = low[k][l] < *lowest ? low[k][l] : *lowest;",
            "EACH *highest = high[k][l] > *highest ? high[k][l] : *highest;",
            "}",
            "} else {",
            f"for (int k = 0; k < {nb}; k++) EACH sums[k] += sum[k][l];",
            f"for (int k = 0; strongest && k < {pairs}; k++)",
            "EACH strongest[k] = most[k][l] > strongest[k] ? most[k][l] : strongest[k];",
            "EACH *bad += (long)failed[l];",
            "}",
        ]
