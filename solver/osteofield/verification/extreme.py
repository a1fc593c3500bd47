# SPDX-License-Identifier: LGPL-3.0-or-later
"""Maxima of a course that is known at many times, between them too, with an estimate of the error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

NEIGHBOURS = 7  # points of the interpolating polynomial: its error falls with their distance to the 7th


@dataclass(frozen=True)
class Peak:
    """A maximum.

    Attributes:
        time: day.
        value: There.
        time_error, value_error: Against the polynomial of two degrees less.
        around: Two points of the course on either side, day.
    """

    time: float
    value: float
    time_error: float
    value_error: float
    around: tuple[float, float]


def peaks(
    times: np.ndarray,
    values: np.ndarray,
    breaks: Sequence[float] = (),
    *,
    jumps: bool = False,
    ends: bool = False,
) -> list[Peak]:
    """Local maxima.

    Args:
        times: Ascending, the breaks among them.
        values: ``(n,)``.
        breaks: Times at which the course may have a kink: no polynomial reaches across.
        jumps: Whether it may jump there; the value at a break is that to the right of it.
        ends: Whether the first and last value may be maxima too.
    """
    found = []
    for i in range(len(times)):
        at_end = i in (0, len(times) - 1)
        if at_end and not ends:
            continue
        left, right = values[max(i - 1, 0)], values[min(i + 1, len(times) - 1)]
        if values[i] < left or values[i] < right or (not at_end and values[i] == left == right):
            continue
        if i and values[i] == left and not ends:  # the second of two equal ones
            continue
        found.append(_refined(times, values, i, breaks, jumps))
    return found


def prominent(
    found: Sequence[Peak], times: np.ndarray, values: np.ndarray, share: float = 1e-2
) -> list[Peak]:
    """Those that stand out from every higher one, and from the least value, by a share of the range."""
    least = share * float(np.ptp(values))
    kept: list[Peak] = []
    for peak in sorted(found, key=lambda p: -p.value):
        dips = [values.min()]
        for other in kept:
            low, high = sorted((peak.time, other.time))
            dips.append(values[(times >= low) & (times <= high)].min(initial=peak.value))
        if peak.value - max(dips) > least:
            kept.append(peak)
    return sorted(kept, key=lambda p: p.time)


def interpolate(times: np.ndarray, values: np.ndarray, t: float, breaks: Sequence[float] = ()) -> float:
    """Value of a course between its points."""
    i = int(np.abs(times - t).argmin())
    rows = _window(times, i, NEIGHBOURS, _piece(times, t, breaks))
    h = float(np.ptp(times[rows])) or 1.0
    return float(np.polynomial.Polynomial(_through((times[rows] - t) / h, values[rows]))(0.0))


def _refined(times: np.ndarray, values: np.ndarray, i: int, breaks: Sequence[float], jumps: bool) -> Peak:
    """The maximum near point `i`, on either side of a kink if there is one."""
    best: Peak | None = None
    around = (float(times[max(i - 2, 0)]), float(times[min(i + 2, len(times) - 1)]))
    for side in (-1, 1):
        inside = _piece(times, times[i] + side * 1e-9 * (abs(times[i]) + 1e-9), breaks, jumps)
        if not inside[0] <= i < inside[1]:
            continue
        fine = _highest(times, values, i, NEIGHBOURS, inside)
        rough = _highest(times, values, i, NEIGHBOURS - 2, inside)
        peak = Peak(*fine, abs(fine[0] - rough[0]), abs(fine[1] - rough[1]), around)
        if best is None or peak.value > best.value:
            best = peak
    assert best is not None
    return best


def _highest(
    times: np.ndarray, values: np.ndarray, i: int, points: int, inside: tuple[int, int]
) -> tuple[float, float]:
    """Time and value of the largest value of the interpolating polynomial beside point `i`."""
    rows = _window(times, i, points, inside)
    h = float(np.ptp(times[rows])) or 1.0
    s = (times[rows] - times[i]) / h
    p = np.polynomial.Polynomial(_through(s, values[rows] - values[i]))
    low = s[max(i - 1, rows.start) - rows.start]
    high = s[min(i + 1, rows.stop - 1) - rows.start]
    inner = [float(r.real) for r in p.deriv().roots() if abs(r.imag) < 1e-9 and low < r.real < high]
    best = max((float(low), 0.0, float(high), *inner), key=lambda x: (float(p(x)), x == 0.0))
    return float(times[i] + h * best), float(values[i] + p(best))


def _through(s: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Coefficients of the polynomial through some points."""
    return np.linalg.solve(np.vander(s, increasing=True), values)


def _piece(times: np.ndarray, t: float, breaks: Sequence[float], jumps: bool = False) -> tuple[int, int]:
    """First index and end of the points between the breaks around `t`, without the later one at jumps."""
    low = max((b for b in breaks if b <= t), default=times[0])
    high = min((b for b in breaks if b > t), default=times[-1])
    side: Literal["left", "right"] = "left" if jumps and high in breaks else "right"
    return int(np.searchsorted(times, low)), int(np.searchsorted(times, high, side))


def _window(times: np.ndarray, i: int, points: int, inside: tuple[int, int]) -> slice:
    """About `points` neighbours of point `i`, not beyond its piece."""
    points = min(points, inside[1] - inside[0])
    first = min(max(i - points // 2, inside[0]), inside[1] - points)
    return slice(first, first + points)
